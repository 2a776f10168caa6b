key = "cloud/staging.tfstate"
