mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
}

variables {
  name                     = "puntual-test"
  cidr                     = "10.20.0.0/16"
  zones                    = ["us-east-1a", "us-east-1b", "us-east-1c"]
  nat                      = "one"
  interface_endpoints      = ["sts", "ecr.api"]
  log_key_arn              = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  log_retention_days       = 30
  role_path                = "/puntual/"
  permissions_boundary_arn = "arn:aws:iam::123456789012:policy/puntual-delivery/puntual-boundary"
}

run "no_two_subnets_overlap" {
  command = plan

  assert {
    condition     = values(local.node_cidrs) == ["10.20.0.0/19", "10.20.32.0/19", "10.20.64.0/19"]
    error_message = "Nodes must have three /19."
  }
  assert {
    condition     = values(local.public_cidrs) == ["10.20.96.0/24", "10.20.97.0/24", "10.20.98.0/24"]
    error_message = "Load balancers must have three /24 after the nodes."
  }
  assert {
    condition     = values(local.control_plane_cidrs) == ["10.20.112.0/24", "10.20.113.0/24", "10.20.114.0/24"]
    error_message = "The control plane must have three /24 of its own."
  }
}

run "one_gateway_serves_all_zones" {
  command = plan

  assert {
    condition     = keys(aws_nat_gateway.this) == ["us-east-1a"]
    error_message = "There must be one gateway."
  }
  assert {
    condition     = length(aws_route.nodes_to_internet) == 3
    error_message = "Each zone's nodes need a route to it."
  }
}

run "each_zone_has_its_own_gateway" {
  command = plan

  variables {
    nat = "per_zone"
  }

  assert {
    condition     = toset(keys(aws_nat_gateway.this)) == toset(var.zones) && alltrue([for zone, via in local.nat_of_zone : zone == via])
    error_message = "A zone must not lose its way out with another zone."
  }
}

run "no_way_out_at_all" {
  command = plan

  variables {
    nat = "none"
  }

  assert {
    condition     = length(aws_nat_gateway.this) + length(aws_eip.nat) + length(aws_route.nodes_to_internet) == 0
    error_message = "Without NAT there must be neither gateway nor address nor route."
  }
}

run "nothing_gets_a_public_address_and_the_default_group_lets_nobody_in" {
  command = plan

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "No subnet may give public addresses away."
  }
  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL"
    error_message = "What is refused must be recorded as well as what is let through."
  }
  assert {
    condition     = aws_vpc_endpoint.interface["ecr.api"].private_dns_enabled && aws_vpc_endpoint.interface["ecr.api"].service_name == "com.amazonaws.us-east-1.ecr.api"
    error_message = "An endpoint must answer to the service's own name."
  }
}

run "two_zones_are_refused" {
  command = plan

  variables {
    zones = ["us-east-1a", "us-east-1b", "us-east-1b"]
  }

  expect_failures = [var.zones]
}

run "a_network_too_small_is_refused" {
  command = plan

  variables {
    cidr = "10.20.0.0/20"
  }

  expect_failures = [var.cidr]
}
