variable "name" {
  description = "Name of the group."
  type        = string
}

variable "cluster_name" {
  description = "Cluster that the nodes join."
  type        = string
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes, the cluster's."
  type        = string
}

variable "architecture" {
  description = "`arm64` (Graviton) or `amd64`."
  type        = string

  validation {
    condition     = contains(["arm64", "amd64"], var.architecture)
    error_message = "architecture must be \"arm64\" or \"amd64\"."
  }
}

variable "instance_types" {
  description = "Instance types, the preferred one first; all of one architecture and one size."
  type        = list(string)

  validation {
    # Graviton families end in g, gd, gn or gb before the dot: m7g, c8gd, r8gb.
    condition = alltrue([
      for type in var.instance_types : can(regex("^[a-z]+[0-9]+g[a-z]*\\.", type)) == (var.architecture == "arm64")
    ])
    error_message = "instance_types must be of the architecture: Graviton types such as m7g.large for arm64, others such as m7i.large for amd64."
  }
}

variable "size" {
  description = "Nodes at least, wanted and at most. A whole zone fewer must still hold what runs: see ADR 19."
  type        = object({ min = number, desired = number, max = number })
}

variable "subnet_ids" {
  description = "Subnets of the nodes, one in each zone."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the nodes, the cluster's own among them."
  type        = list(string)
}

variable "volume_gib" {
  description = "Size of the volume for images, logs and what pods write, in GiB."
  type        = number
  default     = 40
}

variable "volume_key_arn" {
  description = "ARN of the key that encrypts the volumes."
  type        = string
}

variable "instance_tags" {
  description = "Tags of instances and volumes: those that costs are counted by."
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
