# Every secret of the shared infrastructure, before anything that needs it. What can be made is made here,
# and never seen: generated values are ephemeral and written by write-only arguments, so that no state and
# no plan holds them. What only a person can know is an empty entry until that person fills it in.

locals {
  # By entry: the fields that a person fills in.
  by_hand = {
    repositories = "githubAppID, githubAppInstallationID, githubAppPrivateKey: the GitHub App that reads chart and overrides"
    argocd-oidc  = "clientSecret: Argo CD's sign-in"
  }
}

resource "aws_kms_key" "this" {
  description             = "Secrets of ${var.cluster}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.cluster}-secrets"
  target_key_id = aws_kms_key.this.key_id
}

ephemeral "random_password" "admin" {
  length  = 43
  special = false
}

ephemeral "random_password" "viewer" {
  length  = 43
  special = false
}

# AES-128: sixteen characters, no more and no fewer.
ephemeral "random_password" "keyring" {
  length  = 16
  special = false
}

ephemeral "random_password" "grafana" {
  length  = 43
  special = false
}

resource "aws_secretsmanager_secret" "apisix" {
  name        = "${var.cluster}/shared/apisix"
  description = "Keys of the gateway: admin, viewer, keyring"
  kms_key_id  = aws_kms_key.this.arn
}

resource "aws_secretsmanager_secret_version" "apisix" {
  secret_id                = aws_secretsmanager_secret.apisix.id
  secret_string_wo_version = var.generation
  secret_string_wo = jsonencode({
    admin   = ephemeral.random_password.admin.result
    viewer  = ephemeral.random_password.viewer.result
    keyring = ephemeral.random_password.keyring.result
  })
}

resource "aws_secretsmanager_secret" "grafana" {
  name        = "${var.cluster}/shared/grafana"
  description = "Grafana's own administrator, for the day that Teleport is down"
  kms_key_id  = aws_kms_key.this.arn
}

resource "aws_secretsmanager_secret_version" "grafana" {
  secret_id                = aws_secretsmanager_secret.grafana.id
  secret_string_wo_version = var.generation
  secret_string_wo         = jsonencode({ user = "admin", password = ephemeral.random_password.grafana.result })
}

resource "aws_secretsmanager_secret" "by_hand" {
  for_each    = local.by_hand
  name        = "${var.cluster}/shared/${each.key}"
  description = each.value
  kms_key_id  = aws_kms_key.this.arn
}
