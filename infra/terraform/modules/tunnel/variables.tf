variable "name" {
  description = "Name of the environment's things; the instance is called NAME-tunnel."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the instance."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the instance."
  type        = list(string)
}

variable "https_cidr" {
  description = "Where it may connect to by HTTPS: the VPC where there are endpoints for Session Manager, 0.0.0.0/0 where it is reached through NAT."
  type        = string
}

variable "control_plane_security_group_id" {
  description = "Security group of the Kubernetes API, which gets a rule for the instance."
  type        = string
}

variable "volume_key_arn" {
  description = "ARN of the key that encrypts the volume."
  type        = string
}

variable "instance_tags" {
  description = "Tags of instance and volume: those that costs are counted by."
  type        = map(string)
}

variable "role_path" {
  description = "Path of the IAM role."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds what the role can do; null: none."
  type        = string
}
