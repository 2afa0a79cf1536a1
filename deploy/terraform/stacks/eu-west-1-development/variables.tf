variable "parent_zone_id" {
  description = "Id of the zone above the cluster's."
  type        = string
}

variable "addons" {
  description = "Version of each EKS add-on, as `aws eks describe-addon-versions` lists them."
  type        = map(string)
}

variable "operator_cidrs" {
  description = "Who reaches Teleport and the Kubernetes API."
  type        = list(string)
}

variable "administrator_role_arns" {
  description = "Roles of people who may do everything in an emergency."
  type        = list(string)
}

variable "control_plane_role_arn" {
  description = "Role the control plane runs as (stack control-plane)."
  type        = string
}

variable "control_plane_url" {
  description = "Where Teleport reaches the console."
  type        = string
}

variable "repository" {
  description = "This repository, as Argo CD reads it, and a tag of it."
  type        = object({ url = string, revision = string })
}

variable "overrides" {
  description = "The repository with override files."
  type        = object({ url = string })
}

variable "acme_email" {
  description = "Whom Let's Encrypt writes to."
  type        = string
}

variable "oidc" {
  description = "Argo CD's sign-in."
  type        = object({ issuer = string, clientId = string })
}
