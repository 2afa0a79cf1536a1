# Argo CD, once, with the values it will later read itself, and the one Application from which everything else
# follows. From then on Argo CD keeps itself and the middleware; Terraform hands over facts and nothing more.

locals {
  values = "${var.middleware}/values"

  layers = [for file in [
    "${local.values}/base/argo-cd.yaml",
    "${local.values}/purpose-${var.purpose}/argo-cd.yaml",
    "${local.values}/region-${var.region}/argo-cd.yaml",
  ] : file(file) if fileexists(file)]

  # The release of deploy/middleware/applications/templates/argo-cd.yaml.
  argo_cd = yamldecode(file("${var.middleware}/applications/templates/argo-cd.yaml")).spec.sources[0]
}

resource "helm_release" "argo_cd" {
  name             = local.argo_cd.helm.releaseName
  namespace        = "argocd"
  create_namespace = true
  repository       = local.argo_cd.repoURL
  chart            = local.argo_cd.chart
  version          = local.argo_cd.targetRevision
  # Monitors are of a kind that comes later; Argo CD adds them when it keeps itself.
  values = concat(local.layers, [yamlencode({
    controller = { metrics = { serviceMonitor = { enabled = false } } }
    repoServer = { metrics = { serviceMonitor = { enabled = false } } }
  })])
  timeout = 900

  lifecycle {
    ignore_changes = all
  }
}

resource "helm_release" "root" {
  name      = "middleware-root"
  namespace = "argocd"
  chart     = "${var.middleware}/bootstrap"

  values = [yamlencode({
    repository = var.facts.repository
    facts      = var.facts
  })]

  depends_on = [helm_release.argo_cd]
}
