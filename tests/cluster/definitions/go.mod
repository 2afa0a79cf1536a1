// The definitions of custom resources that the test cluster serves, taken from the modules of those
// who publish them. Nothing is compiled from here: `cargo xtask cluster build` copies files.
module hosted-instances/tests/cluster/definitions

go 1.25.0

require (
	github.com/apache/apisix-ingress-controller v1.8.4
	github.com/argoproj/argo-cd/v3 v3.2.11
	github.com/cert-manager/cert-manager v1.19.1
	github.com/external-secrets/external-secrets v1.3.2
	github.com/zalando/postgres-operator v1.14.0
)
