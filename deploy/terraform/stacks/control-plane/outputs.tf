output "role_arn" {
  description = "Role of the control plane; every cluster's stack is told."
  value       = module.control_plane.role_arn
}

output "database" {
  description = "Where the database is, and the entry with its user and password."
  value       = { host = module.control_plane.database_host, secret_arn = module.control_plane.database_secret_arn }
}
