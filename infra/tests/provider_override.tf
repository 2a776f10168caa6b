# Copied beside a root's provider.tf by `cargo xtask e2e cloud`, whose environment says where the emulator is.
provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = "true"
}
