output "role_arn" {
  description = "Role of the control plane; every cluster's stack is told."
  value       = aws_iam_role.this.arn
}

output "database_host" {
  description = "Host name of the database."
  value       = aws_db_instance.this.address
}
