mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name                     = "puntual-test"
  kubernetes_version       = "1.36"
  vpc_id                   = "vpc-1"
  control_plane_subnet_ids = ["subnet-1", "subnet-2", "subnet-3"]
  service_cidr             = "172.20.0.0/16"
  secrets_key_arn          = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  log_key_arn              = "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  log_retention_days       = 30
  addons                   = { vpc-cni = { version = "v1.22.4-eksbuild.3" } }
  role_path                = "/puntual/"
  permissions_boundary_arn = "arn:aws:iam::123456789012:policy/puntual-delivery/puntual-boundary"
  access = {
    reader = { principal_arn = "arn:aws:iam::123456789012:role/reader", policy = "AmazonEKSViewPolicy" }
    deploy = {
      principal_arn = "arn:aws:iam::123456789012:role/deploy"
      policy        = "AmazonEKSEditPolicy"
      namespaces    = ["inference"]
      groups        = ["puntual:deploy"]
    }
    group = { principal_arn = "arn:aws:iam::123456789012:role/group", groups = ["auditors"] }
  }
}

run "nobody_is_an_administrator_by_accident" {
  command = plan

  assert {
    condition     = one(aws_eks_cluster.this.access_config).authentication_mode == "API"
    error_message = "Access is by entries, not by a map in the cluster."
  }
  assert {
    condition     = !one(aws_eks_cluster.this.access_config).bootstrap_cluster_creator_admin_permissions
    error_message = "Who creates the cluster must not own it."
  }
}

run "the_api_is_reached_from_inside_only" {
  command = plan

  assert {
    condition     = one(aws_eks_cluster.this.vpc_config).endpoint_private_access && !one(aws_eks_cluster.this.vpc_config).endpoint_public_access
    error_message = "The endpoint must be private, and only private."
  }
}

run "secrets_and_logs_have_their_keys" {
  command = plan

  assert {
    condition     = one(one(aws_eks_cluster.this.encryption_config).provider).key_arn == var.secrets_key_arn
    error_message = "Secrets must be encrypted with the key that was given."
  }
  assert {
    condition     = aws_cloudwatch_log_group.control_plane.name == "/aws/eks/puntual-test/cluster" && aws_cloudwatch_log_group.control_plane.kms_key_id == var.log_key_arn
    error_message = "The log group must be the one that EKS writes to, encrypted."
  }
  assert {
    condition     = length(aws_eks_cluster.this.enabled_cluster_log_types) == 5
    error_message = "All five logs must be kept."
  }
}

run "an_entry_reaches_as_far_as_it_says" {
  command = plan

  assert {
    condition     = one(aws_eks_access_policy_association.this["deploy"].access_scope).type == "namespace"
    error_message = "An entry with namespaces must not reach the cluster."
  }
  assert {
    condition     = one(aws_eks_access_policy_association.this["reader"].access_scope).type == "cluster"
    error_message = "An entry without namespaces is for the cluster."
  }
  assert {
    condition     = !contains(keys(aws_eks_access_policy_association.this), "group")
    error_message = "An entry of groups alone has no policy of EKS."
  }
}

run "an_entry_that_may_do_nothing_is_refused" {
  command = plan

  variables {
    access = { nobody = { principal_arn = "arn:aws:iam::123456789012:role/nobody" } }
  }

  expect_failures = [var.access]
}

run "a_patch_of_kubernetes_is_refused" {
  command = plan

  variables {
    kubernetes_version = "1.36.1"
  }

  expect_failures = [var.kubernetes_version]
}
