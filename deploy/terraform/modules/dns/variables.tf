variable "cluster" {
  description = "Name of the cluster."
  type        = string
}

variable "zone" {
  description = "DNS zone of the cluster's instances."
  type        = string
}

variable "parent_zone_id" {
  description = "Id of the zone above, which delegates."
  type        = string
}

variable "teleport_host" {
  description = "Host name of Teleport."
  type        = string
}
