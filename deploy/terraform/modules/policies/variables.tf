variable "account" {
  description = "Number of the AWS account."
  type        = string
}

variable "region" {
  description = "AWS region of the cluster."
  type        = string
}

variable "cluster" {
  description = "Name of the cluster; role names begin with it."
  type        = string
}

variable "secrets_prefix" {
  description = "First part of the names of instances' entries in Secrets Manager."
  type        = string

  validation {
    condition     = !strcontains(var.secrets_prefix, "*") && length(var.secrets_prefix) > 0
    error_message = "The prefix is a plain path, such as hosted-instances/eu-west-1-production."
  }
}

variable "hosted_zone_id" {
  description = "Id of the cluster's zone in Route 53."
  type        = string
}

variable "oidc_issuer" {
  description = "Issuer of the cluster's service account tokens, with https://."
  type        = string
}

variable "backup_bucket" {
  description = "Name of the bucket for backups."
  type        = string
}

variable "log_bucket" {
  description = "Name of the bucket for logs."
  type        = string
}

variable "secrets_key_arn" {
  description = "Key that Secrets Manager encrypts with."
  type        = string
}

variable "storage_key_arn" {
  description = "Key that volumes and buckets are encrypted with."
  type        = string
}

variable "control_plane_role_arn" {
  description = "Role the control plane runs as, wherever it runs."
  type        = string
}
