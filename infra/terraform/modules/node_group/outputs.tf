output "role_arn" {
  description = "ARN of the nodes' role."
  value       = module.role.arn
}
