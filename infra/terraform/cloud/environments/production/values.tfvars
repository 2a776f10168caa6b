# Production: what a zone's failure must not stop is there three times.
environment = "production"
region      = "us-east-1"
cost_centre = "flights"
budget      = { monthly_usd = 1200, emails = ["platform@puntual.example"] }

zones    = ["us-east-1a", "us-east-1b", "us-east-1c"]
vpc_cidr = "10.20.0.0/16"
nat      = "per_zone"
interface_endpoints = [
  "ec2", "ec2messages", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "kms", "logs",
  "secretsmanager", "ssm", "ssmmessages", "sts",
]

# ADR 19: two zones of three hold all of it.
node_groups = {
  graviton = {
    architecture   = "arm64"
    instance_types = ["m7g.large", "m6g.large"]
    size           = { min = 3, desired = 3, max = 6 }
  }
}

# Everybody may knock; the service asks for a proof of who calls.
client_cidrs = ["0.0.0.0/0"]
