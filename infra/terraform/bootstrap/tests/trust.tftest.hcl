# Who may take which role, as it would be written. `cargo xtask e2e cloud` asks the written policies the same with claims.

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
  github_repository = "puntual/puntual"
}

run "an_apply_needs_its_environment_and_the_main_branch" {
  command = plan

  assert {
    condition = local.environment_trust["production"] == {
      StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = "repo:puntual/puntual:environment:production"
      }
      StringLike = {
        "token.actions.githubusercontent.com:job_workflow_ref" = "puntual/puntual/.github/workflows/*@refs/heads/main"
      }
    }
    error_message = "Audience, subject and workflow must all be named."
  }
}

run "a_plan_writes_nothing" {
  command = plan

  assert {
    condition = alltrue([
      for action in local.read_cloud.Action : can(regex(":(Get|List|Describe|View)", action))
    ])
    error_message = "The role of plans may only get, list, describe and view."
  }
  assert {
    condition     = !anytrue([for action in local.read_cloud.Action : startswith(action, "secretsmanager:Get") && action != "secretsmanager:GetResourcePolicy"])
    error_message = "A plan of any branch must not read a secret."
  }
  assert {
    condition     = flatten([for statement in local.read_state : statement.Action]) == ["s3:GetObject", "s3:ListBucket", "kms:Decrypt"]
    error_message = "A plan reads states and takes no lock."
  }
}

run "the_repository_can_be_named_by_its_number" {
  command = plan

  variables {
    github_repository_id = "123456"
  }

  assert {
    condition     = local.plan_trust.StringEquals["token.actions.githubusercontent.com:repository_id"] == "123456"
    error_message = "The number must be part of the trust of plans."
  }
  assert {
    condition     = local.environment_trust["staging"].StringEquals["token.actions.githubusercontent.com:repository_id"] == "123456"
    error_message = "The number must be part of the trust of applies."
  }
}

run "states_refuse_to_go" {
  command = plan

  assert {
    condition     = !var.state_may_be_destroyed
    error_message = "The states must not go with a destroy unless somebody says so."
  }
}

run "a_repository_with_a_wildcard_is_refused" {
  command = plan

  variables {
    github_repository = "puntual/*"
  }

  expect_failures = [var.github_repository]
}

run "a_number_that_is_none_is_refused" {
  command = plan

  variables {
    github_repository_id = "puntual"
  }

  expect_failures = [var.github_repository_id]
}

run "an_environment_that_could_widen_a_subject_is_refused" {
  command = plan

  variables {
    environments = ["production", "*"]
  }

  expect_failures = [var.environments]
}
