variable "name" {
  description = "Alias of the key, without `alias/`."
  type        = string
}

variable "description" {
  description = "What the key protects."
  type        = string
}

variable "log_group_prefixes" {
  description = "CloudWatch may use the key for log groups whose names begin like one of these."
  type        = list(string)
  default     = []
}

variable "via_services" {
  description = "Whoever in the account may use these services (`ec2`) may use the key through them, and only through them."
  type        = list(string)
  default     = []
}
