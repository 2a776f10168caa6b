key = "cloud/production.tfstate"
