# GitHub's word for which workflow asks. Each role names `aud` and `sub`: with `aud` alone any repository of the world could
# take it.

locals {
  issuer = "token.actions.githubusercontent.com"

  # StringEquals, never ForAllValues:, which holds where the claim is missing.
  audience = { "${local.issuer}:aud" = "sts.amazonaws.com" }
  # Names can be given up and taken by others; the number can't.
  repository = var.github_repository_id == null ? {} : { "${local.issuer}:repository_id" = var.github_repository_id }

  # Any branch and any pull request of this repository; GitHub gives a fork's no token.
  plan_trust = {
    StringEquals = merge(local.audience, local.repository)
    StringLike = {
      "${local.issuer}:sub" = [
        "repo:${var.github_repository}:pull_request",
        "repo:${var.github_repository}:ref:refs/heads/*",
      ]
    }
  }

  # Jobs in the protected environment, by a workflow as it stands on the main branch.
  environment_trust = {
    for environment in var.environments : environment => {
      StringEquals = merge(local.audience, local.repository, {
        "${local.issuer}:sub" = "repo:${var.github_repository}:environment:${environment}"
      })
      StringLike = {
        "${local.issuer}:job_workflow_ref" = "${var.github_repository}/.github/workflows/*@refs/heads/main"
      }
    }
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}
