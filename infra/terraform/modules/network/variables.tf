variable "name" {
  description = "Name of the environment's things; it begins all their names."
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC, a /16."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && endswith(var.cidr, "/16")
    error_message = "cidr must be a /16, for example 10.20.0.0/16: nodes get three /19 of it."
  }
}

variable "zones" {
  description = "Availability zones to be in, by name: a list that AWS gives may be another one tomorrow."
  type        = list(string)

  validation {
    condition     = length(distinct(var.zones)) == 3
    error_message = "zones must name three different zones, for example us-east-1a: one may fail while the others carry on with two thirds."
  }
}

variable "nat" {
  description = "How nodes reach the internet: `none`, through `one` zone (a single point of failure, a third of the cost), or `per_zone`."
  type        = string

  validation {
    condition     = contains(["none", "one", "per_zone"], var.nat)
    error_message = "nat must be \"none\", \"one\" or \"per_zone\"."
  }
}

variable "interface_endpoints" {
  description = "AWS services that nodes reach without NAT, as in `com.amazonaws.REGION.NAME`."
  type        = set(string)
}

variable "log_key_arn" {
  description = "ARN of the key that encrypts flow logs."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which flow logs are kept."
  type        = number
}

variable "role_path" {
  description = "Path of the IAM roles."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds what any role made here can do; null: none."
  type        = string
}
