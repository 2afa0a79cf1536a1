output "host" {
  description = "Host name of the instance."
  value       = "${var.instance}.${var.zone}"
}

output "namespace" {
  description = "Namespace of the instance."
  value       = module.application.name
}
