variable "instance" {
  description = "Id of the instance: 12 characters a-z and 0-9, a letter first. Never used twice."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{11}$", var.instance))
    error_message = "An id has 12 characters a-z and 0-9, and a letter first."
  }
}

variable "tenant" {
  description = "Id of the tenant, as the control plane knows it."
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

variable "region" {
  description = "Region of the cluster, in whose Secrets Manager the entries are."
  type        = string
}

variable "zone" {
  description = "DNS zone of the cluster."
  type        = string
}

variable "release" {
  description = "The release: its version and the revision of the chart that belongs to it (deploy/releases.toml)."
  type        = object({ version = string, chart_revision = string })
}

variable "chart" {
  description = "Where Argo CD takes the chart from."
  type        = object({ repo_url = string, path = string })
}

variable "overrides" {
  description = "Where Argo CD takes override files from; none when null."
  type        = object({ repo_url = string, revision = string })
  default     = null
}

variable "secrets_prefix" {
  description = "First part of the names of entries in Secrets Manager."
  type        = string
}

variable "project" {
  description = "Argo CD project of instances."
  type        = string
  default     = "prism-instances"
}

variable "application_namespace" {
  description = "Namespace of the Applications of instances."
  type        = string
  default     = "hosted-instances"
}
