# The cluster, its nodes, and add-ons in the order in which they can work: network and identities, nodes, the rest.

module "cluster" {
  source = "../modules/cluster"

  name                     = local.name
  kubernetes_version       = var.kubernetes_version
  vpc_id                   = module.network.vpc_id
  control_plane_subnet_ids = values(module.network.control_plane_subnet_ids)
  service_cidr             = var.service_cidr
  secrets_key_arn          = module.cluster_key.arn
  log_key_arn              = module.log_key.arn
  log_retention_days       = var.log_retention_days
  access                   = local.access
  role_path                = local.role_path
  permissions_boundary_arn = var.permissions_boundary_arn

  addons = {
    vpc-cni = {
      version = var.addon_versions["vpc-cni"]
      configuration = jsonencode({
        # Policies of the network are kept by the network plugin itself.
        enableNetworkPolicy = "true"
        env = {
          # A pod's first packet waits until its policy is there: without it all is open for a second or two.
          NETWORK_POLICY_ENFORCING_MODE = "strict"
          # Addresses by sixteens: a node holds more pods than it has single addresses.
          ENABLE_PREFIX_DELEGATION = "true"
        }
      })
    }
    eks-pod-identity-agent = { version = var.addon_versions["eks-pod-identity-agent"] }
    kube-proxy             = { version = var.addon_versions["kube-proxy"] }
  }
}

# The network plugin manages addresses with a role of its own, which the nodes then don't need.
module "vpc_cni_role" {
  source = "../modules/workload_role"

  name                     = "${local.name}-vpc-cni"
  cluster_name             = module.cluster.name
  cluster_arn              = module.cluster.arn
  namespace                = "kube-system"
  service_account          = "aws-node"
  managed_policies         = ["AmazonEKS_CNI_Policy"]
  role_path                = local.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "nodes" {
  source   = "../modules/node_group"
  for_each = var.node_groups

  name = each.key
  # A node whose network plugin has no role never gets ready. By name, as `depends_on` would make each plan guess anew.
  cluster_name             = module.vpc_cni_role.cluster_name
  kubernetes_version       = var.kubernetes_version
  architecture             = each.value.architecture
  instance_types           = each.value.instance_types
  size                     = each.value.size
  volume_gib               = each.value.volume_gib
  subnet_ids               = values(module.network.node_subnet_ids)
  security_group_ids       = module.cluster.node_security_group_ids
  volume_key_arn           = module.volume_key.arn
  instance_tags            = local.tags
  role_path                = local.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
}

# These are pods, and wait for nodes.
resource "aws_eks_addon" "after_nodes" {
  for_each = toset(["coredns", "aws-ebs-csi-driver", "aws-secrets-store-csi-driver-provider"])

  depends_on = [module.nodes, module.ebs_csi_role]

  cluster_name                = module.cluster.name
  addon_name                  = each.key
  addon_version               = var.addon_versions[each.key]
  resolve_conflicts_on_create = "NONE"
  resolve_conflicts_on_update = "OVERWRITE"
}

module "ebs_csi_role" {
  source = "../modules/workload_role"

  name                     = "${local.name}-ebs-csi"
  cluster_name             = module.cluster.name
  cluster_arn              = module.cluster.arn
  namespace                = "kube-system"
  service_account          = "ebs-csi-controller-sa"
  managed_policies         = ["service-role/AmazonEBSCSIDriverPolicy"]
  role_path                = local.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
}
