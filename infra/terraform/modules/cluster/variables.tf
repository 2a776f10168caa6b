variable "name" {
  description = "Name of the cluster."
  type        = string
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes, for example 1.36."
  type        = string

  validation {
    condition     = can(regex("^1\\.[0-9]+$", var.kubernetes_version))
    error_message = "kubernetes_version must be a minor version such as \"1.36\"; EKS chooses the patch."
  }
}

variable "vpc_id" {
  description = "VPC of the cluster."
  type        = string
}

variable "control_plane_subnet_ids" {
  description = "Subnets of the control plane's interfaces, in at least two zones."
  type        = list(string)
}

variable "service_cidr" {
  description = "Addresses of Kubernetes services; not those of the VPC."
  type        = string
}

variable "secrets_key_arn" {
  description = "ARN of the key that encrypts the cluster's secrets."
  type        = string
}

variable "log_key_arn" {
  description = "ARN of the key that encrypts the control plane's logs."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which the control plane's logs are kept."
  type        = number
}

variable "access" {
  description = "Who may use the cluster, by a name: an EKS access policy for the whole cluster or some namespaces, and groups that the cluster's own roles name."
  type = map(object({
    principal_arn = string
    policy        = optional(string)
    namespaces    = optional(list(string), [])
    groups        = optional(list(string), [])
  }))

  validation {
    condition     = alltrue([for entry in var.access : entry.policy != null || length(entry.groups) > 0])
    error_message = "An entry of access needs a policy (for example AmazonEKSViewPolicy) or groups; with neither it may do nothing."
  }
}

variable "addons" {
  description = "Add-ons that need no node, each with its exact version (`aws eks describe-addon-versions` lists them) and settings as JSON."
  type = map(object({
    version       = string
    configuration = optional(string)
  }))
}

variable "role_path" {
  description = "Path of the IAM roles."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds what any role made here can do; null: none."
  type        = string
}
