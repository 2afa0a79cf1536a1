output "role_arn" {
  description = "Role of the control plane; every cluster's stack is told."
  value       = aws_iam_role.this.arn
}

output "database_host" {
  description = "Host name of the database."
  value       = aws_db_instance.this.address
}

output "database_secret_arn" {
  description = "Entry in Secrets Manager with the database's user and password."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}
