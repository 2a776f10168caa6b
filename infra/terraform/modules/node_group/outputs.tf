output "role_arn" {
  description = "ARN of the nodes' role."
  value       = aws_iam_role.node.arn
}
