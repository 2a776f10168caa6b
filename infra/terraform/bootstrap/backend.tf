# Its own state lies in the bucket that it makes: at first in a file beside it, then moved (infra/README.md, Deploy).
terraform {
  backend "s3" {
    key          = "bootstrap.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}
