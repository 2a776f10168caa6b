output "arn" {
  description = "ARN of the role."
  value       = aws_iam_role.this.arn
}

output "cluster_name" {
  description = "Name of the cluster, once its pods have the role and the role its rights: what waits for them takes the name from here."
  value       = aws_eks_pod_identity_association.this.cluster_name
  depends_on  = [aws_iam_role_policy.this, aws_iam_role_policy_attachment.this]
}
