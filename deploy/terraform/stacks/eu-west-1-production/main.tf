# The production cluster in eu-west-1. State, network, zone, keys and buckets are its own.

terraform {
  required_version = "~> 1.11"

  required_providers {
    aws    = { source = "hashicorp/aws", version = "6.14.0" }
    helm   = { source = "hashicorp/helm", version = "3.0.2" }
    random = { source = "hashicorp/random", version = "3.7.2" }
    tls    = { source = "hashicorp/tls", version = "4.1.0" }
  }

  backend "s3" {
    bucket       = "hosted-instances-terraform"
    key          = "eu-west-1-production/terraform.tfstate"
    region       = "eu-west-1"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = "eu-west-1"

  default_tags {
    tags = { managed-by = "terraform", stack = "eu-west-1-production", purpose = "production" }
  }
}

provider "helm" {
  kubernetes = {
    host                   = module.region.access.endpoint
    cluster_ca_certificate = base64decode(module.region.access.authority)

    # A token of a few minutes, made when it is needed and kept nowhere.
    exec = {
      api_version = "client.authentication.k8s.io/v1beta1"
      command     = "aws"
      args        = ["eks", "get-token", "--cluster-name", module.region.access.name, "--region", "eu-west-1"]
    }
  }
}

module "region" {
  source = "../../modules/region"

  region                  = "eu-west-1"
  purpose                 = "production"
  zone                    = "eu.instances.example.org"
  cidr                    = "10.21.0.0/16"
  nodes                   = { types = ["m6i.2xlarge", "m6a.2xlarge"], min = 2, max = 20, disk = 100 }
  middleware              = "${path.module}/../../../middleware"
  parent_zone_id          = var.parent_zone_id
  addons                  = var.addons
  api_cidrs               = var.operator_cidrs
  operator_cidrs          = var.operator_cidrs
  administrator_role_arns = var.administrator_role_arns
  control_plane_role_arn  = var.control_plane_role_arn
  control_plane_url       = var.control_plane_url
  repository              = var.repository
  overrides               = var.overrides
  acme_email              = var.acme_email
  oidc                    = var.oidc
}
