# EKS with one node group for each zone (a volume cannot leave its zone, so capacity must be had in it),
# the add-ons it cannot start without, and one role for each operator.

resource "aws_iam_role" "cluster" {
  name = "${var.cluster}-cluster"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["sts:AssumeRole", "sts:TagSession"], Principal = { Service = "eks.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "cluster" {
  role       = aws_iam_role.cluster.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
}

resource "aws_eks_cluster" "this" {
  name                          = var.cluster
  version                       = var.kubernetes_version
  role_arn                      = aws_iam_role.cluster.arn
  bootstrap_self_managed_addons = false
  enabled_cluster_log_types     = ["api", "audit", "authenticator"]
  deletion_protection           = var.protected

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }

  vpc_config {
    subnet_ids              = values(var.private_subnets)
    endpoint_private_access = true
    endpoint_public_access  = length(var.api_cidrs) > 0
    public_access_cidrs     = length(var.api_cidrs) > 0 ? var.api_cidrs : null
  }

  # Secrets in the API's own store are encrypted under a key of ours as well.
  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = var.secrets_key_arn
    }
  }

  depends_on = [aws_iam_role_policy_attachment.cluster]
}

data "tls_certificate" "issuer" {
  url = aws_eks_cluster.this.identity[0].oidc[0].issuer
}

resource "aws_iam_openid_connect_provider" "this" {
  url             = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = [data.tls_certificate.issuer.certificates[0].sha1_fingerprint]
}

resource "aws_iam_role" "node" {
  name = "${var.cluster}-node"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["sts:AssumeRole"], Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each   = toset(["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly"])
  role       = aws_iam_role.node.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

# A pod must not reach the node's own credentials: one hop ends at the node.
resource "aws_launch_template" "node" {
  name_prefix            = "${var.cluster}-"
  update_default_version = true

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = var.nodes.disk
      encrypted             = true
      kms_key_id            = var.storage_key_arn
      delete_on_termination = true
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "${var.cluster}-node" }
  }
}

resource "aws_eks_node_group" "zone" {
  for_each        = var.private_subnets
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "${var.cluster}-${each.key}"
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = [each.value]
  ami_type        = "BOTTLEROCKET_x86_64"
  capacity_type   = "ON_DEMAND"
  instance_types  = var.nodes.types

  scaling_config {
    min_size     = var.nodes.min
    max_size     = var.nodes.max
    desired_size = var.nodes.min
  }

  update_config {
    max_unavailable = 1
  }

  launch_template {
    id      = aws_launch_template.node.id
    version = aws_launch_template.node.latest_version
  }

  tags = {
    "k8s.io/cluster-autoscaler/enabled"        = "true"
    "k8s.io/cluster-autoscaler/${var.cluster}" = "owned"
  }

  # How many there are is the autoscaler's to say.
  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }

  depends_on = [aws_iam_role_policy_attachment.node, aws_eks_addon.network]
}

# The autoscaler reads its tags on the scaling group, where a node group's own tags do not arrive.
resource "aws_autoscaling_group_tag" "owned" {
  for_each               = aws_eks_node_group.zone
  autoscaling_group_name = each.value.resources[0].autoscaling_groups[0].name

  tag {
    key                 = "k8s.io/cluster-autoscaler/${var.cluster}"
    value               = "owned"
    propagate_at_launch = false
  }
}

resource "aws_autoscaling_group_tag" "enabled" {
  for_each               = aws_eks_node_group.zone
  autoscaling_group_name = each.value.resources[0].autoscaling_groups[0].name

  tag {
    key                 = "k8s.io/cluster-autoscaler/enabled"
    value               = "true"
    propagate_at_launch = false
  }
}

# Before the nodes: the network plugin, told to enforce NetworkPolicies, without which every fence around an
# instance is only written down.
resource "aws_eks_addon" "network" {
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = "vpc-cni"
  addon_version               = var.addons["vpc-cni"]
  resolve_conflicts_on_update = "OVERWRITE"
  configuration_values        = jsonencode({ enableNetworkPolicy = "true", env = { ENABLE_PREFIX_DELEGATION = "true" } })
}

resource "aws_eks_addon" "proxy" {
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = "kube-proxy"
  addon_version               = var.addons["kube-proxy"]
  resolve_conflicts_on_update = "OVERWRITE"
}

resource "aws_eks_addon" "dns" {
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = "coredns"
  addon_version               = var.addons["coredns"]
  resolve_conflicts_on_update = "OVERWRITE"
  configuration_values        = jsonencode(var.coredns)
  depends_on                  = [aws_eks_node_group.zone]
}

resource "aws_eks_addon" "volumes" {
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = "aws-ebs-csi-driver"
  addon_version               = var.addons["aws-ebs-csi-driver"]
  service_account_role_arn    = aws_iam_role.operator["ebs-csi"].arn
  resolve_conflicts_on_update = "OVERWRITE"
  configuration_values        = jsonencode({ defaultStorageClass = { enabled = false } })
  depends_on                  = [aws_eks_node_group.zone]
}

module "policies" {
  source = "../policies"

  account                = var.account
  region                 = var.region
  cluster                = var.cluster
  secrets_prefix         = var.secrets_prefix
  hosted_zone_id         = var.hosted_zone_id
  oidc_issuer            = aws_eks_cluster.this.identity[0].oidc[0].issuer
  backup_bucket          = var.backup_bucket
  log_bucket             = var.log_bucket
  secrets_key_arn        = var.secrets_key_arn
  storage_key_arn        = var.storage_key_arn
  control_plane_role_arn = var.control_plane_role_arn
}

resource "aws_iam_role" "operator" {
  for_each           = toset(["cert-manager", "external-dns", "external-secrets", "cluster-autoscaler", "etcd-backup", "postgres-backup", "loki", "ebs-csi", "control-plane"])
  name               = "${var.cluster}-${each.key}"
  assume_role_policy = module.policies.roles[each.key].trust
  depends_on         = [aws_iam_openid_connect_provider.this]
}

# Trusts another of our roles, which must be there before it.
resource "aws_iam_role" "instance_secrets" {
  name               = "${var.cluster}-instance-secrets"
  assume_role_policy = module.policies.roles["instance-secrets"].trust
  depends_on         = [aws_iam_role.operator]
}

resource "aws_iam_role_policy" "operator" {
  for_each = aws_iam_role.operator
  name     = each.key
  role     = each.value.name
  policy   = module.policies.roles[each.key].policy
}

resource "aws_iam_role_policy" "instance_secrets" {
  name   = "instance-secrets"
  role   = aws_iam_role.instance_secrets.name
  policy = module.policies.roles["instance-secrets"].policy
}

resource "aws_iam_role_policy_attachment" "volumes" {
  role       = aws_iam_role.operator["ebs-csi"].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
}

# People in an emergency, by a role that their sign-in gives; day to day they come through Teleport.
resource "aws_eks_access_entry" "administrators" {
  for_each      = toset(var.administrator_role_arns)
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.key
}

resource "aws_eks_access_policy_association" "administrators" {
  for_each      = toset(var.administrator_role_arns)
  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.key
  policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }

  depends_on = [aws_eks_access_entry.administrators]
}

# The control plane, into the group whose rights deploy/middleware/config/control-plane-access writes down.
resource "aws_eks_access_entry" "control_plane" {
  cluster_name      = aws_eks_cluster.this.name
  principal_arn     = aws_iam_role.operator["control-plane"].arn
  kubernetes_groups = ["hosted-instances"]
}
