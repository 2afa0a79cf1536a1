# The Application of an instance, in the very shape that the control plane writes
# (server/cluster/src/wish/application.rs; a test compares the two), as pure data: no provider.

terraform {
  required_version = ">= 1.11, < 2.0"
}

locals {
  name = "prism${var.instance}"

  labels = {
    "app.kubernetes.io/managed-by" = "hosted-instances"
    "hosted-instances.io/instance" = var.instance
    "hosted-instances.io/tenant"   = var.tenant
  }

  chart = {
    repoURL        = var.chart.repo_url
    path           = var.chart.path
    targetRevision = var.release.chart_revision
    helm = {
      releaseName             = local.name
      valueFiles              = concat(["releases/${var.release.version}.yaml"], var.overrides == null ? [] : ["$overrides/overrides/${var.instance}.yaml"])
      ignoreMissingValueFiles = true
      valuesObject = {
        instance = {
          id      = var.instance
          host    = "${var.instance}.${var.zone}"
          tenant  = var.tenant
          purpose = var.purpose
        }
        secrets = { prefix = var.secrets_prefix, region = var.region }
      }
    }
  }

  files = var.overrides == null ? [] : [{
    repoURL        = var.overrides.repo_url
    targetRevision = var.overrides.revision
    ref            = "overrides"
  }]

  manifest = {
    apiVersion = "argoproj.io/v1alpha1"
    kind       = "Application"
    metadata = {
      name       = local.name
      namespace  = var.application_namespace
      labels     = local.labels
      finalizers = ["resources-finalizer.argocd.argoproj.io/foreground"]
    }
    spec = {
      project     = var.project
      sources     = concat([local.chart], local.files)
      destination = { server = "https://kubernetes.default.svc", namespace = local.name }
      syncPolicy = {
        automated = { prune = true, selfHeal = true }
        retry     = { limit = 5 }
      }
    }
  }
}
