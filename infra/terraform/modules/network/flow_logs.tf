# Who talked to whom: the record of every connection that the VPC let through or refused.

data "aws_caller_identity" "current" {}

resource "aws_cloudwatch_log_group" "flow" {
  name              = "/${var.name}/vpc-flow"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_key_arn
}

module "flow_role" {
  source = "../service_role"

  name      = "${var.name}-vpc-flow"
  service   = "vpc-flow-logs.amazonaws.com"
  condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
  statements = [{
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    Resource = ["${aws_cloudwatch_log_group.flow.arn}:*"]
  }]
  role_path                = var.role_path
  permissions_boundary_arn = var.permissions_boundary_arn
}

resource "aws_flow_log" "this" {
  vpc_id                   = aws_vpc.this.id
  traffic_type             = "ALL"
  log_destination          = aws_cloudwatch_log_group.flow.arn
  iam_role_arn             = module.flow_role.arn
  max_aggregation_interval = 600

  tags = { Name = var.name }
}
