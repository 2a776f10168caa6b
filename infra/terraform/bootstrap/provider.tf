provider "aws" {
  region = var.region

  default_tags {
    tags = {
      project    = "puntual"
      managed_by = "terraform/bootstrap"
    }
  }
}
