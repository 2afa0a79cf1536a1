# This product itself: the role it runs as, its PostgreSQL, and its release on one of the clusters. Its
# database is RDS and not the operator's, so that a cluster that is lost does not take with it the record of
# what should be on it.

locals {
  issuer = trimprefix(var.oidc_issuer, "https://")
  app    = "hosted-instances"
  # Below what External Secrets of this cluster reads for the middleware.
  secrets = "${var.home}/shared/control-plane"
}

# Assumes the role of each cluster (modules/policies) and may do nothing else.
resource "aws_iam_role" "this" {
  name = "hosted-instances-control-plane"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::${var.account}:oidc-provider/${local.issuer}" }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = { StringEquals = { "${local.issuer}:aud" = "sts.amazonaws.com", "${local.issuer}:sub" = "system:serviceaccount:hosted-instances:hosted-instances" } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "clusters"
  role = aws_iam_role.this.name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Clusters", Effect = "Allow", Action = ["sts:AssumeRole"], Resource = [for name in var.clusters : "arn:aws:iam::${var.account}:role/${name}-control-plane"] }]
  })
}

resource "aws_db_subnet_group" "this" {
  name       = local.app
  subnet_ids = values(var.private_subnets)
}

resource "aws_security_group" "database" {
  name_prefix = "${local.app}-database-"
  description = "The control plane to its database"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = var.node_security_group
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_parameter_group" "this" {
  name   = local.app
  family = "postgres17"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
}

# Made here and never seen: ephemeral, and written by write-only arguments.
ephemeral "random_password" "database" {
  length  = 43
  special = false
}

# Thirty-two bytes, from which every other key of the control plane is derived. Losing it loses every sign-in
# and every watchman's key, so it is made once and never again.
ephemeral "random_password" "server_key" {
  length = 32
}

resource "aws_db_instance" "this" {
  identifier                      = local.app
  engine                          = "postgres"
  engine_version                  = "17"
  instance_class                  = var.database.class
  allocated_storage               = var.database.gigabytes
  max_allocated_storage           = var.database.gigabytes * 4
  storage_type                    = "gp3"
  storage_encrypted               = true
  kms_key_id                      = var.storage_key_arn
  db_name                         = "hosted_instances"
  username                        = "hosted_instances"
  password_wo                     = ephemeral.random_password.database.result
  password_wo_version             = var.generation
  multi_az                        = true
  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [aws_security_group.database.id]
  parameter_group_name            = aws_db_parameter_group.this.name
  publicly_accessible             = false
  backup_retention_period         = 35
  copy_tags_to_snapshot           = true
  deletion_protection             = true
  skip_final_snapshot             = false
  final_snapshot_identifier       = "${local.app}-last"
  performance_insights_enabled    = true
  enabled_cloudwatch_logs_exports = ["postgresql"]
  auto_minor_version_upgrade      = true
}

resource "aws_secretsmanager_secret" "this" {
  for_each   = toset(["database-url", "server-key"])
  name       = "${local.secrets}/${each.key}"
  kms_key_id = var.secrets_key_arn

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_secretsmanager_secret_version" "database_url" {
  secret_id                = aws_secretsmanager_secret.this["database-url"].id
  secret_string_wo         = "postgres://${aws_db_instance.this.username}:${ephemeral.random_password.database.result}@${aws_db_instance.this.endpoint}/${aws_db_instance.this.db_name}?sslmode=require"
  secret_string_wo_version = var.generation
}

resource "aws_secretsmanager_secret_version" "server_key" {
  secret_id                = aws_secretsmanager_secret.this["server-key"].id
  secret_string_wo         = base64encode(ephemeral.random_password.server_key.result)
  secret_string_wo_version = 1
}

# As an Application, so that it is rolled out and kept like everything else. It signs in to the cluster it runs
# on as it does to every other, so it asks for no rights of its own here.
resource "helm_release" "this" {
  name      = "control-plane-root"
  namespace = "argocd"
  chart     = "${path.module}/application"

  values = [yamlencode({
    repository = var.repository
    values = merge(var.values, {
      clusters       = { inCluster = false, eks = true }
      database       = { mode = "url" }
      rights         = { create = false }
      secrets        = { store = "middleware-secrets", storeKind = "ClusterSecretStore", prefix = local.secrets }
      serviceAccount = { role = aws_iam_role.this.arn }
    })
  })]

  depends_on = [aws_secretsmanager_secret_version.database_url, aws_secretsmanager_secret_version.server_key]
}
