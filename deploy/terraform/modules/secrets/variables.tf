variable "cluster" {
  description = "Name of the cluster."
  type        = string
}

variable "generation" {
  description = "Counting up makes every generated value anew. The gateway's keyring with them: what lies in its etcd must then be written again."
  type        = number
  default     = 1
}
