output "gateway" {
  description = "DNS name of the load balancer before the gateway."
  value       = aws_lb.gateway.dns_name
}

output "teleport" {
  description = "DNS name of the load balancer before Teleport."
  value       = aws_lb.teleport.dns_name
}
