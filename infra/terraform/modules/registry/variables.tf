variable "name" {
  description = "Name of the repository."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the images."
  type        = string
}

variable "kept_images" {
  description = "Images that are kept, counted from the newest. A signature and an attestation count as one each."
  type        = number
  default     = 150
}

variable "force_delete" {
  description = "Whether `terraform destroy` may remove the repository with its images."
  type        = bool
  default     = false
}
