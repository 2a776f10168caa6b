variable "name" {
  description = "Name of the bucket; one of all buckets of the world."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts what is in it; null for S3's own key, the only one that S3 can deliver access logs to."
  type        = string
  default     = null
}

variable "old_versions" {
  description = "An overwritten version is kept for so many days, and the newest few longer."
  type        = object({ days = number, at_least = number })
  default     = { days = 90, at_least = 20 }
}

variable "expire_after_days" {
  description = "Objects are removed after so many days; null: never."
  type        = number
  default     = null
}

variable "access_logs_of" {
  description = "ARNs of the buckets whose access logs are delivered here, each with its account."
  type        = map(string)
  default     = {}
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may remove the bucket with what is in it."
  type        = bool
  default     = false
}
