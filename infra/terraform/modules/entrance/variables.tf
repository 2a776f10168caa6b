variable "name" {
  description = "Name of the load balancer."
  type        = string

  validation {
    condition     = length(var.name) <= 32
    error_message = "name must have 32 characters or fewer: that is all that a load balancer's name can have."
  }
}

variable "vpc_id" {
  description = "VPC of the load balancer."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets, one in each zone."
  type        = list(string)
}

variable "client_cidrs" {
  description = "Addresses that may connect."
  type        = list(string)

  validation {
    condition     = length(var.client_cidrs) > 0 && alltrue([for cidr in var.client_cidrs : can(cidrhost(cidr, 0))])
    error_message = "client_cidrs must name at least one range, for example 203.0.113.0/24; 0.0.0.0/0 stands for everybody and has to be written."
  }
}

variable "pod_security_group_id" {
  description = "Security group of the pods that are passed to."
  type        = string
}

variable "listen_port" {
  description = "Port for clients."
  type        = number
  default     = 443
}

variable "target_port" {
  description = "Port of the service's API listener in the pod."
  type        = number
  default     = 8080
}

variable "deletion_protection" {
  description = "Whether the load balancer refuses to be deleted."
  type        = bool
  default     = true
}

variable "dns" {
  description = "Name of the service and the hosted zone that holds it; null: clients use the load balancer's own name."
  type        = object({ name = string, zone_id = string })
  default     = null
}
