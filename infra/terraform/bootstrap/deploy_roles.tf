# What a deploy may do, a role for each environment: push an image, or fetch it where it was tried before, find the cluster,
# go through the tunnel, send load with a token of its own. What it may do in the cluster, the cluster says
# (terraform/cloud/access.tf).

locals {
  # One port forwarded through the one instance of that name; no shell, and no other document.
  tunnel = {
    for environment in var.environments : environment => [
      {
        Sid       = "ThroughTheTunnel"
        Effect    = "Allow"
        Action    = ["ssm:StartSession"]
        Resource  = ["arn:${local.partition}:ec2:${local.region}:${local.account_id}:instance/*"]
        Condition = { StringEquals = { "ssm:resourceTag/Name" = "puntual-${environment}-tunnel" } }
      },
      {
        Sid      = "OnlyForwardingAPort"
        Effect   = "Allow"
        Action   = ["ssm:StartSession"]
        Resource = ["arn:${local.partition}:ssm:${local.region}::document/AWS-StartPortForwardingSessionToRemoteHost"]
      },
      {
        Sid      = "EndOwnSessions"
        Effect   = "Allow"
        Action   = ["ssm:ResumeSession", "ssm:TerminateSession"]
        Resource = ["arn:${local.partition}:ssm:*:*:session/$${aws:userid}-*"]
      },
      {
        Sid      = "FindTheTunnel"
        Effect   = "Allow"
        Action   = ["ec2:DescribeInstances"]
        Resource = ["*"]
      },
    ]
  }

  # Of the service's secrets the one that is for this.
  load_token = {
    for environment in var.environments : environment => [
      {
        Sid      = "ReadTheTokenOfTheLoad"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = [local.load_token_arn[environment]]
      },
      {
        Sid      = "DecryptIt"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = ["arn:${local.partition}:kms:${local.region}:${local.account_id}:key/*"]
        Condition = {
          StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" }
          StringLike   = { "kms:EncryptionContext:SecretARN" = local.load_token_arn[environment] }
        }
      },
    ]
  }

  # Secrets Manager adds six characters of its own.
  load_token_arn = {
    for environment in var.environments : environment =>
    "arn:${local.partition}:secretsmanager:${local.region}:${local.account_id}:secret:puntual-${environment}/inference/load-token-??????"
  }

  deploy = {
    for environment in var.environments : environment => [
      {
        Sid      = "FindTheCluster"
        Effect   = "Allow"
        Action   = ["eks:DescribeCluster"]
        Resource = ["arn:${local.partition}:eks:${local.region}:${local.account_id}:cluster/puntual-${environment}"]
      },
      {
        Sid      = "LogInToTheRegistry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"]
      },
      {
        Sid    = "PushAndPullImages"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
          "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:ListImages", "ecr:PutImage",
          "ecr:UploadLayerPart",
        ]
        Resource = ["arn:${local.partition}:ecr:${local.region}:${local.account_id}:repository/puntual-${environment}/*"]
      },
      {
        Sid      = "PullWhatIsPromoted"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = ["arn:${local.partition}:ecr:${local.region}:${local.account_id}:repository/puntual-*/*"]
      },
    ]
  }
}

resource "aws_iam_role" "deploy" {
  for_each = var.environments

  name                 = "deploy-${each.key}"
  path                 = local.delivery_path
  description          = "Image and deploy, from the protected environment ${each.key}"
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

resource "aws_iam_role_policy" "deploy" {
  for_each = aws_iam_role.deploy

  name = "deploy"
  role = each.value.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.deploy[each.key], local.tunnel[each.key], local.load_token[each.key])
  })
}
