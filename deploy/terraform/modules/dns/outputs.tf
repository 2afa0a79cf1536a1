output "zone_id" {
  description = "Id of the cluster's zone."
  value       = aws_route53_zone.this.zone_id
}

output "teleport_certificate_arn" {
  description = "Certificate of Teleport's names, once it is valid."
  value       = aws_acm_certificate_validation.teleport.certificate_arn
}
