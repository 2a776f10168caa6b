variable "name" {
  description = "Name of the role."
  type        = string
}

variable "cluster_name" {
  description = "Name of the cluster whose pods get the role."
  type        = string
}

variable "cluster_arn" {
  description = "ARN of the cluster whose pods get the role."
  type        = string
}

variable "namespace" {
  description = "Namespace of the service account."
  type        = string
}

variable "service_account" {
  description = "Service account whose pods get the role."
  type        = string
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
  description = "Path of the IAM role."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds what the role can do; null: none."
  type        = string
}
