# What a pull request may do: read what is there and compare it with what would be. It takes no lock (`plan -lock=false`),
# so that it needs no right to write and can't stand in the way of an apply.

locals {
  read_state = [
    {
      Sid      = "ReadStates"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = ["${module.state.arn}/*.tfstate"]
    },
    {
      Sid      = "FindStates"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = [module.state.arn]
    },
    {
      Sid      = "DecryptStates"
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = [module.state_key.arn]
    },
  ]

  # What the provider asks to refresh a state, and nothing that shows content: no object, no secret, no parameter of ours.
  read_cloud = {
    Sid    = "ReadWhatIsThere"
    Effect = "Allow"
    Action = [
      "aps:Describe*", "aps:List*",
      "autoscaling:Describe*",
      "budgets:ListTagsForResource", "budgets:ViewBudget",
      "ec2:Describe*", "ec2:GetLaunchTemplateData",
      "ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource",
      "eks:Describe*", "eks:List*",
      "elasticloadbalancing:Describe*",
      "iam:Get*", "iam:List*",
      "kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListResourceTags",
      "logs:DescribeLogGroups", "logs:ListTagsForResource",
      "route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ListTagsForResource",
      "s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration",
      "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy",
      "sts:GetCallerIdentity",
    ]
    Resource = ["*"]
  }
}

resource "aws_iam_role" "plan" {
  name                 = "plan"
  path                 = local.delivery_path
  description          = "Terraform plan, from any branch of the repository"
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = local.plan_trust
    }]
  })
}

resource "aws_iam_role_policy" "plan" {
  name   = "read"
  role   = aws_iam_role.plan.id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.read_state, [local.read_cloud]) })
}
