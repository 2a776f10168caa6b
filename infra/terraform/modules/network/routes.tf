# Who reaches the internet: load balancers directly, nodes through NAT where there is one, the control plane's subnets
# never.

locals {
  nat_zones = { none = [], one = slice(var.zones, 0, 1), per_zone = var.zones }[var.nat]
  # Each zone's way out: its own where there is one for each.
  nat_of_zone = var.nat == "none" ? {} : {
    for zone in var.zones : zone => var.nat == "one" ? var.zones[0] : zone
  }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.name }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-public" }
}

resource "aws_route" "public_to_internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}

resource "aws_eip" "nat" {
  for_each = toset(local.nat_zones)

  domain = "vpc"

  tags = { Name = "${var.name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each = aws_eip.nat
  # It has no way out itself before there is a gateway.
  depends_on = [aws_internet_gateway.this]

  allocation_id = each.value.id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_route_table" "nodes" {
  for_each = aws_subnet.nodes

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-nodes-${each.key}" }
}

resource "aws_route" "nodes_to_internet" {
  for_each = local.nat_of_zone

  route_table_id         = aws_route_table.nodes[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.value].id
}

resource "aws_route_table_association" "nodes" {
  for_each = aws_subnet.nodes

  subnet_id      = each.value.id
  route_table_id = aws_route_table.nodes[each.key].id
}

resource "aws_route_table" "control_plane" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-control-plane" }
}

resource "aws_route_table_association" "control_plane" {
  for_each = aws_subnet.control_plane

  subnet_id      = each.value.id
  route_table_id = aws_route_table.control_plane.id
}
