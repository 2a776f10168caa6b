# A key for each kind of content: who may read images may not read secrets for that.

module "cluster_key" {
  source = "../modules/encryption_key"

  name        = "${local.name}-cluster"
  description = "Secrets of the cluster, in its etcd"
}

module "log_key" {
  source = "../modules/encryption_key"

  name               = "${local.name}-logs"
  description        = "Logs of the control plane and of the network"
  log_group_prefixes = ["/aws/eks/${local.name}/", "/${local.name}/"]
}

module "image_key" {
  source = "../modules/encryption_key"

  name        = "${local.name}-images"
  description = "Images of the registry"
}

module "volume_key" {
  source = "../modules/encryption_key"

  name         = "${local.name}-volumes"
  description  = "Volumes of nodes, and those that pods ask for"
  via_services = ["ec2"]
}

module "secret_key" {
  source = "../modules/encryption_key"

  name        = "${local.name}-secrets"
  description = "Secrets of the service: keys, certificates, classes of quotas"
}
