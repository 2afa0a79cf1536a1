output "role_arn" {
  description = "Role of the control plane; every cluster's stack is told."
  value       = module.control_plane.role_arn
}

output "database_host" {
  description = "Where the database is."
  value       = module.control_plane.database_host
}
