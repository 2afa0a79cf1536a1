variables {
  instance       = "k7mq2x9dr4ht"
  tenant         = "018f3f1e-0000-7000-8000-000000000001"
  purpose        = "development"
  region         = "eu-west-1"
  zone           = "eu.example.org"
  release        = { version = "2.1.0", chart_revision = "v2.1.0" }
  chart          = { repo_url = "https://git.example.org/chart.git", path = "charts/prism-instance" }
  overrides      = { repo_url = "https://git.example.org/overrides.git", revision = "main" }
  secrets_prefix = "hosted-instances/one"
}

run "namespace_release_and_application_have_one_name" {
  command = plan

  assert {
    condition = (
      output.name == "prismk7mq2x9dr4ht"
      && output.manifest.metadata.name == output.name
      && output.manifest.spec.destination.namespace == output.name
      && output.manifest.spec.sources[0].helm.releaseName == output.name
    )
    error_message = "The gateway and the chart rely on one name."
  }
}

run "a_file_in_git_may_say_more" {
  command = plan

  assert {
    condition     = output.manifest.spec.sources[0].helm.valueFiles == ["releases/2.1.0.yaml", "$overrides/overrides/k7mq2x9dr4ht.yaml"]
    error_message = "The override file is not laid over the release."
  }

  assert {
    condition     = output.manifest.spec.sources[1].ref == "overrides"
    error_message = "The override repository is not a source."
  }
}

run "without_an_override_repository_there_is_one_source" {
  command = plan

  variables {
    overrides = null
  }

  assert {
    condition     = length(output.manifest.spec.sources) == 1 && length(output.manifest.spec.sources[0].helm.valueFiles) == 1
    error_message = "Something refers to a repository that is not there."
  }
}

run "an_id_that_is_none_is_refused" {
  command = plan

  variables {
    instance = "Acme-1"
  }

  expect_failures = [var.instance]
}
