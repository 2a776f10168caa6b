# Where everything is, and how it reaches what is not in it.

module "network" {
  source = "../modules/network"

  name                     = local.name
  cidr                     = var.vpc_cidr
  zones                    = var.zones
  nat                      = var.nat
  interface_endpoints      = var.interface_endpoints
  log_key_arn              = module.log_key.arn
  log_retention_days       = var.log_retention_days
  role_path                = local.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
}

locals {
  # What nodes, their pods' identities, images, secrets and the tunnel ask.
  needed_without_nat = [
    "ec2", "ec2messages", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "kms", "logs",
    "secretsmanager", "ssm", "ssmmessages", "sts",
  ]
}
