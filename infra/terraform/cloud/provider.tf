provider "aws" {
  region = var.region

  # What costs are counted by; instances and volumes get them from their launch templates.
  default_tags {
    tags = local.tags
  }
}
