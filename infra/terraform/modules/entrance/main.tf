# The front door: a network load balancer that passes TCP through, so that TLS ends in the service and client certificates
# reach it (ADR 18). Terraform owns it, not a Service of Kubernetes: it outlives the cluster's controllers.

resource "aws_security_group" "this" {
  name        = "${var.name}-entrance"
  description = "Load balancer: who may knock, and where it passes on to"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-entrance" }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = toset(var.client_cidrs)

  security_group_id = aws_security_group.this.id
  description       = "TLS from clients"
  ip_protocol       = "tcp"
  from_port         = var.listen_port
  to_port           = var.listen_port
  cidr_ipv4         = each.value
}

resource "aws_vpc_security_group_egress_rule" "pods" {
  security_group_id            = aws_security_group.this.id
  description                  = "To the pods of the service"
  ip_protocol                  = "tcp"
  from_port                    = var.target_port
  to_port                      = var.target_port
  referenced_security_group_id = var.pod_security_group_id
}

resource "aws_vpc_security_group_ingress_rule" "pods" {
  security_group_id            = var.pod_security_group_id
  description                  = "From the load balancer"
  ip_protocol                  = "tcp"
  from_port                    = var.target_port
  to_port                      = var.target_port
  referenced_security_group_id = aws_security_group.this.id
}

resource "aws_lb" "this" {
  #checkov:skip=CKV_AWS_91:a load balancer writes access logs for listeners that end TLS, and this one passes TCP on; flow logs and the service's spans say who came
  name                             = var.name
  load_balancer_type               = "network"
  internal                         = false
  subnets                          = var.subnet_ids
  security_groups                  = [aws_security_group.this.id]
  enable_cross_zone_load_balancing = true
  enable_deletion_protection       = var.deletion_protection
}

resource "aws_lb_target_group" "this" {
  name        = var.name
  vpc_id      = var.vpc_id
  target_type = "ip"
  protocol    = "TCP"
  port        = var.target_port

  # Whose connection it is, said before TLS begins; the service believes it of these subnets only (ADR 13).
  proxy_protocol_v2  = true
  preserve_client_ip = false
  # A pod that leaves is no longer given connections, and closes its own while it drains.
  deregistration_delay   = 15
  connection_termination = false

  # Whether the socket answers, no more. Health checks carry a PROXY header too, which the admin listener doesn't read,
  # and one over the API listener would fail when it is busiest. Readiness is Kubernetes' to see: who isn't ready is
  # taken out of the group.
  health_check {
    protocol            = "TCP"
    port                = "traffic-port"
    interval            = 5
    timeout             = 3
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "this" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "TCP"
  port              = var.listen_port

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

resource "aws_route53_record" "this" {
  count = var.dns == null ? 0 : 1

  zone_id = var.dns.zone_id
  name    = var.dns.name
  type    = "A"

  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = true
  }
}
