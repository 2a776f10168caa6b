# What terraform/platform, the chart and the workflows are told.

output "cluster_name" {
  description = "Name of the cluster."
  value       = module.cluster.name
}

output "cluster_endpoint" {
  description = "Address of the Kubernetes API, inside the VPC."
  value       = module.cluster.endpoint
}

output "cluster_certificate_authority" {
  description = "Who signs the certificate of the Kubernetes API, as base64 of PEM."
  value       = module.cluster.certificate_authority
}

output "vpc_id" {
  description = "VPC: the load balancer controller is told, as pods can't ask the instance."
  value       = module.network.vpc_id
}

output "tunnel_name" {
  description = "Tag `Name` of the instance that a port is forwarded through."
  value       = module.tunnel.name
}

output "image_repository" {
  description = "Address of the repository; what is deployed is `…@sha256:…`."
  value       = module.images.url
}

output "load_balancer_dns_name" {
  description = "The load balancer's own name."
  value       = module.entrance.dns_name
}

output "target_group_arn" {
  description = "Target group for the chart's TargetGroupBinding."
  value       = module.entrance.target_group_arn
}

output "trusted_proxies" {
  description = "Where the load balancer connects from: the service's --trusted-proxies, with --proxy-protocol."
  value       = values(module.network.public_subnet_cidrs)
}

output "secret_names" {
  description = "Secrets that the service mounts, by the file they become."
  value       = { for file, secret in aws_secretsmanager_secret.this : file => secret.name }
}

output "remote_write_url" {
  description = "Where Prometheus sends on to; null without `managed_prometheus`."
  value       = var.managed_prometheus ? "${aws_prometheus_workspace.this[0].prometheus_endpoint}api/v1/remote_write" : null
}
