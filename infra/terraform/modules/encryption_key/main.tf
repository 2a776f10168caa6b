# A key of our own for one purpose, with its policy written out: the account administers it, and what else uses it is named.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  region     = data.aws_region.current.name

  use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]

  account = [{
    Sid       = "TheAccountDecidesByItsIamPolicies"
    Effect    = "Allow"
    Principal = { AWS = "arn:${local.partition}:iam::${local.account_id}:root" }
    Action    = "kms:*"
    Resource  = "*"
  }]

  logs = [for prefix in var.log_group_prefixes : {
    Sid       = "LogGroups${index(var.log_group_prefixes, prefix)}"
    Effect    = "Allow"
    Principal = { Service = "logs.${local.region}.amazonaws.com" }
    Action    = local.use
    Resource  = "*"
    Condition = {
      ArnLike = {
        "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:${prefix}*"
      }
    }
  }]

  # The policy that AWS gives its own EBS key: whoever in the account may start an instance may have its volume made,
  # the service-linked role of Auto Scaling among them, which no IAM policy of ours could be attached to.
  volumes = [for service in var.via_services : {
    Sid       = "Through${title(service)}"
    Effect    = "Allow"
    Principal = { AWS = "*" }
    Action    = concat(local.use, ["kms:CreateGrant"])
    Resource  = "*"
    Condition = {
      StringEquals = {
        "kms:CallerAccount" = local.account_id
        "kms:ViaService"    = "${service}.${local.region}.amazonaws.com"
      }
    }
  }]
}

resource "aws_kms_key" "this" {
  description             = var.description
  enable_key_rotation     = true
  rotation_period_in_days = 365
  # What a key protected is gone with it: as long as possible to change one's mind.
  deletion_window_in_days = 30
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.account, local.logs, local.volumes)
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}
