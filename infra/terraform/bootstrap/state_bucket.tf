# Where all states lie. Whoever can write here decides what exists; whoever can read here knows what does.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  region     = data.aws_region.current.name

  state_bucket     = "puntual-state-${local.account_id}-${local.region}"
  state_bucket_arn = "arn:${local.partition}:s3:::${local.state_bucket}"
}

module "state_key" {
  source = "../modules/encryption_key"

  name        = "puntual-state"
  description = "States of Terraform"
}

module "state_access_logs" {
  source = "../modules/private_bucket"

  name              = "puntual-state-access-${local.account_id}-${local.region}"
  expire_after_days = 365
  access_logs_of    = { (local.state_bucket_arn) = local.account_id }
  force_destroy     = var.state_may_be_destroyed
}

module "state" {
  source = "../modules/private_bucket"

  name          = local.state_bucket
  kms_key_arn   = module.state_key.arn
  force_destroy = var.state_may_be_destroyed
}

resource "aws_s3_bucket_logging" "state" {
  bucket        = module.state.id
  target_bucket = module.state_access_logs.id
  target_prefix = "state/"
}
