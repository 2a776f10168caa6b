# The way to the private Kubernetes API for a runner outside (ADR 17).

module "tunnel" {
  source = "../modules/tunnel"

  name                            = local.name
  vpc_id                          = module.network.vpc_id
  subnet_ids                      = values(module.network.node_subnet_ids)
  https_cidr                      = contains(var.interface_endpoints, "ssmmessages") ? module.network.vpc_cidr : "0.0.0.0/0"
  control_plane_security_group_id = module.cluster.control_plane_security_group_id
  volume_key_arn                  = module.volume_key.arn
  instance_tags                   = local.tags
  role_path                       = local.role_path
  permissions_boundary_arn        = var.permissions_boundary_arn
}
