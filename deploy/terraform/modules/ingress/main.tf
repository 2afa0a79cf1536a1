# Two doors. A layer 4 load balancer before the gateway, which hands TLS through untouched; only 443, since
# a gateway that listens on 80 would take tokens in the clear. A layer 7 one before Teleport, for operators.

locals {
  # Ports of every node: values/base/apisix.yaml and config/teleport of deploy/middleware.
  gateway_port  = 30443
  teleport_port = 30843
}

resource "aws_security_group" "gateway" {
  name_prefix = "${var.cluster}-gateway-"
  description = "Everybody to the gateway"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "gateway" {
  for_each          = toset(var.client_cidrs)
  security_group_id = aws_security_group.gateway.id
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "gateway" {
  security_group_id            = aws_security_group.gateway.id
  referenced_security_group_id = var.node_security_group
  ip_protocol                  = "tcp"
  from_port                    = local.gateway_port
  to_port                      = local.gateway_port
}

resource "aws_vpc_security_group_ingress_rule" "nodes_from_gateway" {
  security_group_id            = var.node_security_group
  referenced_security_group_id = aws_security_group.gateway.id
  ip_protocol                  = "tcp"
  from_port                    = local.gateway_port
  to_port                      = local.gateway_port
}

resource "aws_lb" "gateway" {
  name                             = substr("${var.cluster}-gateway", 0, 32)
  load_balancer_type               = "network"
  subnets                          = var.public_subnets
  security_groups                  = [aws_security_group.gateway.id]
  enable_cross_zone_load_balancing = true
  enable_deletion_protection       = var.protected
}

resource "aws_lb_target_group" "gateway" {
  name                 = substr("${var.cluster}-gateway", 0, 32)
  port                 = local.gateway_port
  protocol             = "TCP"
  target_type          = "instance"
  vpc_id               = var.vpc_id
  preserve_client_ip   = true
  deregistration_delay = 60

  # A node without a replica of the gateway does not answer at this port, so it is no target.
  health_check {
    protocol            = "TCP"
    interval            = 10
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "gateway" {
  load_balancer_arn = aws_lb.gateway.arn
  port              = 443
  protocol          = "TCP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.gateway.arn
  }
}

# Nodes come and go with the scaling groups, and so do the targets.
resource "aws_autoscaling_attachment" "gateway" {
  for_each               = var.scaling_groups
  autoscaling_group_name = each.value
  lb_target_group_arn    = aws_lb_target_group.gateway.arn
}

resource "aws_security_group" "teleport" {
  name_prefix = "${var.cluster}-teleport-"
  description = "Operators to Teleport"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "teleport" {
  for_each          = toset(var.operator_cidrs)
  security_group_id = aws_security_group.teleport.id
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "teleport" {
  security_group_id            = aws_security_group.teleport.id
  referenced_security_group_id = var.node_security_group
  ip_protocol                  = "tcp"
  from_port                    = local.teleport_port
  to_port                      = local.teleport_port
}

resource "aws_vpc_security_group_ingress_rule" "nodes_from_teleport" {
  security_group_id            = var.node_security_group
  referenced_security_group_id = aws_security_group.teleport.id
  ip_protocol                  = "tcp"
  from_port                    = local.teleport_port
  to_port                      = local.teleport_port
}

resource "aws_lb" "teleport" {
  name                       = substr("${var.cluster}-teleport", 0, 32)
  load_balancer_type         = "application"
  subnets                    = var.public_subnets
  security_groups            = [aws_security_group.teleport.id]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.protected
  # Sessions of operators are long and quiet.
  idle_timeout = 3600
}

resource "aws_lb_target_group" "teleport" {
  name        = substr("${var.cluster}-teleport", 0, 32)
  port        = local.teleport_port
  protocol    = "HTTPS"
  target_type = "instance"
  vpc_id      = var.vpc_id

  health_check {
    protocol = "HTTPS"
    path     = "/webapi/ping"
    interval = 10
  }
}

resource "aws_lb_listener" "teleport" {
  load_balancer_arn = aws_lb.teleport.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.teleport_certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.teleport.arn
  }
}

resource "aws_autoscaling_attachment" "teleport" {
  for_each               = var.scaling_groups
  autoscaling_group_name = each.value
  lb_target_group_arn    = aws_lb_target_group.teleport.arn
}

# Teleport's own name, and one below it for each application. The gateway's names are External DNS's.
resource "aws_route53_record" "teleport" {
  for_each = toset([var.teleport_host, "*.${var.teleport_host}"])
  zone_id  = var.hosted_zone_id
  name     = each.key
  type     = "A"

  alias {
    name                   = aws_lb.teleport.dns_name
    zone_id                = aws_lb.teleport.zone_id
    evaluate_target_health = true
  }
}
