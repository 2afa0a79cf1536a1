# Who may do what in AWS, as pure text: no provider, so that `terraform test` runs anywhere. Each role is
# assumed by one service account of one cluster, or by one other role, and may do what that one thing needs.

terraform {
  required_version = ">= 1.11, < 2.0"
}

locals {
  iam            = "arn:aws:iam::${var.account}"
  secret         = "arn:aws:secretsmanager:${var.region}:${var.account}:secret"
  zone           = "arn:aws:route53:::hostedzone/${var.hosted_zone_id}"
  issuer         = trimprefix(var.oidc_issuer, "https://")
  backups        = "arn:aws:s3:::${var.backup_bucket}"
  logs           = "arn:aws:s3:::${var.log_bucket}"
  operators_role = "${local.iam}:role/${var.cluster}-external-secrets"
  instances_role = "${local.iam}:role/${var.cluster}-instance-secrets"

  # Keys are used through the service that owns the data and in no other way.
  through = { for service in ["secretsmanager", "s3", "ec2"] : service => {
    StringEquals = { "kms:ViaService" = "${service}.${var.region}.amazonaws.com" }
  } }

  # Which service account is which role. A star stands for the namespaces of instances only.
  accounts = {
    cert-manager       = "cert-manager:cert-manager"
    external-dns       = "external-dns:external-dns"
    external-secrets   = "external-secrets:external-secrets"
    cluster-autoscaler = "cluster-autoscaler:cluster-autoscaler"
    etcd-backup        = "ingress-apisix:apisix-etcd-backup"
    postgres-backup    = "prism*:postgres-pod"
    loki               = "monitoring:loki"
    ebs-csi            = "kube-system:ebs-csi-controller-sa"
  }

  statements = {
    # Challenges are TXT records; nothing else in the zone can be touched.
    cert-manager = [
      { Sid = "Wait", Effect = "Allow", Action = ["route53:GetChange"], Resource = ["arn:aws:route53:::change/*"] },
      { Sid = "Read", Effect = "Allow", Action = ["route53:ListResourceRecordSets"], Resource = [local.zone] },
      {
        Sid       = "Challenge", Effect = "Allow", Action = ["route53:ChangeResourceRecordSets"], Resource = [local.zone],
        Condition = { "ForAllValues:StringEquals" = { "route53:ChangeResourceRecordSetsRecordTypes" = ["TXT"] } }
      },
    ]

    external-dns = [
      { Sid = "Records", Effect = "Allow", Action = ["route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets", "route53:ListTagsForResources"], Resource = [local.zone] },
      # Lists take no resource.
      { Sid = "Zones", Effect = "Allow", Action = ["route53:ListHostedZones"], Resource = ["*"] },
    ]

    external-secrets = [
      { Sid = "Shared", Effect = "Allow", Action = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"], Resource = ["${local.secret}:${var.cluster}/shared/*"] },
      { Sid = "Decrypt", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [var.secrets_key_arn], Condition = local.through.secretsmanager },
      { Sid = "Instances", Effect = "Allow", Action = ["sts:AssumeRole", "sts:TagSession"], Resource = [local.instances_role] },
    ]

    # Reads one instance's entries: those of the instance that the session was tagged with. External Secrets
    # sets the tag, either from the namespace of the ExternalSecret (cluster store) or from the instance's own
    # store. A session without a tag reads nothing, since neither statement can then be true.
    instance-secrets = [
      {
        Sid       = "ByNamespace", Effect = "Allow", Action = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
        Resource  = ["${local.secret}:${var.secrets_prefix}/*"],
        Condition = { StringEquals = { "aws:PrincipalTag/esoNamespace" = "prism$${secretsmanager:ResourceTag/hosted-instances/instance}" } }
      },
      {
        Sid      = "ByInstance", Effect = "Allow", Action = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
        Resource = ["${local.secret}:${var.secrets_prefix}/$${aws:PrincipalTag/hosted-instance}/*"]
      },
      { Sid = "Decrypt", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [var.secrets_key_arn], Condition = local.through.secretsmanager },
    ]

    cluster-autoscaler = [
      # Descriptions take no resource.
      {
        Sid = "See", Effect = "Allow", Resource = ["*"],
        Action = [
          "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeLaunchConfigurations",
          "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags", "ec2:DescribeImages", "ec2:DescribeInstanceTypes",
          "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements",
        ]
      },
      { Sid = "Groups", Effect = "Allow", Action = ["eks:DescribeNodegroup"], Resource = ["arn:aws:eks:${var.region}:${var.account}:nodegroup/${var.cluster}/*/*"] },
      {
        Sid       = "Scale", Effect = "Allow", Action = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
        Resource  = ["arn:aws:autoscaling:${var.region}:${var.account}:autoScalingGroup:*"],
        Condition = { StringEquals = { "aws:ResourceTag/k8s.io/cluster-autoscaler/${var.cluster}" = "owned" } }
      },
    ]

    # Writes and cannot read: a snapshot holds every key of the gateway, encrypted.
    etcd-backup = [
      { Sid = "Write", Effect = "Allow", Action = ["s3:PutObject"], Resource = ["${local.backups}/etcd/${var.cluster}/*"] },
      { Sid = "Encrypt", Effect = "Allow", Action = ["kms:GenerateDataKey"], Resource = [var.storage_key_arn], Condition = local.through.s3 },
    ]

    postgres-backup = [
      { Sid = "Keep", Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], Resource = ["${local.backups}/spilo/*"] },
      { Sid = "List", Effect = "Allow", Action = ["s3:ListBucket"], Resource = [local.backups], Condition = { StringLike = { "s3:prefix" = ["spilo/*"] } } },
      { Sid = "Encrypt", Effect = "Allow", Action = ["kms:GenerateDataKey", "kms:Decrypt"], Resource = [var.storage_key_arn], Condition = local.through.s3 },
    ]

    loki = [
      { Sid = "Keep", Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], Resource = ["${local.logs}/*"] },
      { Sid = "List", Effect = "Allow", Action = ["s3:ListBucket"], Resource = [local.logs] },
      { Sid = "Encrypt", Effect = "Allow", Action = ["kms:GenerateDataKey", "kms:Decrypt"], Resource = [var.storage_key_arn], Condition = local.through.s3 },
    ]

    # Beside AWS's own policy for the driver: volumes under our key.
    ebs-csi = [
      { Sid = "Volumes", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"], Resource = [var.storage_key_arn] },
      { Sid = "Attach", Effect = "Allow", Action = ["kms:CreateGrant"], Resource = [var.storage_key_arn], Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } } },
    ]

    # Write-only: the control plane makes, marks and ends entries, and nobody reads a secret through it.
    control-plane = [
      {
        Sid    = "Entries", Effect = "Allow", Resource = ["${local.secret}:${var.secrets_prefix}/*"],
        Action = ["secretsmanager:CreateSecret", "secretsmanager:PutSecretValue", "secretsmanager:TagResource", "secretsmanager:DescribeSecret", "secretsmanager:DeleteSecret"]
      },
      # Lists take no resource; they show names and tags, no values.
      { Sid = "List", Effect = "Allow", Action = ["secretsmanager:ListSecrets"], Resource = ["*"] },
      { Sid = "NeverRead", Effect = "Deny", Action = ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"], Resource = ["*"] },
      # Secrets Manager asks for both when it encrypts, and a key alone opens nothing.
      { Sid = "Encrypt", Effect = "Allow", Action = ["kms:GenerateDataKey", "kms:Decrypt"], Resource = [var.secrets_key_arn], Condition = local.through.secretsmanager },
      { Sid = "SignIn", Effect = "Allow", Action = ["eks:DescribeCluster"], Resource = ["arn:aws:eks:${var.region}:${var.account}:cluster/${var.cluster}"] },
    ]
  }

  by_account = { for name, account in local.accounts : name => {
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = "${local.iam}:oidc-provider/${local.issuer}" }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = merge(
        { StringEquals = merge({ "${local.issuer}:aud" = "sts.amazonaws.com" }, strcontains(account, "*") ? {} : { "${local.issuer}:sub" = "system:serviceaccount:${account}" }) },
        strcontains(account, "*") ? { StringLike = { "${local.issuer}:sub" = "system:serviceaccount:${account}" } } : {},
      )
    }]
  } }

  by_role = {
    instance-secrets = {
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { AWS = local.operators_role }
        Action    = ["sts:AssumeRole", "sts:TagSession"]
        Condition = { "ForAllValues:StringEquals" = { "aws:TagKeys" = ["esoNamespace", "esoStoreName", "esoStoreKind", "hosted-instance"] } }
      }]
    }
    # By condition and not by principal: a principal must exist when it is named, and the control plane's role
    # comes after the clusters, one of which it runs on.
    control-plane = {
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { AWS = "${local.iam}:root" }
        Action    = ["sts:AssumeRole"]
        Condition = { ArnEquals = { "aws:PrincipalArn" = var.control_plane_role_arn } }
      }]
    }
  }
}
