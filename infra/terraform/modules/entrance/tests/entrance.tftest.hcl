mock_provider "aws" {}

variables {
  name                  = "puntual-test"
  vpc_id                = "vpc-1"
  subnet_ids            = ["subnet-1", "subnet-2", "subnet-3"]
  client_cidrs          = ["192.0.2.0/24", "198.51.100.0/24"]
  pod_security_group_id = "sg-1"
}

run "tls_is_passed_through_with_the_name_of_the_client" {
  command = plan

  assert {
    condition     = aws_lb_listener.this.protocol == "TCP" && aws_lb_target_group.this.protocol == "TCP"
    error_message = "Neither side may end TLS: client certificates must reach the service."
  }
  assert {
    condition     = aws_lb_target_group.this.proxy_protocol_v2 && aws_lb_target_group.this.target_type == "ip"
    error_message = "The pod itself must be told whose connection it is."
  }
  # The service trusts the load balancer's subnets, which is where connections must then come from.
  assert {
    condition     = aws_lb_target_group.this.preserve_client_ip == "false"
    error_message = "With the client's own address kept, the PROXY header would come from somebody who isn't trusted."
  }
}

run "only_those_who_are_named_may_knock" {
  command = plan

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.clients : rule.cidr_ipv4]) == toset(var.client_cidrs)
    error_message = "Each range, and none else, gets a rule."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.pods.from_port == 8080 && aws_vpc_security_group_ingress_rule.pods.to_port == 8080
    error_message = "Pods must be reached on the port of the API alone."
  }
}

run "a_zone_that_fails_takes_no_clients_along" {
  command = plan

  assert {
    condition     = aws_lb.this.enable_cross_zone_load_balancing && aws_lb.this.enable_deletion_protection
    error_message = "Targets of all zones must be shared, and the load balancer protected."
  }
}

run "a_name_is_made_only_where_there_is_a_zone" {
  command = plan

  variables {
    dns = { name = "inference.puntual.example", zone_id = "Z0123456789" }
  }

  assert {
    condition     = aws_route53_record.this[0].name == "inference.puntual.example"
    error_message = "The name must be the one that was asked for."
  }
}

run "a_door_for_nobody_is_refused" {
  command = plan

  variables {
    client_cidrs = []
  }

  expect_failures = [var.client_cidrs]
}

run "a_name_too_long_is_refused" {
  command = plan

  variables {
    name = "puntual-an-environment-with-a-long-name"
  }

  expect_failures = [var.name]
}
