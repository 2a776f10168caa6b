# What clients connect to, and how its targets get in and out.

module "entrance" {
  source = "../modules/entrance"

  name                  = local.name
  vpc_id                = module.network.vpc_id
  subnet_ids            = values(module.network.public_subnet_ids)
  client_cidrs          = var.client_cidrs
  pod_security_group_id = module.cluster.node_security_group_id
  # Not by `!`, which checkov takes for nothing where modules have modules.
  deletion_protection = var.may_be_destroyed == false
  dns                 = var.dns
}

# The controller puts ready pods into the target group and takes others out (TargetGroupBinding). It makes no load balancer
# and changes no rule, so that it may do nothing more than this.
module "target_binding_role" {
  source = "../modules/workload_role"

  name                     = "${local.name}-target-binding"
  cluster_name             = module.cluster.name
  cluster_arn              = module.cluster.arn
  namespace                = "kube-system"
  service_account          = "aws-load-balancer-controller"
  role_path                = local.role_path
  permissions_boundary_arn = var.permissions_boundary_arn

  statements = [
    {
      Sid      = "SeeTargets"
      Effect   = "Allow"
      Action   = ["ec2:Describe*", "elasticloadbalancing:Describe*"]
      Resource = ["*"]
    },
    {
      Sid      = "ReadyPodsInOthersOut"
      Effect   = "Allow"
      Action   = ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"]
      Resource = [module.entrance.target_group_arn]
    },
  ]
}
