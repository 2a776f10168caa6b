variable "environment" {
  description = "Name of the environment, as in terraform/cloud."
  type        = string
}

variable "region" {
  description = "AWS region of the environment and of the states."
  type        = string
}

variable "state_bucket" {
  description = "Output of terraform/bootstrap."
  type        = string
}

variable "image" {
  description = "Image of the first release, REPOSITORY@sha256:DIGEST; later ones are a deploy's."
  type        = string
}

variable "tunnel_port" {
  description = "Port of this machine that is forwarded to the Kubernetes API (infra/README.md)."
  type        = number
  default     = 8443
}
