# What the service is given in files: Terraform makes the places, somebody else puts the content there, so that no state and
# no plan holds a secret. The pod's own identity reads them, and the Secrets Store driver mounts them as files, which the
# service looks at again when they change.

locals {
  secrets = {
    tls-certificate = "Server certificate with its chain, PEM: --tls-certificate"
    tls-key         = "Key of the server certificate, PEM: --tls-key"
    tls-client-ca   = "CAs of client certificates, PEM: --tls-client-ca"
    tls-client-crl  = "Revocation lists of those CAs, PEM: --tls-crl"
    quota-classes   = "Classes of quotas: --quota-classes"
    probe-token     = "Token of the prober: inference probe --token-file"
    load-token      = "Token of load tests: loadtest run --token-file"
  }
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:what they hold is made outside AWS, by a CA or by people; there is no function that could make the next one
  for_each = local.secrets

  name        = "${local.name}/inference/${each.key}"
  description = each.value
  kms_key_id  = module.secret_key.arn
  # Zero removes the name at once, so that the environment can be made again.
  recovery_window_in_days = var.may_be_destroyed ? 0 : 30
}

module "inference_role" {
  source = "../modules/workload_role"

  name                     = "${local.name}-inference"
  cluster_name             = module.cluster.name
  cluster_arn              = module.cluster.arn
  namespace                = local.namespace
  service_account          = local.service_account
  role_path                = local.role_path
  permissions_boundary_arn = var.permissions_boundary_arn

  statements = [
    {
      Sid      = "ReadItsOwnSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
      Resource = [for secret in aws_secretsmanager_secret.this : secret.arn]
    },
    {
      Sid       = "DecryptThem"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = [module.secret_key.arn]
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
    },
  ]
}
