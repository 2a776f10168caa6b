# The way in for a runner outside (ADR 17): one small instance with nothing on it, which Session Manager forwards one port
# through. Nothing knocks on it, it may talk to the Kubernetes API and to Session Manager, and it is replaced weekly by
# the newest image, so that nobody has to patch it.

resource "aws_security_group" "this" {
  name        = "${var.name}-tunnel"
  description = "Tunnel: out to the Kubernetes API and AWS, nothing in"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-tunnel" }
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.this.id
  description       = "Kubernetes API, and Session Manager by its endpoints"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = var.https_cidr
}

resource "aws_vpc_security_group_ingress_rule" "kubernetes_api" {
  security_group_id            = var.control_plane_security_group_id
  description                  = "Kubernetes API from the tunnel"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.this.id
}

module "role" {
  source = "../service_role"

  name                     = "${var.name}-tunnel"
  service                  = "ec2.amazonaws.com"
  managed_policies         = ["AmazonSSMManagedInstanceCore"]
  role_path                = var.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
}

resource "aws_iam_instance_profile" "this" {
  name = "${var.name}-tunnel"
  path = var.role_path
  role = module.role.name
}

resource "aws_launch_template" "this" {
  name                   = "${var.name}-tunnel"
  update_default_version = true
  # The newest image at each start, and not at each plan.
  image_id               = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
  instance_type          = "t4g.nano"
  vpc_security_group_ids = [aws_security_group.this.id]

  iam_instance_profile {
    arn = aws_iam_instance_profile.this.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "disabled"
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 8
      encrypted             = true
      kms_key_id            = var.volume_key_arn
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = ["instance", "volume", "network-interface"]

    content {
      resource_type = tag_specifications.value
      # Whom the runner's role may open a session to is told by this name.
      tags = merge(var.instance_tags, { Name = "${var.name}-tunnel" })
    }
  }
}

resource "aws_autoscaling_group" "this" {
  name                      = "${var.name}-tunnel"
  min_size                  = 1
  max_size                  = 1
  desired_capacity          = 1
  vpc_zone_identifier       = var.subnet_ids
  health_check_type         = "EC2"
  max_instance_lifetime     = 7 * 24 * 3600
  wait_for_capacity_timeout = "0"

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version
  }

  # Instances get theirs from the launch template, which tags volumes as well.
  tag {
    key                 = "Name"
    value               = "${var.name}-tunnel"
    propagate_at_launch = false
  }
}
