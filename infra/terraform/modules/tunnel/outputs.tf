output "name" {
  description = "Tag `Name` of the instance that a session is opened to."
  value       = aws_autoscaling_group.this.name
}
