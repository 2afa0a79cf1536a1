output "name" {
  description = "Name of the EKS cluster."
  value       = aws_eks_cluster.this.name
}

output "endpoint" {
  description = "URL of the Kubernetes API."
  value       = aws_eks_cluster.this.endpoint
}

output "authority" {
  description = "Certificate of the API's authority, in base64."
  value       = aws_eks_cluster.this.certificate_authority[0].data
}

output "security_group" {
  description = "Group that nodes and API share."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "scaling_groups" {
  description = "Scaling groups of the nodes, by zone."
  value       = { for zone, group in aws_eks_node_group.zone : zone => group.resources[0].autoscaling_groups[0].name }
}

output "control_plane_role_arn" {
  description = "Role that the control plane assumes for this cluster; the console asks for it."
  value       = aws_iam_role.operator["control-plane"].arn
}

output "oidc_issuer" {
  description = "Issuer of service account tokens."
  value       = aws_eks_cluster.this.identity[0].oidc[0].issuer
}
