# The control plane, on the production cluster of one region, for all clusters. After the clusters: they name
# its role by condition, so that it need not be there yet.

terraform {
  required_version = "~> 1.11"

  required_providers {
    aws    = { source = "hashicorp/aws", version = "6.14.0" }
    helm   = { source = "hashicorp/helm", version = "3.0.2" }
    random = { source = "hashicorp/random", version = "3.7.2" }
  }

  backend "s3" {
    bucket       = "hosted-instances-terraform"
    key          = "control-plane/terraform.tfstate"
    region       = "eu-west-1"
    encrypt      = true
    use_lockfile = true
  }
}

locals {
  home = "eu-west-1-production"
  here = data.terraform_remote_state.home.outputs.for_the_control_plane
}

data "terraform_remote_state" "home" {
  backend = "s3"

  config = {
    bucket = "hosted-instances-terraform"
    key    = "${local.home}/terraform.tfstate"
    region = "eu-west-1"
  }
}

data "aws_caller_identity" "here" {}

data "aws_eks_cluster" "home" {
  name = local.home
}

provider "aws" {
  region = "eu-west-1"

  default_tags {
    tags = { managed-by = "terraform", stack = "control-plane" }
  }
}

provider "helm" {
  kubernetes = {
    host                   = data.aws_eks_cluster.home.endpoint
    cluster_ca_certificate = base64decode(data.aws_eks_cluster.home.certificate_authority[0].data)

    exec = {
      api_version = "client.authentication.k8s.io/v1beta1"
      command     = "aws"
      args        = ["eks", "get-token", "--cluster-name", local.home, "--region", "eu-west-1"]
    }
  }
}

module "control_plane" {
  source = "../../modules/control-plane"

  account             = data.aws_caller_identity.here.account_id
  home                = local.home
  oidc_issuer         = local.here.oidc_issuer
  clusters            = ["eu-west-1-development", "eu-west-1-production", "us-east-1-production"]
  vpc_id              = local.here.vpc_id
  private_subnets     = local.here.private_subnets
  node_security_group = local.here.node_security_group
  storage_key_arn     = local.here.storage_key_arn
  secrets_key_arn     = local.here.secrets_key_arn
  repository          = var.repository
  values              = var.values
}
