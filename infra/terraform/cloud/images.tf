# Where the service's images are.

module "images" {
  source = "../modules/registry"

  name         = "${local.name}/inference"
  kms_key_arn  = module.image_key.arn
  force_delete = var.may_be_destroyed
}
