output "vpc_id" {
  description = "ID of the VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Addresses of the VPC."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Subnets of load balancers, by zone."
  value       = { for zone, subnet in aws_subnet.public : zone => subnet.id }
}

output "public_subnet_cidrs" {
  description = "Addresses of the load balancers' subnets, by zone."
  value       = local.public_cidrs
}

output "node_subnet_ids" {
  description = "Subnets of nodes and pods, by zone."
  value       = { for zone, subnet in aws_subnet.nodes : zone => subnet.id }
}

output "control_plane_subnet_ids" {
  description = "Subnets of the control plane's interfaces, by zone."
  value       = { for zone, subnet in aws_subnet.control_plane : zone => subnet.id }
}
