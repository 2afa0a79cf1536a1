variable "account" {
  description = "Number of the AWS account."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "cluster" {
  description = "Name of the cluster."
  type        = string
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes. 1.36 at least: deploy/middleware/config/pod-security needs it."
  type        = string

  validation {
    condition     = can(regex("^1\\.(3[6-9]|[4-9][0-9])$", var.kubernetes_version))
    error_message = "Give 1.36 or a later minor version."
  }
}

variable "addons" {
  description = "Version of each EKS add-on, as `aws eks describe-addon-versions` lists them for the Kubernetes version."
  type        = map(string)

  validation {
    condition     = alltrue([for name in ["vpc-cni", "kube-proxy", "coredns", "aws-ebs-csi-driver"] : contains(keys(var.addons), name)])
    error_message = "Give versions of vpc-cni, kube-proxy, coredns and aws-ebs-csi-driver."
  }
}

variable "coredns" {
  description = "Settings of CoreDNS (deploy/middleware/values/base/coredns.yaml)."
  type        = any
}

variable "nodes" {
  description = "Nodes of each zone: EC2 types in order of preference, fewest, most, gigabytes of disk."
  type        = object({ types = list(string), min = number, max = number, disk = number })
}

variable "private_subnets" {
  description = "Subnets of nodes, by zone."
  type        = map(string)
}

variable "api_cidrs" {
  description = "Who reaches the Kubernetes API from outside; nobody when empty."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.api_cidrs, "0.0.0.0/0")
    error_message = "The API is not for the whole world."
  }
}

variable "protected" {
  description = "Whether AWS refuses to delete the cluster."
  type        = bool
  default     = true
}

variable "administrator_role_arns" {
  description = "Roles of people who may do everything."
  type        = list(string)
}

variable "control_plane_role_arn" {
  description = "Role the control plane runs as, wherever it runs."
  type        = string
}

variable "secrets_prefix" {
  description = "First part of the names of instances' entries in Secrets Manager."
  type        = string
}

variable "hosted_zone_id" {
  description = "Id of the cluster's zone."
  type        = string
}

variable "backup_bucket" {
  description = "Bucket for backups."
  type        = string
}

variable "log_bucket" {
  description = "Bucket for logs."
  type        = string
}

variable "secrets_key_arn" {
  description = "Key that secrets are encrypted with."
  type        = string
}

variable "storage_key_arn" {
  description = "Key that volumes are encrypted with."
  type        = string
}
