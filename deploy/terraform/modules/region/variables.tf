variable "region" {
  description = "AWS region."
  type        = string
}

variable "purpose" {
  description = "development or production."
  type        = string

  validation {
    condition     = contains(["development", "production"], var.purpose)
    error_message = "Choose development or production."
  }
}

variable "zone" {
  description = "DNS zone of the cluster's instances. It is baked into their DIDs and never changes."
  type        = string
}

variable "parent_zone_id" {
  description = "Id of the zone above."
  type        = string
}

variable "further_domains" {
  description = "Names beside the wildcard that point at the gateway, each with the reason."
  type        = map(string)
  default     = {}
}

variable "cidr" {
  description = "Addresses of the VPC, a /16 that no other cluster has."
  type        = string
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes."
  type        = string
  default     = "1.36"
}

variable "addons" {
  description = "Version of each EKS add-on."
  type        = map(string)
}

variable "nodes" {
  description = "Nodes of each zone."
  type        = object({ types = list(string), min = number, max = number, disk = number })
}

variable "api_cidrs" {
  description = "Who reaches the Kubernetes API from outside."
  type        = list(string)
}

variable "operator_cidrs" {
  description = "Who reaches Teleport."
  type        = list(string)
}

variable "administrator_role_arns" {
  description = "Roles of people who may do everything."
  type        = list(string)
}

variable "control_plane_role_arn" {
  description = "Role the control plane runs as."
  type        = string
}

variable "control_plane_url" {
  description = "Where Teleport reaches the console."
  type        = string
}

variable "middleware" {
  description = "Path of deploy/middleware."
  type        = string
}

variable "repository" {
  description = "This repository, as Argo CD reads it."
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
