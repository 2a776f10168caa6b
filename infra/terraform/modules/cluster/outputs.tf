output "name" {
  description = "Name of the cluster, once the add-ons that nodes wait for are there."
  value       = aws_eks_cluster.this.name
  depends_on  = [aws_eks_addon.before_nodes]
}

output "arn" {
  description = "ARN of the cluster."
  value       = aws_eks_cluster.this.arn
}

output "endpoint" {
  description = "Address of the Kubernetes API, which resolves and answers inside the VPC only."
  value       = aws_eks_cluster.this.endpoint
}

output "certificate_authority" {
  description = "Who signs the certificate of the Kubernetes API, as base64 of PEM."
  value       = aws_eks_cluster.this.certificate_authority[0].data
}

output "node_security_group_id" {
  description = "Security group whose rules say who else reaches nodes and pods."
  value       = aws_security_group.nodes.id
}

output "node_security_group_ids" {
  description = "Security groups of nodes: EKS's own, in which nodes and control plane trust each other, and the one with our rules."
  value       = [aws_eks_cluster.this.vpc_config[0].cluster_security_group_id, aws_security_group.nodes.id]
}

output "control_plane_security_group_id" {
  description = "Security group whose rules say who else reaches the Kubernetes API."
  value       = aws_security_group.control_plane.id
}
