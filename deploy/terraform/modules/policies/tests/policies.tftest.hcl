variables {
  account                = "111122223333"
  region                 = "eu-west-1"
  cluster                = "eu-west-1-production"
  secrets_prefix         = "hosted-instances/eu-west-1-production"
  hosted_zone_id         = "Z123"
  oidc_issuer            = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"
  backup_bucket          = "backups"
  log_bucket             = "logs"
  secrets_key_arn        = "arn:aws:kms:eu-west-1:111122223333:key/one"
  storage_key_arn        = "arn:aws:kms:eu-west-1:111122223333:key/two"
  control_plane_role_arn = "arn:aws:iam::111122223333:role/hosted-instances-control-plane"
}

run "no_role_may_do_everything_of_a_service" {
  command = plan

  assert {
    condition = alltrue([for role in values(output.roles) : alltrue([
      for statement in jsondecode(role.policy).Statement : alltrue([for action in statement.Action : !strcontains(action, "*")])
    ])])
    error_message = "An action has a star."
  }
}

run "stars_as_resource_are_for_lists_and_denials" {
  command = plan

  assert {
    condition = alltrue(flatten([for role in values(output.roles) : [
      for statement in jsondecode(role.policy).Statement : [
        for action in statement.Action : statement.Effect == "Deny" || can(regex(":(List|Describe|Get(InstanceTypesFromInstanceRequirements))", action))
      ] if contains(statement.Resource, "*")
    ]]))
    error_message = "Something other than a list is allowed on everything."
  }
}

run "the_control_plane_never_reads_a_secret" {
  command = plan

  assert {
    condition = alltrue([for statement in jsondecode(output.roles["control-plane"].policy).Statement :
      statement.Effect == "Deny" || !anytrue([for action in statement.Action : strcontains(action, "SecretValue") && startswith(action, "secretsmanager:Get")])
    ])
    error_message = "The control plane may read values."
  }

  assert {
    condition     = anytrue([for statement in jsondecode(output.roles["control-plane"].policy).Statement : statement.Effect == "Deny" && contains(statement.Action, "secretsmanager:GetSecretValue")])
    error_message = "Reading values is not denied."
  }

  assert {
    condition = toset(flatten([for statement in jsondecode(output.roles["control-plane"].policy).Statement : statement.Action if statement.Sid == "Entries"])) == toset([
      "secretsmanager:CreateSecret", "secretsmanager:PutSecretValue", "secretsmanager:TagResource", "secretsmanager:DescribeSecret", "secretsmanager:DeleteSecret",
    ])
    error_message = "The rights on entries are not the five that the code uses."
  }
}

run "an_instance_reads_its_own_and_the_tag_stays_a_variable_of_the_policy" {
  command = plan

  assert {
    condition     = strcontains(output.roles["instance-secrets"].policy, "$${aws:PrincipalTag/hosted-instance}")
    error_message = "Terraform filled in what IAM should."
  }

  assert {
    condition     = strcontains(output.roles["instance-secrets"].policy, "prism$${secretsmanager:ResourceTag/hosted-instances/instance}")
    error_message = "The namespace is not compared with the entry's tag."
  }

  assert {
    condition     = jsondecode(output.roles["instance-secrets"].trust).Statement[0].Principal.AWS == "arn:aws:iam::111122223333:role/eu-west-1-production-external-secrets"
    error_message = "Somebody else than External Secrets may read entries of instances."
  }
}

run "only_the_control_plane_becomes_the_control_plane" {
  command = plan

  assert {
    condition     = jsondecode(output.roles["control-plane"].trust).Statement[0].Condition.ArnEquals["aws:PrincipalArn"] == var.control_plane_role_arn
    error_message = "The whole account may become the control plane."
  }
}

run "service_accounts_are_named_one_by_one_but_for_databases" {
  command = plan

  assert {
    condition     = [for name, role in output.roles : name if strcontains(role.trust, "StringLike")] == ["postgres-backup"]
    error_message = "A pattern trusts more than the databases of instances."
  }

  assert {
    condition     = values(jsondecode(output.roles["postgres-backup"].trust).Statement[0].Condition.StringLike) == ["system:serviceaccount:prism*:postgres-pod"]
    error_message = "More than the databases of instances may write their backups."
  }
}

run "a_prefix_with_a_star_is_refused" {
  command = plan

  variables {
    secrets_prefix = "hosted-instances/*"
  }

  expect_failures = [var.secrets_prefix]
}
