variable "environment" {
  description = "Name of the environment, one of terraform/bootstrap's `environments`; it is part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,15}$", var.environment))
    error_message = "environment must be 2 to 16 small letters and digits, for example staging."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "cost_centre" {
  description = "Who pays: the tag `cost_centre`."
  type        = string
}

variable "budget" {
  description = "US dollars a month, and who is told when they run out."
  type        = object({ monthly_usd = number, emails = list(string) })

  validation {
    condition     = var.budget.monthly_usd > 0 && length(var.budget.emails) > 0
    error_message = "budget needs monthly_usd above 0 and at least one address in emails: a budget that tells nobody is none."
  }
}

variable "permissions_boundary_arn" {
  description = "Output of terraform/bootstrap: what bounds every role made here. null only where somebody without that bound applies."
  type        = string
  default     = null
}

variable "zones" {
  description = "Three availability zones of the region, by name."
  type        = list(string)

  validation {
    condition     = alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "zones must be of the region, for example us-east-1a in us-east-1."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the VPC, a /16 that no network it is connected with uses."
  type        = string
}

variable "service_cidr" {
  description = "Addresses of Kubernetes services, outside the VPC."
  type        = string
  default     = "172.20.0.0/16"

  validation {
    condition     = can(cidrhost(var.service_cidr, 0)) && split(".", var.service_cidr)[0] != split(".", var.vpc_cidr)[0]
    error_message = "service_cidr must be a range outside vpc_cidr: pods would otherwise look for machines among the services."
  }
}

variable "nat" {
  description = "How nodes reach the internet: `none`, through `one` zone, or `per_zone`. An identity provider's keys and images of other registries are there."
  type        = string
}

variable "interface_endpoints" {
  description = "AWS services that are reached without NAT, each in every zone, each for a price: see infra/README.md."
  type        = set(string)

  validation {
    condition     = var.nat != "none" || length(setsubtract(local.needed_without_nat, var.interface_endpoints)) == 0
    error_message = "Without NAT nodes need more of interface_endpoints: ${join(", ", setsubtract(local.needed_without_nat, var.interface_endpoints))}. Add them, or set nat to \"one\"."
  }
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes."
  type        = string
  default     = "1.36"
}

variable "addon_versions" {
  description = "Exact versions of EKS add-ons, for `kubernetes_version`: aws eks describe-addon-versions --kubernetes-version 1.36"
  type        = map(string)
  default = {
    "aws-ebs-csi-driver"                    = "v1.63.1-eksbuild.1"
    "aws-secrets-store-csi-driver-provider" = "v3.1.1-eksbuild.1"
    "coredns"                               = "v1.14.3-eksbuild.16"
    "eks-pod-identity-agent"                = "v1.3.10-eksbuild.3"
    "kube-proxy"                            = "v1.36.0-eksbuild.21"
    "vpc-cni"                               = "v1.22.4-eksbuild.3"
  }

  validation {
    condition     = alltrue([for version in var.addon_versions : can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+-eksbuild\\.[0-9]+$", version))])
    error_message = "An add-on's version is written in full, for example v1.22.4-eksbuild.3; what is not pinned changes on any day."
  }

  validation {
    condition     = startswith(var.addon_versions["kube-proxy"], "v${var.kubernetes_version}.")
    error_message = "kube-proxy must be of the minor version of kubernetes_version."
  }
}

variable "node_groups" {
  description = "Groups of nodes by name: architecture (`arm64` is Graviton), instance types, sizes."
  type = map(object({
    architecture   = string
    instance_types = list(string)
    size           = object({ min = number, desired = number, max = number })
    volume_gib     = optional(number, 40)
  }))

  validation {
    condition     = length(var.node_groups) > 0
    error_message = "node_groups must hold at least one group."
  }
}

variable "cluster_readers" {
  description = "ARNs of roles that may look at everything in the cluster but secrets."
  type        = set(string)
  default     = []
}

variable "break_glass" {
  description = "ARNs of roles of people who may do everything in the cluster, for the day on which nothing else works."
  type        = set(string)
  default     = []
}

variable "client_cidrs" {
  description = "Addresses that may connect to the load balancer. The service itself asks for a proof of who calls."
  type        = list(string)
}

variable "dns" {
  description = "Name of the service, and the id of the public hosted zone that holds it; null: clients use the load balancer's own name. The certificate for it goes into the secret tls-certificate."
  type        = object({ name = string, zone_id = string })
  default     = null
}

variable "log_retention_days" {
  description = "Days for which logs of control plane and network are kept."
  type        = number
  default     = 365
}

variable "managed_prometheus" {
  description = "Whether Prometheus sends on to Amazon Managed Service for Prometheus, with the same rules."
  type        = bool
  default     = false

  validation {
    condition     = !var.managed_prometheus || var.nat != "none" || contains(var.interface_endpoints, "aps-workspaces")
    error_message = "Prometheus can't reach the managed workspace: add \"aps-workspaces\" to interface_endpoints, or set nat to \"one\"."
  }
}

variable "may_be_destroyed" {
  description = "Whether `terraform destroy` may take load balancer, images and secrets along. False where anybody depends on it."
  type        = bool
  default     = false
}
