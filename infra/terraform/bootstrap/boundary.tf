# The most that any role of the cloud can do, whatever is attached to it: what nodes, add-ons and the service are for. No
# role, user or key policy is among it.

resource "aws_iam_policy" "boundary" {
  #checkov:skip=CKV_AWS_287:a boundary gives nothing; it is the most that any policy can give
  #checkov:skip=CKV_AWS_288:a boundary gives nothing; it is the most that any policy can give
  #checkov:skip=CKV_AWS_289:a boundary gives nothing; it is the most that any policy can give
  #checkov:skip=CKV_AWS_290:a boundary gives nothing; it is the most that any policy can give
  #checkov:skip=CKV_AWS_355:a boundary gives nothing; it is the most that any policy can give
  name        = "puntual-boundary"
  path        = local.delivery_path
  description = "The most that roles below ${local.workload_path} can do"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "WhatNodesAddOnsAndTheServiceAreFor"
        Effect = "Allow"
        Action = [
          "aps:*", "autoscaling:Describe*", "ec2:*", "ec2messages:*", "ecr:Batch*", "ecr:Get*", "eks:*", "eks-auth:*",
          "elasticloadbalancing:*", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*", "logs:*",
          "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "ssm:*", "ssmmessages:*", "sts:*",
        ]
        Resource = ["*"]
      },
      {
        # AmazonEKSClusterPolicy asks for it.
        Sid       = "RoleOfTheLoadBalancers"
        Effect    = "Allow"
        Action    = ["iam:CreateServiceLinkedRole"]
        Resource  = ["*"]
        Condition = { StringEquals = { "iam:AWSServiceName" = "elasticloadbalancing.amazonaws.com" } }
      },
      {
        Sid      = "NeverTheStates"
        Effect   = "Deny"
        Action   = ["kms:*"]
        Resource = [module.state_key.arn]
      },
    ]
  })
}
