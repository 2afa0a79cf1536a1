terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws    = { source = "hashicorp/aws", version = ">= 6.14, < 7.0" }
    helm   = { source = "hashicorp/helm", version = ">= 3.0, < 4.0" }
    random = { source = "hashicorp/random", version = ">= 3.7, < 4.0" }
  }
}
