variable "name" {
  description = "Name of the role."
  type        = string
}

variable "service" {
  description = "Service that takes the role, such as ec2.amazonaws.com."
  type        = string
}

variable "actions" {
  description = "How the service takes it."
  type        = list(string)
  default     = ["sts:AssumeRole"]
}

variable "condition" {
  description = "For whom alone the service may take it, as the condition of an IAM policy; null: for anybody whom IAM lets pass it on."
  type        = any
  default     = null
}

variable "statements" {
  description = "What the role may do, as statements of an IAM policy; null: nothing but `managed_policies`."
  type        = any
  default     = null
}

variable "managed_policies" {
  description = "Policies of AWS's own that the role has, by their names with their paths."
  type        = set(string)
  default     = []
}

variable "role_path" {
  description = "Path of the role."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds what the role can do; null: none."
  type        = string
}
