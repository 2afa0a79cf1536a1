output "cluster" {
  description = "What the console asks for when the cluster is added."
  value       = module.region.cluster
}

output "for_the_control_plane" {
  description = "Read by the stack control-plane."
  value       = module.region.for_the_control_plane
}

output "to_be_filled_in" {
  description = "Entries in Secrets Manager that a person fills in before the first synchronisation."
  value       = module.region.to_be_filled_in
}

output "teleport" {
  description = "Where operators sign in."
  value       = module.region.teleport
}
