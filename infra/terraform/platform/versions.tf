terraform {
  required_version = ">= 1.11.4, < 2.0.0"

  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = "3.1.1"
    }
  }

  # environments/NAME/backend.hcl of terraform/cloud, with the key platform/NAME.tfstate.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}
