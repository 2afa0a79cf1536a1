//! The programs of the cluster: which are built from which module, and which must be on the machine.
//! Versions stand in the modules' lock files; what the linker is told stands here.

use crate::tools;

/// One program that is built.
pub struct Program {
    /// Its name in the folder of programs.
    pub name: &'static str,
    /// Its module, a folder below `tests/cluster`.
    pub module: &'static str,
    /// Its package, as `go build` takes it.
    pub package: &'static str,
    /// Variables that the linker sets, as `package.variable=value`.
    pub set: &'static [&'static str],
}

/// Without these the API server says a version that no client can parse.
const KUBERNETES: &[&str] = &[
    "k8s.io/component-base/version.gitVersion=v1.35.4",
    "k8s.io/component-base/version.gitMajor=1",
    "k8s.io/component-base/version.gitMinor=35",
    "k8s.io/component-base/version.gitTreeState=clean",
    "k8s.io/component-base/version.gitCommit=0000000000000000000000000000000000000000",
    "k8s.io/component-base/version.buildDate=2026-01-01T00:00:00Z",
    "k8s.io/client-go/pkg/version.gitVersion=v1.35.4",
    "k8s.io/client-go/pkg/version.gitMajor=1",
    "k8s.io/client-go/pkg/version.gitMinor=35",
    "k8s.io/client-go/pkg/version.gitTreeState=clean",
    "k8s.io/client-go/pkg/version.gitCommit=0000000000000000000000000000000000000000",
    "k8s.io/client-go/pkg/version.buildDate=2026-01-01T00:00:00Z",
];

const fn program(
    name: &'static str,
    module: &'static str,
    package: &'static str,
    set: &'static [&'static str],
) -> Program {
    Program {
        name,
        module,
        package,
        set,
    }
}

/// In the order in which they are built: programs of one module share what they compile.
pub const PROGRAMS: &[Program] = &[
    program("kube", "parts", "./kube", KUBERNETES),
    program("supervisor", "parts", "./supervisor", &[]),
    program("standins", "parts", "./standins", &[]),
    program("gitd", "parts", "./gitd", &[]),
    program("certmanager", "parts", "./certmanager", &[]),
    program(
        "argocd",
        "argocd",
        ".",
        &["github.com/argoproj/argo-cd/v3/common.version=3.2.11"],
    ),
    program("helm", "argocd", "helm.sh/helm/v3/cmd/helm", &[]),
    program(
        "kwok",
        "kwok",
        "sigs.k8s.io/kwok/cmd/kwok",
        &["sigs.k8s.io/kwok/pkg/consts.Version=v0.7.0"],
    ),
];

/// Files with definitions of custom resources: the module that publishes them, and their paths in it.
pub const DEFINITIONS: &[(&str, &[&str])] = &[
    (
        "github.com/apache/apisix-ingress-controller",
        &[
            "samples/deploy/crd/v1/ApisixConsumer.yaml",
            "samples/deploy/crd/v1/ApisixPluginConfig.yaml",
            "samples/deploy/crd/v1/ApisixRoute.yaml",
            "samples/deploy/crd/v1/ApisixTls.yaml",
            "samples/deploy/crd/v1/ApisixUpstream.yaml",
        ],
    ),
    (
        "github.com/argoproj/argo-cd/v3",
        &[
            "manifests/crds/application-crd.yaml",
            "manifests/crds/appproject-crd.yaml",
        ],
    ),
    (
        "github.com/cert-manager/cert-manager",
        &[
            "deploy/crds/acme.cert-manager.io_challenges.yaml",
            "deploy/crds/acme.cert-manager.io_orders.yaml",
            "deploy/crds/cert-manager.io_certificaterequests.yaml",
            "deploy/crds/cert-manager.io_certificates.yaml",
            "deploy/crds/cert-manager.io_clusterissuers.yaml",
            "deploy/crds/cert-manager.io_issuers.yaml",
        ],
    ),
    (
        "github.com/external-secrets/external-secrets",
        &["deploy/crds/bundle.yaml"],
    ),
    (
        "github.com/zalando/postgres-operator",
        &["manifests/postgresql.crd.yaml"],
    ),
];

/// Programs that must be on the machine, and how to get each.
const NEEDED: &[(&str, &str)] = &[
    ("go", "Go 1.25 or later, https://go.dev/dl"),
    ("git", "Debian: apt-get install git"),
    ("redis-server", "Debian: apt-get install redis-server"),
    ("moto_server", "pip install 'moto[server]'"),
];

/// What the cluster needs and this machine lacks, as one sentence; None when nothing is missing.
pub fn missing() -> Option<String> {
    let lacking: Vec<String> = NEEDED
        .iter()
        .filter(|(name, _)| tools::find(name).is_none())
        .map(|(name, how)| format!("{name} ({how})"))
        .collect();
    (!lacking.is_empty()).then(|| {
        format!(
            "A real cluster needs programs that are not installed: {}",
            lacking.join(", ")
        )
    })
}
