variable "account" {
  description = "Number of the AWS account; names of buckets begin with it, since they are the world's."
  type        = string
}

variable "cluster" {
  description = "Name of the cluster."
  type        = string
}

variable "keep_backups" {
  description = "Days that an overwritten or deleted backup stays."
  type        = number
  default     = 35
}
