# What everything here is called and tagged, said once.

locals {
  name = "puntual-${var.environment}"

  tags = {
    project     = "puntual"
    environment = var.environment
    managed_by  = "terraform/cloud"
    cost_centre = var.cost_centre
  }

  # Of every role that a module makes; terraform/bootstrap lets an apply make no others.
  role_path = "/puntual/"
}
