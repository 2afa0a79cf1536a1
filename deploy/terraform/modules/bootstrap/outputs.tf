output "argo_cd_version" {
  description = "Version of Argo CD's chart that was installed first."
  value       = helm_release.argo_cd.version
}
