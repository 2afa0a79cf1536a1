variable "repository" {
  description = "This repository, as Argo CD reads it, and a tag of it."
  type        = object({ url = string, revision = string })
}

variable "values" {
  description = "Values of deploy/charts/control-plane: publicUrl and image at least."
  type        = any
}
