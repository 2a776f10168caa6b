# Staging: the same shape, once where production is thrice, and removable.
environment      = "staging"
region           = "us-east-1"
cost_centre      = "flights"
budget           = { monthly_usd = 400, emails = ["platform@puntual.example"] }
may_be_destroyed = true

zones    = ["us-east-1a", "us-east-1b", "us-east-1c"]
vpc_cidr = "10.21.0.0/16"
# AWS's services are reached through NAT: endpoints cost more than the rest of staging.
nat                 = "one"
interface_endpoints = []

node_groups = {
  graviton = {
    architecture   = "arm64"
    instance_types = ["m7g.large", "m6g.large"]
    size           = { min = 2, desired = 2, max = 3 }
  }
}

# Documentation addresses (RFC 5737): put your own offices here.
client_cidrs       = ["192.0.2.0/24"]
log_retention_days = 30
