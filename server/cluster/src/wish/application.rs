//! The Argo CD Application. Values that must lose to a file in Git are not put into `valuesObject`,
//! which wins over files; the identity must not lose to anything and is therefore merged last.

use serde::Serialize;
use serde_json::{Map, Value, json};
use service::ports::Target;

use super::{INSTANCE, MANAGED_BY, TENANT, labels};
use crate::canonical::Digest;
use crate::resource::{
    Application, ApplicationBody, ApplicationSpec, Automated, Destination, Helm, Identity, Retry,
    Source, SyncPolicy,
};

/// Deletes what was deployed before the Application itself goes.
const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io/foreground";
/// The cluster that Argo CD runs in.
const HERE: &str = "https://kubernetes.default.svc";

/// The Application of an instance.
pub fn application(target: &Target) -> Application {
    let namespace = target.instance.namespace();
    let spec = ApplicationSpec {
        project: target.cluster.project.clone(),
        sources: sources(target),
        destination: Destination {
            server: HERE.to_owned(),
            namespace: namespace.clone(),
        },
        sync_policy: SyncPolicy {
            automated: Automated {
                prune: true,
                self_heal: true,
            },
            retry: Retry { limit: 5 },
        },
    };
    let mut application = Application::new(
        &namespace,
        ApplicationBody {
            spec,
            operation: None,
        },
    );
    application.metadata.namespace = Some(target.cluster.application_namespace.clone());
    application.metadata.labels = Some(labels(target));
    application.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
    application
}

/// The digest of the fields that we own.
pub fn owned(application: &Application) -> Digest {
    let metadata = &application.metadata;
    let label = |name: &str| metadata.labels.as_ref().and_then(|all| all.get(name));
    let finalizers = metadata.finalizers.iter().flatten().any(|f| f == FINALIZER);
    let labels = [MANAGED_BY, INSTANCE, TENANT].map(label);
    Digest::of(&json!({"labels": labels, "finalizer": finalizers, "spec": application.spec.spec}))
}

/// The digest of the specification that Argo CD compares.
pub fn compared(sources: &[Value], destination: &Destination) -> Digest {
    Digest::of(&json!({"sources": sources, "destination": destination}))
}

fn sources(target: &Target) -> Vec<Value> {
    let release = &target.release;
    let mut value_files = vec![format!("releases/{}.yaml", release.version)];
    if target.cluster.overrides.is_some() {
        value_files.push(format!("$overrides/overrides/{}.yaml", target.instance));
    }
    let chart = Source {
        repo_url: target.cluster.chart.repo_url.clone(),
        path: target.cluster.chart.path.clone(),
        target_revision: release.chart_revision.clone(),
        reference: None,
        helm: Some(Helm {
            release_name: target.instance.namespace(),
            value_files,
            ignore_missing_value_files: true,
            values_object: values(target),
        }),
    };
    let files = target.cluster.overrides.as_ref().map(|from| Source {
        repo_url: from.repo_url.clone(),
        target_revision: from.revision.clone(),
        reference: Some("overrides".to_owned()),
        ..Source::default()
    });
    std::iter::once(chart)
        .chain(files)
        .map(|source| json(&source))
        .collect()
}

fn values(target: &Target) -> Value {
    let mut values = target.overrides.clone();
    let identity = json(&Identity {
        id: target.instance.to_string(),
        host: target.host.clone(),
        tenant: target.tenant.to_string(),
        purpose: target.purpose.to_string(),
    });
    set(&mut values, "instance", identity);
    // Where its entries in Secrets Manager were written is for the one who wrote them to say.
    let mut secrets = json!({
        "prefix": target.cluster.secrets_prefix,
        "region": target.cluster.region,
    });
    if let Some(role) = &target.cluster.secrets_role {
        secrets["role"] = json!(role);
    }
    set(&mut values, "secrets", secrets);
    Value::Object(values)
}

/// Lays what only the control plane knows over what the overrides say below that key.
fn set(values: &mut Map<String, Value>, key: &str, ours: Value) {
    let below = values
        .entry(key)
        .or_insert_with(|| Value::Object(Map::new()));
    match (below, ours) {
        (Value::Object(below), Value::Object(ours)) => below.extend(ours),
        (other, ours) => *other = ours,
    }
}

fn json(thing: &impl Serialize) -> Value {
    serde_json::to_value(thing).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use model::cluster::ClusterAccess;

    use super::*;
    use crate::wish::samples::target;

    #[test]
    fn the_application_is_ours_and_lives_with_its_like() {
        let target = target(ClusterAccess::InCluster);
        let mut written = json(&application(&target));
        written.as_object_mut().unwrap().remove("spec");
        assert_eq!(
            written,
            json!({
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {
                    "name": "prismk7mq2x9dr4ht",
                    "namespace": "hosted-instances",
                    "labels": {
                        "app.kubernetes.io/managed-by": "hosted-instances",
                        "hosted-instances.io/instance": "k7mq2x9dr4ht",
                        "hosted-instances.io/tenant": "018f3f1e-0000-7000-8000-000000000001",
                    },
                    "finalizers": ["resources-finalizer.argocd.argoproj.io/foreground"],
                },
            })
        );
    }

    #[test]
    fn the_specification_is_as_the_contract_says() {
        let target = target(ClusterAccess::InCluster);
        let chart = json!({
            "repoURL": "https://git.example.org/chart.git",
            "path": "charts/prism-instance",
            "targetRevision": "v2.1.0",
            "helm": {
                "releaseName": "prismk7mq2x9dr4ht",
                "valueFiles": ["releases/2.1.0.yaml", "$overrides/overrides/k7mq2x9dr4ht.yaml"],
                "ignoreMissingValueFiles": true,
                "valuesObject": {
                    "agent": {"replicas": 2, "share": 1.0},
                    "instance": {
                        "id": "k7mq2x9dr4ht",
                        "host": "k7mq2x9dr4ht.eu.example.org",
                        "tenant": "018f3f1e-0000-7000-8000-000000000001",
                        "purpose": "development",
                    },
                    "secrets": {"prefix": "hosted-instances/one", "region": "eu-west-1"},
                },
            },
        });
        let files = json!({
            "repoURL": "https://git.example.org/overrides.git",
            "targetRevision": "main",
            "ref": "overrides",
        });
        let here = "https://kubernetes.default.svc";
        assert_eq!(
            json(&application(&target))["spec"],
            json!({
                "project": "prism-instances",
                "sources": [chart, files],
                "destination": {"server": here, "namespace": "prismk7mq2x9dr4ht"},
                "syncPolicy": {
                    "automated": {"prune": true, "selfHeal": true},
                    "retry": {"limit": 5},
                },
            })
        );
    }

    #[test]
    fn without_an_override_repository_nothing_refers_to_one() {
        let mut target = target(ClusterAccess::InCluster);
        target.cluster.overrides = None;
        let written = json(&application(&target));
        assert_eq!(written["spec"]["sources"].as_array().unwrap().len(), 1);
        assert!(!written.to_string().contains("$overrides"));
    }

    #[test]
    fn the_role_for_reading_secrets_is_the_clusters() {
        let mut target = target(ClusterAccess::InCluster);
        target.cluster.secrets_role = Some("arn:aws:iam::1:role/reader".to_owned());
        let written = json(&application(&target));
        let values = &written["spec"]["sources"][0]["helm"]["valuesObject"];
        assert_eq!(values["secrets"]["role"], "arn:aws:iam::1:role/reader");
    }

    #[test]
    fn the_identity_wins_over_whatever_the_overrides_say() {
        let mut target = target(ClusterAccess::InCluster);
        target.overrides = json!({"instance": "nobody"}).as_object().unwrap().clone();
        let written = json(&application(&target));
        let values = &written["spec"]["sources"][0]["helm"]["valuesObject"];
        assert_eq!(values["instance"]["id"], "k7mq2x9dr4ht");
    }

    #[test]
    fn a_field_of_ours_counts_and_one_of_others_does_not() {
        let target = target(ClusterAccess::InCluster);
        let ours = application(&target);
        let mut json = json(&ours);
        json["spec"]["ignoreDifferences"] = json!([{"kind": "Secret"}]);
        json["metadata"]["labels"]["team"] = json!("x");
        json["status"] = json!({"sync": {"status": "Synced"}});
        let seen: Application = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(owned(&seen), owned(&ours));
        for (pointer, value) in [
            ("/spec/project", json!("default")),
            ("/spec/sources/0/targetRevision", json!("main")),
            ("/spec/sources/0/helm/valuesObject/agent/replicas", json!(3)),
            ("/spec/syncPolicy/automated/prune", json!(false)),
            ("/metadata/finalizers", json!([])),
            ("/metadata/labels", json!({})),
        ] {
            let mut changed = json.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            let seen: Application = serde_json::from_value(changed).unwrap();
            assert_ne!(owned(&seen), owned(&ours), "{pointer}");
        }
    }
}
