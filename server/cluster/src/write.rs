//! Writing and deleting on a cluster. Everything is server-side apply under one field manager; force is
//! used because these objects are ours alone, after a look that they are. Every function may be
//! repeated at any time.

pub mod key;

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Namespace, ResourceQuota};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use serde_json::json;
use service::ports::{ClusterError, Gate, Target};

use crate::client::{call, find};
use crate::drift;
use crate::failure::Failure;
use crate::resource::{ApisixPluginConfig, Application, ClusterWide, Kind, Namespaced};
use crate::wish::{self, GATE, INSTANCE, MANAGER};

/// How often the gate is read again when somebody writes between our look and our write.
const GATE_ATTEMPTS: usize = 4;

fn forced() -> PatchParams {
    PatchParams::apply(MANAGER).force()
}

async fn apply<K: Kind>(api: &Api<K>, object: &K) -> Result<(), Failure> {
    let name = object.meta().name.clone().unwrap_or_default();
    let (params, patch) = (forced(), Patch::Apply(object));
    call(|| api.patch(&name, &params, &patch)).await.map(drop)
}

fn inside<K: Namespaced>(client: &Client, target: &Target) -> Api<K> {
    Api::namespaced(client.clone(), &target.instance.namespace())
}

fn everywhere<K: ClusterWide>(client: &Client) -> Api<K> {
    Api::all(client.clone())
}

fn applications(client: &Client, target: &Target) -> Api<Application> {
    Api::namespaced(client.clone(), &target.cluster.application_namespace)
}

/// Whether an object is this instance's: its label says so, or, where somebody took the label away, the
/// record of who wrote it.
fn is_ours(metadata: &ObjectMeta, target: &Target) -> bool {
    match metadata.labels.as_ref().and_then(|all| all.get(INSTANCE)) {
        Some(owner) => owner == target.instance.as_str(),
        None => drift::ours(metadata, &["metadata", "labels", wish::MANAGED_BY]),
    }
}

/// Makes the namespace and its quota.
pub async fn namespace(client: &Client, target: &Target) -> Result<(), ClusterError> {
    let doing = "writing the namespace";
    let api = everywhere::<Namespace>(client);
    let name = target.instance.namespace();
    if let Some(there) = find(|| api.get(&name))
        .await
        .map_err(|f| f.while_doing(doing))?
    {
        if there.metadata.deletion_timestamp.is_some() {
            return Err(ClusterError::Refused(format!(
                "The namespace {name} is still being removed; it can be made again when it is gone"
            )));
        }
        if !is_ours(&there.metadata, target) {
            return Err(ClusterError::Refused(format!(
                "The namespace {name} exists and is not ours (no label {INSTANCE}={}). Remove it, or \
                 delete this instance and create another",
                target.instance
            )));
        }
    }
    apply(&api, &wish::namespace(target))
        .await
        .map_err(|f| f.while_doing(doing))?;
    let quotas = inside::<ResourceQuota>(client, target);
    apply(&quotas, &wish::quota(target))
        .await
        .map_err(|f| f.while_doing("writing the quota"))
}

/// Writes the gate, never backwards and never with another whitelist under a generation that stands
/// there: workers may have shown that one, whoever wrote it, and an answer must mean one whitelist.
pub async fn gate(client: &Client, target: &Target, gate: &Gate) -> Result<(), ClusterError> {
    let doing = "writing the gate";
    let api = inside::<ApisixPluginConfig>(client, target);
    let mut wished = wish::gate(target, gate);
    let mut last = Failure::Conflict("the gate kept changing".to_owned());
    for _ in 0..GATE_ATTEMPTS {
        let there = find(|| api.get(GATE))
            .await
            .map_err(|f| f.while_doing(doing))?;
        if let Some(why) = there.as_ref().and_then(|there| outrun(there, gate)) {
            return Err(ClusterError::Refused(why));
        }
        // With the version that was read the write fails when somebody was faster; without an object,
        // an empty version would be refused, and two writers of a first gate write the same.
        wished.metadata.resource_version = there.and_then(|t| t.metadata.resource_version);
        match apply(&api, &wished).await {
            Err(failure @ (Failure::Conflict(_) | Failure::NotFound(_))) => last = failure,
            other => return other.map_err(|f| f.while_doing(doing)),
        }
    }
    Err(last.while_doing(doing))
}

/// Why the gate that stands there forbids this one.
fn outrun(there: &ApisixPluginConfig, gate: &Gate) -> Option<String> {
    let fact = wish::read_gate(there);
    let names = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
    if fact.generation > gate.generation {
        Some(format!(
            "The gate on the cluster is at generation {} already; {} is older and was not written",
            fact.generation, gate.generation
        ))
    } else if fact.generation == gate.generation && names(&fact.open_to) != names(&gate.open_to) {
        Some(format!(
            "The gate on the cluster has generation {} with another whitelist; it was not written",
            gate.generation
        ))
    } else {
        None
    }
}

/// Writes the Application.
pub async fn application(client: &Client, target: &Target) -> Result<(), ClusterError> {
    let doing = "writing the Application";
    let api = applications(client, target);
    let name = target.instance.namespace();
    let there = find(|| api.get(&name))
        .await
        .map_err(|f| f.while_doing(doing))?;
    if there.is_some_and(|a| {
        a.labels()
            .get(INSTANCE)
            .is_some_and(|o| o != target.instance.as_str())
    }) {
        return Err(ClusterError::Refused(format!(
            "The Application {name} belongs to another instance and was not changed"
        )));
    }
    apply(&api, &wish::application(target))
        .await
        .map_err(|f| f.while_doing(doing))
}

/// Makes Argo CD try again: a sync by hand, since it never repeats a revision that failed, and a fresh
/// look at the repositories. Nothing happens while a sync runs.
pub async fn retry_sync(client: &Client, target: &Target) -> Result<(), ClusterError> {
    let doing = "asking Argo CD to try again";
    let api = applications(client, target);
    let name = target.instance.namespace();
    for _ in 0..GATE_ATTEMPTS {
        let there = call(|| api.get(&name))
            .await
            .map_err(|f| f.while_doing(doing))?;
        let state = there
            .status
            .as_ref()
            .and_then(|s| s.operation_state.as_ref());
        let runs = state.is_some_and(|s| matches!(s.phase.as_str(), "Running" | "Terminating"));
        if runs || there.spec.operation.is_some() {
            return Ok(());
        }
        let patch = Patch::Merge(json!({
            "metadata": {
                "resourceVersion": there.metadata.resource_version,
                "annotations": {"argocd.argoproj.io/refresh": "hard"},
            },
            "operation": {
                "initiatedBy": {"username": MANAGER},
                "info": [{"name": "Reason", "value": "Asked for in the control plane"}],
                "sync": {"prune": true, "syncStrategy": {"hook": {}}},
                "retry": {"limit": 5},
            },
        }));
        let params = PatchParams {
            field_manager: Some(MANAGER.to_owned()),
            ..Default::default()
        };
        match call(|| api.patch(&name, &params, &patch)).await {
            Ok(_) => return Ok(()),
            // The controller wrote its status meanwhile, or our own first attempt was heard.
            Err(Failure::Conflict(_)) => {}
            Err(failure) => return Err(failure.while_doing(doing)),
        }
    }
    Err(ClusterError::Busy(
        "The Application keeps changing; ask Argo CD again later".to_owned(),
    ))
}

/// Asks for the deletion of the Application; its finalizer takes what it deployed with it.
pub async fn remove_application(client: &Client, target: &Target) -> Result<(), ClusterError> {
    let api = applications(client, target);
    remove(&api, &target.instance.namespace(), &DeleteParams::default())
        .await
        .map_err(|f| f.while_doing("removing the Application"))
}

/// Asks for the deletion of the namespace.
pub async fn remove_namespace(client: &Client, target: &Target) -> Result<(), ClusterError> {
    let doing = "removing the namespace";
    let api = everywhere::<Namespace>(client);
    let name = target.instance.namespace();
    let there = find(|| api.get(&name))
        .await
        .map_err(|f| f.while_doing(doing))?;
    if there.is_some_and(|there| !is_ours(&there.metadata, target)) {
        return Err(ClusterError::Refused(format!(
            "The namespace {name} is not ours (no label {INSTANCE}={}) and was not removed",
            target.instance
        )));
    }
    remove(&api, &name, &DeleteParams::background())
        .await
        .map_err(|f| f.while_doing(doing))
}

/// Asks for a deletion; what is not there, or is going already, is as wished.
async fn remove<K: Kind>(api: &Api<K>, name: &str, how: &DeleteParams) -> Result<(), Failure> {
    find(|| api.delete(name, how)).await.map(drop)
}
