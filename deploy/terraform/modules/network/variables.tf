variable "cluster" {
  description = "Name of the cluster."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC, a /16."
  type        = string

  validation {
    condition     = can(regex("/16$", var.cidr)) && can(cidrhost(var.cidr, 0))
    error_message = "Give a /16, such as 10.20.0.0/16."
  }
}

variable "one_exit" {
  description = "Whether all zones share one way out: a third of the price, for development."
  type        = bool
  default     = false
}
