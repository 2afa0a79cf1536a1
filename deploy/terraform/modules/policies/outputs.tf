output "roles" {
  description = "By the second part of a role's name: whom it trusts and what it may do, as JSON."
  value = { for name, statements in local.statements : name => {
    trust  = jsonencode(merge(local.by_account, local.by_role)[name])
    policy = jsonencode({ Version = "2012-10-17", Statement = statements })
  } }
}
