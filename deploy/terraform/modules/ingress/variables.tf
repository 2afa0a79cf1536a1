variable "cluster" {
  description = "Name of the cluster."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "public_subnets" {
  description = "Subnets of the load balancers."
  type        = list(string)
}

variable "node_security_group" {
  description = "Group of the nodes."
  type        = string
}

variable "scaling_groups" {
  description = "Scaling groups of the nodes, by zone."
  type        = map(string)
}

variable "client_cidrs" {
  description = "Who reaches the gateway."
  type        = list(string)
  default     = ["0.0.0.0/0"]
}

variable "operator_cidrs" {
  description = "Who reaches Teleport."
  type        = list(string)
}

variable "teleport_host" {
  description = "Host name of Teleport."
  type        = string
}

variable "teleport_certificate_arn" {
  description = "Certificate of Teleport's names."
  type        = string
}

variable "hosted_zone_id" {
  description = "Id of the cluster's zone."
  type        = string
}

variable "protected" {
  description = "Whether AWS refuses to delete the load balancers."
  type        = bool
  default     = true
}
