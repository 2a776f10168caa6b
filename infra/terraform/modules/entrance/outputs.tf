output "dns_name" {
  description = "The load balancer's own name."
  value       = aws_lb.this.dns_name
}

output "target_group_arn" {
  description = "ARN of the target group in which the cluster registers the service's pods."
  value       = aws_lb_target_group.this.arn
}
