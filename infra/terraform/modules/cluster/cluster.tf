# The control plane: reached from inside the VPC only, its secrets under our key, all its logs kept, and nobody an
# administrator because he happened to create it.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

resource "aws_cloudwatch_log_group" "control_plane" {
  # EKS decides the name; made here first, so that it has a key and an end.
  name              = "/aws/eks/${var.name}/cluster"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_key_arn
}

module "control_plane_role" {
  source = "../service_role"

  name                     = "${var.name}-control-plane"
  service                  = "eks.amazonaws.com"
  condition                = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
  managed_policies         = ["AmazonEKSClusterPolicy"]
  role_path                = var.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
}

resource "aws_security_group" "control_plane" {
  name        = "${var.name}-control-plane"
  description = "Who else than nodes reaches the Kubernetes API"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-control-plane" }
}

# Of nodes and so of their pods, beside the group that EKS makes and owns: rules of ours stand in a group of ours.
resource "aws_security_group" "nodes" {
  #checkov:skip=CKV2_AWS_5:attached by the launch template of the node groups, which is in another module
  name        = "${var.name}-nodes"
  description = "Who else than the cluster itself reaches nodes and pods"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-nodes" }
}

resource "aws_eks_cluster" "this" {
  #checkov:skip=CKV_AWS_339:checkov's list of versions ends before 1.36; EKS supports it
  # Without its log group EKS makes one that is kept for ever.
  depends_on = [aws_cloudwatch_log_group.control_plane]

  name    = var.name
  version = var.kubernetes_version
  # With its policy, without which EKS can't remove its interfaces.
  role_arn = module.control_plane_role.arn

  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  # Add-ons are ours, with versions: those that EKS would put there have none.
  bootstrap_self_managed_addons = false

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = var.secrets_key_arn
    }
  }

  kubernetes_network_config {
    service_ipv4_cidr = var.service_cidr
  }

  # A version that is no longer supported is replaced, not paid for six times over.
  upgrade_policy {
    support_type = "STANDARD"
  }

  vpc_config {
    subnet_ids              = var.control_plane_subnet_ids
    security_group_ids      = [aws_security_group.control_plane.id]
    endpoint_private_access = true
    endpoint_public_access  = false
  }
}
