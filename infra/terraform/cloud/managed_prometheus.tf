# Where people outgrow one Prometheus: it sends on to a managed workspace, which evaluates the same generated rules.

locals {
  # The generated files themselves; a rule that is changed by hand would be another one.
  rules = "${path.module}/../../../observability/prometheus/rules"
}

resource "aws_prometheus_workspace" "this" {
  count = var.managed_prometheus ? 1 : 0

  alias       = local.name
  kms_key_arn = module.log_key.arn

  logging_configuration {
    log_group_arn = "${aws_cloudwatch_log_group.managed_prometheus[0].arn}:*"
  }
}

resource "aws_cloudwatch_log_group" "managed_prometheus" {
  count = var.managed_prometheus ? 1 : 0

  name              = "/${local.name}/managed-prometheus"
  retention_in_days = var.log_retention_days
  kms_key_id        = module.log_key.arn
}

resource "aws_prometheus_rule_group_namespace" "this" {
  for_each = var.managed_prometheus ? fileset(local.rules, "*.yaml") : []

  name         = trimsuffix(each.key, ".yaml")
  workspace_id = aws_prometheus_workspace.this[0].id
  data         = file("${local.rules}/${each.key}")
}

module "remote_write_role" {
  source = "../modules/workload_role"
  count  = var.managed_prometheus ? 1 : 0

  name                     = "${local.name}-remote-write"
  cluster_name             = module.cluster.name
  cluster_arn              = module.cluster.arn
  namespace                = "observability"
  service_account          = "prometheus"
  role_path                = local.role_path
  permissions_boundary_arn = var.permissions_boundary_arn

  statements = [{
    Sid      = "SendSamples"
    Effect   = "Allow"
    Action   = ["aps:RemoteWrite"]
    Resource = [aws_prometheus_workspace.this[0].arn]
  }]
}
