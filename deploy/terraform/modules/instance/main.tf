# An instance by Terraform, for those who keep their fleet in code: the same objects that the control plane
# writes, down to the labels. The control plane adopts it: it applies the same values, finds nothing to
# change, and owns the fields from then on. So Terraform creates and then lets go (`ignore_changes`), and does
# not delete, because the Application's finalizer would take the tenant's data along: deleting is an operation
# of the console, with its grace and its last backup.

module "application" {
  source = "../application"

  instance              = var.instance
  tenant                = var.tenant
  purpose               = var.purpose
  region                = var.region
  zone                  = var.zone
  release               = var.release
  chart                 = var.chart
  overrides             = var.overrides
  secrets_prefix        = var.secrets_prefix
  project               = var.project
  application_namespace = var.application_namespace
}

locals {
  # Characters of each; all are hexadecimal.
  secrets = { wallet-seed = 128, admin-token = 64, api-key-salt = 64 }
}

resource "kubernetes_manifest" "namespace" {
  manifest = {
    apiVersion = "v1"
    kind       = "Namespace"
    metadata = {
      name = module.application.name
      labels = merge(module.application.labels, { for mode in ["enforce", "audit", "warn"] :
        "pod-security.kubernetes.io/${mode}" => "restricted"
      })
    }
  }

  lifecycle {
    ignore_changes  = all
    prevent_destroy = true
  }
}

resource "kubernetes_manifest" "quota" {
  manifest = {
    apiVersion = "v1"
    kind       = "ResourceQuota"
    metadata   = { name = "instance", namespace = module.application.name, labels = module.application.labels }
    spec = {
      hard = {
        "pods"                   = "40"
        "persistentvolumeclaims" = "12"
        "configmaps"             = "100"
        "secrets"                = "300"
        "services"               = "30"
        "services.loadbalancers" = "0"
        "services.nodeports"     = "0"
      }
    }
  }

  lifecycle {
    ignore_changes = all
  }

  depends_on = [kubernetes_manifest.namespace]
}

ephemeral "random_password" "secret" {
  for_each         = local.secrets
  length           = each.value
  lower            = false
  upper            = false
  numeric          = true
  special          = true
  override_special = "abcdef"
}

# The wallet seed is the tenant's identity: it outlives even this module.
resource "aws_secretsmanager_secret" "this" {
  for_each   = local.secrets
  name       = "${var.secrets_prefix}/${var.instance}/${each.key}"
  kms_key_id = var.secrets_key_arn

  tags = {
    "hosted-instances/instance" = var.instance
    "hosted-instances/tenant"   = var.tenant
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each                 = local.secrets
  secret_id                = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo         = jsonencode({ value = ephemeral.random_password.secret[each.key].result })
  secret_string_wo_version = 1
}

# A closed door: the whitelist names nobody. The control plane opens it.
resource "kubernetes_manifest" "gate" {
  manifest = {
    apiVersion = "apisix.apache.org/v2"
    kind       = "ApisixPluginConfig"
    metadata   = { name = "gate", namespace = module.application.name, labels = module.application.labels }
    spec = {
      plugins = [
        { name = "key-auth", enable = true, config = { hide_credentials = true } },
        { name = "consumer-restriction", enable = true, config = { whitelist = ["${module.application.name}_sentinel"], rejected_code = 403 } },
        { name = "response-rewrite", enable = true, config = { headers = { set = { "x-gate" = "0.$pid" } } } },
      ]
    }
  }

  lifecycle {
    ignore_changes = all
  }

  depends_on = [kubernetes_manifest.namespace]
}

resource "kubernetes_manifest" "application" {
  manifest = module.application.manifest

  field_manager {
    name            = "terraform"
    force_conflicts = false
  }

  lifecycle {
    ignore_changes  = all
    prevent_destroy = true
  }

  depends_on = [kubernetes_manifest.gate, kubernetes_manifest.quota, aws_secretsmanager_secret_version.this]
}
