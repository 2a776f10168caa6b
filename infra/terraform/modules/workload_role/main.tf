# What a pod may do in AWS: a role that EKS gives to the pods of one service account of one cluster, and nobody else.

data "aws_caller_identity" "current" {}

module "role" {
  source = "../service_role"

  name    = var.name
  service = "pods.eks.amazonaws.com"
  actions = ["sts:AssumeRole", "sts:TagSession"]
  condition = {
    StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
    ArnEquals    = { "aws:SourceArn" = var.cluster_arn }
  }
  statements               = var.statements
  managed_policies         = var.managed_policies
  role_path                = var.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
}

resource "aws_eks_pod_identity_association" "this" {
  cluster_name    = var.cluster_name
  namespace       = var.namespace
  service_account = var.service_account
  role_arn        = module.role.arn
}
