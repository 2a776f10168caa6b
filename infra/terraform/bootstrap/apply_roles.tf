# What an apply may do, a role for each environment. It makes roles only below a path, and each of them bounded: it can't
# make itself, or anything else, an administrator.

locals {
  # Apart: an apply can't change who may apply.
  delivery_path = "/puntual-delivery/"
  workload_path = "/puntual/"

  workload_roles = "arn:${local.partition}:iam::${local.account_id}:role${local.workload_path}*"

  apply_cloud = [
    {
      Sid    = "Services"
      Effect = "Allow"
      Action = [
        "aps:*", "autoscaling:*", "budgets:*", "ec2:*", "ecr:*", "eks:*", "elasticloadbalancing:*", "kms:*", "logs:*",
        "secretsmanager:*", "ssm:GetParameter", "ssm:GetParameters", "sts:GetCallerIdentity",
        "route53:ChangeResourceRecordSets", "route53:GetChange", "route53:GetHostedZone", "route53:ListResourceRecordSets",
      ]
      Resource = ["*"]
    },
    {
      Sid      = "NoSecretIsRead"
      Effect   = "Deny"
      Action   = ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"]
      Resource = ["*"]
    },
    {
      Sid      = "StatesKeepTheirKey"
      Effect   = "Deny"
      Action   = ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy"]
      Resource = [module.state_key.arn]
    },
  ]

  apply_iam = [
    {
      Sid      = "SeeRoles"
      Effect   = "Allow"
      Action   = ["iam:Get*", "iam:List*"]
      Resource = ["*"]
    },
    {
      Sid    = "BoundedRoles"
      Effect = "Allow"
      Action = [
        "iam:AttachRolePolicy", "iam:CreateRole", "iam:DetachRolePolicy", "iam:DeleteRolePolicy",
        "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
      ]
      Resource  = [local.workload_roles]
      Condition = { StringEquals = { "iam:PermissionsBoundary" = aws_iam_policy.boundary.arn } }
    },
    {
      Sid    = "RolesAndProfilesOfThePath"
      Effect = "Allow"
      Action = [
        "iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile", "iam:DeleteRole",
        "iam:PassRole", "iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile", "iam:TagRole",
        "iam:UntagInstanceProfile", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
        "iam:UpdateRoleDescription",
      ]
      Resource = [
        local.workload_roles,
        "arn:${local.partition}:iam::${local.account_id}:instance-profile${local.workload_path}*",
      ]
    },
    {
      Sid      = "RolesThatServicesMakeForThemselves"
      Effect   = "Allow"
      Action   = ["iam:CreateServiceLinkedRole"]
      Resource = ["arn:${local.partition}:iam::${local.account_id}:role/aws-service-role/*"]
      Condition = {
        StringEquals = {
          "iam:AWSServiceName" = [
            "autoscaling.amazonaws.com", "eks.amazonaws.com", "eks-nodegroup.amazonaws.com",
            "elasticloadbalancing.amazonaws.com",
          ]
        }
      }
    },
  ]

  # Of its own environment, and the locks beside them.
  write_state = {
    for environment in var.environments : environment => [
      {
        Sid      = "WriteStates"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = [for root in ["cloud", "platform"] : "${module.state.arn}/${root}/${environment}.tfstate"]
      },
      {
        Sid      = "LockStates"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        Resource = [for root in ["cloud", "platform"] : "${module.state.arn}/${root}/${environment}.tfstate.tflock"]
      },
      {
        Sid      = "FindStates"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [module.state.arn]
      },
      {
        Sid      = "EncryptStates"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [module.state_key.arn]
      },
    ]
  }
}

resource "aws_iam_role" "apply" {
  for_each = var.environments

  name                 = "apply-${each.key}"
  path                 = local.delivery_path
  description          = "Terraform apply, from the protected environment ${each.key}"
  max_session_duration = 7200
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = local.environment_trust[each.key]
    }]
  })
}

resource "aws_iam_role_policy" "apply_cloud" {
  for_each = aws_iam_role.apply

  name   = "cloud"
  role   = each.value.id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.apply_cloud, local.apply_iam) })
}

resource "aws_iam_role_policy" "apply_state" {
  for_each = aws_iam_role.apply

  name = "state"
  role = each.value.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.write_state[each.key], local.tunnel[each.key])
  })
}
