# The network: three zones, each with a subnet for load balancers, one for nodes and one for the control plane.

locals {
  # Of the /16, nodes and their pods get three /19; what is left has room for 32 /24, of which six are used.
  node_cidrs          = { for index, zone in var.zones : zone => cidrsubnet(var.cidr, 3, index) }
  public_cidrs        = { for index, zone in var.zones : zone => cidrsubnet(var.cidr, 8, 96 + index) }
  control_plane_cidrs = { for index, zone in var.zones : zone => cidrsubnet(var.cidr, 8, 112 + index) }
}

resource "aws_vpc" "this" {
  cidr_block = var.cidr
  # Both, or the names of private endpoints, of EKS's own too, resolve to public addresses.
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = { Name = var.name }
}

# It exists in every VPC and lets its members talk to each other; here it lets nobody do anything.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "public" {
  for_each = local.public_cidrs

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-public-${each.key}", "kubernetes.io/role/elb" = "1" }
}

resource "aws_subnet" "nodes" {
  for_each = local.node_cidrs

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-nodes-${each.key}", "kubernetes.io/role/internal-elb" = "1" }
}

# Apart from the nodes: an upgrade of the control plane needs free addresses, which pods could have taken.
resource "aws_subnet" "control_plane" {
  for_each = local.control_plane_cidrs

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = { Name = "${var.name}-control-plane-${each.key}" }
}
