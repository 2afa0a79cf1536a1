output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "public_subnets" {
  description = "Subnets of load balancers."
  value       = [for subnet in aws_subnet.public : subnet.id]
}

output "private_subnets" {
  description = "Subnets of nodes, by zone."
  value       = { for zone, subnet in aws_subnet.private : zone => subnet.id }
}

output "exits" {
  description = "Addresses that the instances are seen from."
  value       = [for address in aws_eip.exit : address.public_ip]
}
