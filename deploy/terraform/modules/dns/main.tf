# The cluster's own zone, so that its roles can be held to it, told to the zone above; and the certificate
# of Teleport's names, which a load balancer of AWS can only take from AWS.

resource "aws_route53_zone" "this" {
  name          = var.zone
  comment       = "Instances of ${var.cluster}"
  force_destroy = false
}

resource "aws_route53_record" "delegation" {
  zone_id = var.parent_zone_id
  name    = var.zone
  type    = "NS"
  ttl     = 3600
  records = aws_route53_zone.this.name_servers
}

# Nobody but these may issue certificates below the zone.
resource "aws_route53_record" "issuers" {
  zone_id = aws_route53_zone.this.zone_id
  name    = var.zone
  type    = "CAA"
  ttl     = 3600
  records = ["0 issue \"letsencrypt.org\"", "0 issue \"amazon.com\"", "0 issuewild \"letsencrypt.org\"", "0 issuewild \"amazon.com\""]
}

resource "aws_acm_certificate" "teleport" {
  domain_name               = var.teleport_host
  subject_alternative_names = ["*.${var.teleport_host}"]
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  for_each = { for option in aws_acm_certificate.teleport.domain_validation_options : option.domain_name => option
  if !startswith(option.domain_name, "*.") }
  zone_id = aws_route53_zone.this.zone_id
  name    = each.value.resource_record_name
  type    = each.value.resource_record_type
  ttl     = 300
  records = [each.value.resource_record_value]
}

resource "aws_acm_certificate_validation" "teleport" {
  certificate_arn         = aws_acm_certificate.teleport.arn
  validation_record_fqdns = [for record in aws_route53_record.validation : record.fqdn]
  depends_on              = [aws_route53_record.delegation]
}
