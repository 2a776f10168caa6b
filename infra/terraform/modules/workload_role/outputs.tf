output "arn" {
  description = "ARN of the role."
  value       = module.role.arn
}

output "cluster_name" {
  description = "Name of the cluster, once its pods have the role and the role its rights: what waits for them takes the name from here."
  value       = aws_eks_pod_identity_association.this.cluster_name
}
