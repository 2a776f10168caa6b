# One state for each environment: environments/NAME/backend.hcl says which. No table beside it: S3 itself refuses the second
# of two locks.
terraform {
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}
