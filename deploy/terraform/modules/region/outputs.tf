output "cluster" {
  description = "What the console asks for when the cluster is added."
  value = {
    name           = local.cluster
    region         = var.region
    purpose        = var.purpose
    zone           = var.zone
    role_arn       = module.cluster.control_plane_role_arn
    secrets_prefix = local.secrets_prefix
    egress         = module.network.exits
  }
}

output "access" {
  description = "How the stack's own providers reach the API."
  value       = { name = module.cluster.name, endpoint = module.cluster.endpoint, authority = module.cluster.authority }
}

output "for_the_control_plane" {
  description = "What modules/control-plane needs when it runs on this cluster."
  value = {
    vpc_id              = module.network.vpc_id
    private_subnets     = module.network.private_subnets
    node_security_group = module.cluster.security_group
    storage_key_arn     = module.storage.key_arn
    secrets_key_arn     = module.secrets.key_arn
    oidc_issuer         = module.cluster.oidc_issuer
  }
}

output "to_be_filled_in" {
  description = "Entries in Secrets Manager that a person fills in before the first synchronisation."
  value       = module.secrets.to_be_filled_in
}

output "teleport" {
  description = "Where operators sign in, and the load balancer behind that name."
  value       = { host = local.teleport_host, load_balancer = module.ingress.teleport, argo_cd = module.bootstrap.argo_cd_version }
}
