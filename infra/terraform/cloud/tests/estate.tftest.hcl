# What would be made, without making it: planned with a provider that knows nothing and answers what is written here.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
}

variables {
  environment              = "test"
  region                   = "us-east-1"
  cost_centre              = "flights"
  budget                   = { monthly_usd = 100, emails = ["somebody@puntual.example"] }
  permissions_boundary_arn = "arn:aws:iam::123456789012:policy/puntual-delivery/puntual-boundary"
  zones                    = ["us-east-1a", "us-east-1b", "us-east-1c"]
  vpc_cidr                 = "10.20.0.0/16"
  nat                      = "one"
  interface_endpoints      = []
  client_cidrs             = ["192.0.2.0/24"]
  node_groups = {
    graviton = {
      architecture   = "arm64"
      instance_types = ["m7g.large"]
      size           = { min = 3, desired = 3, max = 6 }
    }
  }
}

run "load_balancer_and_secrets_of_production_refuse_to_go" {
  command = plan

  assert {
    condition     = !var.may_be_destroyed && alltrue([for secret in aws_secretsmanager_secret.this : secret.recovery_window_in_days == 30])
    error_message = "A secret must be recoverable for 30 days unless the environment may be destroyed."
  }
  assert {
    condition     = toset(output.trusted_proxies) == toset(["10.20.96.0/24", "10.20.97.0/24", "10.20.98.0/24"])
    error_message = "The service must trust the load balancer's subnets and no others."
  }
  assert {
    condition     = length(aws_prometheus_workspace.this) == 0 && output.remote_write_url == null
    error_message = "The managed workspace costs money and must be asked for."
  }
}

run "somebody_is_told_before_the_money_is_gone" {
  command = plan

  assert {
    condition     = one(aws_budgets_budget.monthly.cost_filter).values == tolist(["user:environment$test"])
    error_message = "The budget must count what carries the environment's tag."
  }
  assert {
    condition     = toset(aws_budgets_budget.monthly.notification[*].notification_type) == toset(["ACTUAL", "FORECASTED"])
    error_message = "Both what is spent and what will be must be told."
  }
}

run "addons_have_the_versions_that_were_chosen" {
  command = plan

  assert {
    condition     = toset(keys(aws_eks_addon.after_nodes)) == toset(["coredns", "aws-ebs-csi-driver", "aws-secrets-store-csi-driver-provider"])
    error_message = "What is a pod waits for nodes."
  }
  assert {
    condition     = alltrue([for name, addon in aws_eks_addon.after_nodes : addon.addon_version == var.addon_versions[name]])
    error_message = "An add-on without its version changes on any day."
  }
}

run "managed_prometheus_gets_the_generated_rules" {
  command = plan

  variables {
    managed_prometheus = true
  }

  assert {
    condition     = strcontains(aws_prometheus_rule_group_namespace.this["api-availability.yaml"].data, "ApiAvailabilityBurn")
    error_message = "The workspace must evaluate the rules that were generated from slo/."
  }
}

run "deploys_work_in_their_namespace_only" {
  command = plan

  assert {
    condition     = local.access["deploy"].policy == "AmazonEKSEditPolicy" && local.access["deploy"].namespaces == ["inference"]
    error_message = "The deploy role must be an editor of the namespace inference and of nothing else."
  }
  assert {
    condition     = [for name, entry in local.access : name if entry.policy == "AmazonEKSClusterAdminPolicy"] == ["platform"]
    error_message = "Only terraform/platform may have the whole cluster, unless somebody is named for breaking glass."
  }
}

# What is refused, each with the sentence that says what would be right.

run "nodes_without_a_way_out_are_refused" {
  command = plan

  variables {
    nat                 = "none"
    interface_endpoints = ["ecr.api"]
  }

  expect_failures = [var.interface_endpoints]
}

run "an_unreachable_workspace_is_refused" {
  command = plan

  variables {
    nat = "none"
    interface_endpoints = [
      "ec2", "ec2messages", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "kms", "logs",
      "secretsmanager", "ssm", "ssmmessages", "sts",
    ]
    managed_prometheus = true
  }

  expect_failures = [var.managed_prometheus]
}

run "an_addon_without_its_full_version_is_refused" {
  command = plan

  variables {
    addon_versions = {
      "aws-ebs-csi-driver"                    = "latest"
      "aws-secrets-store-csi-driver-provider" = "v3.1.1-eksbuild.1"
      "coredns"                               = "v1.14.3-eksbuild.16"
      "eks-pod-identity-agent"                = "v1.3.10-eksbuild.3"
      "kube-proxy"                            = "v1.36.0-eksbuild.21"
      "vpc-cni"                               = "v1.22.4-eksbuild.3"
    }
  }

  expect_failures = [var.addon_versions]
}

run "a_kube_proxy_of_another_kubernetes_is_refused" {
  command = plan

  variables {
    kubernetes_version = "1.37"
  }

  expect_failures = [var.addon_versions]
}

run "services_among_the_machines_are_refused" {
  command = plan

  variables {
    service_cidr = "10.100.0.0/16"
  }

  expect_failures = [var.service_cidr]
}

run "a_budget_that_tells_nobody_is_refused" {
  command = plan

  variables {
    budget = { monthly_usd = 100, emails = [] }
  }

  expect_failures = [var.budget]
}

run "zones_of_another_region_are_refused" {
  command = plan

  variables {
    zones = ["us-east-1a", "us-east-1b", "eu-west-1a"]
  }

  expect_failures = [var.zones]
}

run "a_name_too_long_for_names_made_of_it_is_refused" {
  command = plan

  variables {
    environment = "production_of_the_north"
  }

  expect_failures = [var.environment]
}
