# A role that a service of AWS takes: in the path and below the boundary of all roles of the cloud.

data "aws_partition" "current" {}

resource "aws_iam_role" "this" {
  name                 = var.name
  path                 = var.role_path
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      for field, value in {
        Effect    = "Allow"
        Principal = { Service = var.service }
        Action    = var.actions
        Condition = var.condition
      } : field => value if value != null
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  count = var.statements == null ? 0 : 1

  name   = "work"
  role   = aws_iam_role.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = var.statements })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = var.managed_policies

  role       = aws_iam_role.this.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/${each.key}"
}
