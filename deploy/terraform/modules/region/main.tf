# One cluster, whole: for one region and one purpose. A stack is this module with its facts and a state of
# its own; clusters share nothing.

locals {
  cluster        = "${var.region}-${var.purpose}"
  teleport_host  = "teleport.${var.zone}"
  secrets_prefix = "hosted-instances/${local.cluster}"
  protected      = var.purpose == "production"
}

data "aws_caller_identity" "here" {}

module "network" {
  source = "../network"

  cluster  = local.cluster
  region   = var.region
  cidr     = var.cidr
  one_exit = var.purpose == "development"
}

module "storage" {
  source = "../storage"

  account = data.aws_caller_identity.here.account_id
  cluster = local.cluster
}

module "secrets" {
  source = "../secrets"

  cluster = local.cluster
}

module "dns" {
  source = "../dns"

  cluster        = local.cluster
  zone           = var.zone
  parent_zone_id = var.parent_zone_id
  teleport_host  = local.teleport_host
}

module "cluster" {
  source = "../cluster"

  account                 = data.aws_caller_identity.here.account_id
  region                  = var.region
  cluster                 = local.cluster
  kubernetes_version      = var.kubernetes_version
  addons                  = var.addons
  coredns                 = yamldecode(file("${var.middleware}/values/base/coredns.yaml"))
  nodes                   = var.nodes
  private_subnets         = module.network.private_subnets
  api_cidrs               = var.api_cidrs
  protected               = local.protected
  administrator_role_arns = var.administrator_role_arns
  control_plane_role_arn  = var.control_plane_role_arn
  secrets_prefix          = local.secrets_prefix
  hosted_zone_id          = module.dns.zone_id
  backup_bucket           = module.storage.backup_bucket
  log_bucket              = module.storage.log_bucket
  secrets_key_arn         = module.secrets.key_arn
  storage_key_arn         = module.storage.key_arn
}

module "ingress" {
  source = "../ingress"

  cluster                  = local.cluster
  vpc_id                   = module.network.vpc_id
  public_subnets           = module.network.public_subnets
  node_security_group      = module.cluster.security_group
  scaling_groups           = module.cluster.scaling_groups
  operator_cidrs           = var.operator_cidrs
  teleport_host            = local.teleport_host
  teleport_certificate_arn = module.dns.teleport_certificate_arn
  hosted_zone_id           = module.dns.zone_id
  protected                = local.protected
}

module "bootstrap" {
  source = "../bootstrap"

  middleware = var.middleware
  purpose    = var.purpose
  region     = var.region

  facts = {
    cluster    = { name = local.cluster, purpose = var.purpose, region = var.region, zone = var.zone }
    repository = var.repository
    overrides  = var.overrides
    aws = {
      account             = data.aws_caller_identity.here.account_id
      hostedZoneId        = module.dns.zone_id
      gatewayLoadBalancer = module.ingress.gateway
      vpcCidr             = var.cidr
      storageKeyArn       = module.storage.key_arn
      backupBucket        = module.storage.backup_bucket
      logBucket           = module.storage.log_bucket
    }
    # A further name is one more entry in this map, as it always was.
    gateway      = { domains = join(",", concat(["*.${var.zone}"], keys(var.further_domains))) }
    acme         = { email = var.acme_email }
    oidc         = var.oidc
    teleport     = { host = local.teleport_host }
    controlPlane = { url = var.control_plane_url }
  }

  depends_on = [module.cluster]
}
