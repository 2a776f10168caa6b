variable "region" {
  description = "AWS region of the states."
  type        = string
  default     = "us-east-1"
}

variable "github_repository" {
  description = "Repository whose workflows may plan and apply, as OWNER/NAME."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository must be OWNER/NAME without a wildcard, for example puntual/puntual."
  }
}

variable "github_repository_id" {
  description = "Number of the repository (`gh api repos/OWNER/NAME --jq .id`), which nobody else can get when the name is given up; null: the name alone."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository_id == null || can(regex("^[0-9]+$", var.github_repository_id))
    error_message = "github_repository_id must be a number: gh api repos/OWNER/NAME --jq .id"
  }
}

variable "environments" {
  description = "GitHub environments that may apply, each to its own states. Protect them: required reviewers, and the main branch only."
  type        = set(string)
  default     = ["production", "staging"]

  validation {
    condition     = alltrue([for name in var.environments : can(regex("^[a-z][a-z0-9]{1,15}$", name))])
    error_message = "An environment is named by 2 to 16 small letters and digits, for example staging: it becomes part of names."
  }
}

variable "state_may_be_destroyed" {
  description = "Whether `terraform destroy` may remove the states with the bucket. Only for taking everything down."
  type        = bool
  default     = false
}
