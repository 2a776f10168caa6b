output "state_bucket" {
  description = "Bucket of the states: `-backend-config=bucket=…` of every root."
  value       = module.state.id
}

output "state_key_arn" {
  description = "Key of the states: `-backend-config=kms_key_id=…` of every root."
  value       = module.state_key.arn
}

output "plan_role_arn" {
  description = "Role of Terraform plans, for workflows of any branch."
  value       = aws_iam_role.plan.arn
}

output "apply_role_arns" {
  description = "Roles of Terraform applies, by environment."
  value       = { for environment, role in aws_iam_role.apply : environment => role.arn }
}

output "deploy_role_arns" {
  description = "Roles of deploys, by environment."
  value       = { for environment, role in aws_iam_role.deploy : environment => role.arn }
}

output "permissions_boundary_arn" {
  description = "The most that roles of the cloud can do: `permissions_boundary_arn` of terraform/cloud."
  value       = aws_iam_policy.boundary.arn
}
