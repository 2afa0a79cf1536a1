output "name" {
  description = "Namespace, Helm release and Application, which are called the same."
  value       = local.name
}

output "labels" {
  description = "Labels of everything that is written for the instance."
  value       = local.labels
}

output "manifest" {
  description = "The Application."
  value       = local.manifest
}
