# Nodes of one kind: an operating system without a shell or a package manager, volumes under our key, credentials of the
# instance out of the pods' reach.

locals {
  ami_type = { arm64 = "BOTTLEROCKET_ARM_64", amd64 = "BOTTLEROCKET_x86_64" }[var.architecture]
}

# The least that a node needs: to join, to ask for its pods' identities, to pull images. Its network plugin has its own.
module "role" {
  source = "../service_role"

  name                     = "${var.cluster_name}-${var.name}-node"
  service                  = "ec2.amazonaws.com"
  managed_policies         = ["AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"]
  role_path                = var.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
}

resource "aws_launch_template" "node" {
  name                   = "${var.cluster_name}-${var.name}"
  update_default_version = true
  vpc_security_group_ids = var.security_group_ids

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
    # One hop ends at the node: a pod's question would be the second.
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "disabled"
  }

  # Bottlerocket itself, read-only.
  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 4
      encrypted             = true
      kms_key_id            = var.volume_key_arn
      delete_on_termination = true
    }
  }

  # Images, logs and what pods write.
  block_device_mappings {
    device_name = "/dev/xvdb"

    ebs {
      volume_type           = "gp3"
      volume_size           = var.volume_gib
      encrypted             = true
      kms_key_id            = var.volume_key_arn
      delete_on_termination = true
    }
  }

  monitoring {
    enabled = true
  }

  # Default tags of the provider stop at the launch template; instances and volumes are what costs.
  dynamic "tag_specifications" {
    for_each = ["instance", "volume", "network-interface"]

    content {
      resource_type = tag_specifications.value
      tags          = merge(var.instance_tags, { Name = "${var.cluster_name}-${var.name}" })
    }
  }
}

resource "aws_eks_node_group" "this" {
  cluster_name    = var.cluster_name
  node_group_name = var.name
  # With its policies, without which a node can't join, and one that is being removed can't leave.
  node_role_arn  = module.role.arn
  subnet_ids     = var.subnet_ids
  version        = var.kubernetes_version
  ami_type       = local.ami_type
  capacity_type  = "ON_DEMAND"
  instance_types = var.instance_types
  labels         = { "puntual.dev/pool" = var.name }

  launch_template {
    id      = aws_launch_template.node.id
    version = aws_launch_template.node.latest_version
  }

  scaling_config {
    min_size     = var.size.min
    max_size     = var.size.max
    desired_size = var.size.desired
  }

  update_config {
    max_unavailable = 1
  }

  lifecycle {
    precondition {
      condition     = var.size.min <= var.size.desired && var.size.desired <= var.size.max
      error_message = "size must have min <= desired <= max."
    }
  }
}
