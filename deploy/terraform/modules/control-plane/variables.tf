variable "account" {
  description = "Number of the AWS account."
  type        = string
}

variable "oidc_issuer" {
  description = "Issuer of service account tokens of the cluster it runs on."
  type        = string
}

variable "home" {
  description = "Name of the cluster it runs on."
  type        = string
}

variable "generation" {
  description = "Counting up gives the database a new password."
  type        = number
  default     = 1
}

variable "clusters" {
  description = "Names of the clusters it manages."
  type        = list(string)
}

variable "vpc_id" {
  description = "VPC of the cluster it runs on."
  type        = string
}

variable "private_subnets" {
  description = "Private subnets of that cluster, by zone."
  type        = map(string)
}

variable "node_security_group" {
  description = "Group of that cluster's nodes."
  type        = string
}

variable "storage_key_arn" {
  description = "Key of that cluster's volumes."
  type        = string
}

variable "secrets_key_arn" {
  description = "Key of that cluster's secrets."
  type        = string
}

variable "database" {
  description = "RDS: instance class and gigabytes."
  type        = object({ class = string, gigabytes = number })
  default     = { class = "db.t4g.medium", gigabytes = 20 }
}

variable "repository" {
  description = "This repository, as Argo CD reads it."
  type        = object({ url = string, revision = string })
}

variable "values" {
  description = "Values of deploy/charts/control-plane: publicUrl and image at least."
  type        = any
  default     = {}
}
