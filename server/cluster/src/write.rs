//! Writing and deleting on a cluster. Everything is server-side apply under one field manager; force is
//! used because these objects are ours alone, after a look that they are. Every function may be
//! repeated at any time.

use k8s_openapi::api::core::v1::{Namespace, ResourceQuota, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use model::secret_text::PlainToken;
use serde_json::json;
use service::ports::{ClusterError, Gate, Target};

use crate::client::{call, find};
use crate::drift;
use crate::failure::Failure;
use crate::resource::{
    ApisixConsumer, ApisixPluginConfig, Application, ClusterWide, Kind, Namespaced,
};
use crate::wish::{self, GATE, INSTANCE, MANAGER, WATCHMAN};

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

/// Writes the watchman's key and consumer, or takes both away: the consumer first, because a consumer
/// without its Secret keeps its old key at the gateway.
pub async fn watchman(
    client: &Client,
    target: &Target,
    name: &str,
    key: Option<&PlainToken>,
) -> Result<(), ClusterError> {
    let secrets = inside::<Secret>(client, target);
    let consumers = inside::<ApisixConsumer>(client, target);
    let Some(key) = key else {
        let doing = "removing the watchman";
        remove(&consumers, name, &DeleteParams::default())
            .await
            .map_err(|f| f.while_doing(doing))?;
        return remove(&secrets, name, &DeleteParams::default())
            .await
            .map_err(|f| f.while_doing(doing));
    };
    let secret = Patch::Apply(wish::watchman_secret(target, name, key));
    let params = forced();
    // Only metadata comes back: the client would log the body of an answer that it cannot read.
    call(|| secrets.patch_metadata(name, &params, &secret))
        .await
        .map_err(|f| f.while_doing("writing the watchman's key"))?;
    apply(&consumers, &wish::watchman_consumer(target, name))
        .await
        .map_err(|f| f.while_doing("writing the watchman"))
}

/// Writes the gate, never backwards. A later generation counts only when it was written by us: whoever
/// else wrote one is overruled.
pub async fn gate(client: &Client, target: &Target, gate: &Gate) -> Result<(), ClusterError> {
    let doing = "writing the gate";
    let api = inside::<ApisixPluginConfig>(client, target);
    let mut wished = wish::gate(target, gate);
    let mut last = Failure::Conflict("the gate kept changing".to_owned());
    for _ in 0..GATE_ATTEMPTS {
        let there = find(|| api.get(GATE))
            .await
            .map_err(|f| f.while_doing(doing))?;
        if let Some(there) = &there {
            let generation = wish::read_gate(there).generation;
            let by_us = drift::ours(&there.metadata, &["spec", "plugins"]);
            if by_us && generation > gate.generation {
                return Err(ClusterError::Refused(format!(
                    "The gate on the cluster is at generation {generation} already; {} is older and \
                     was not written",
                    gate.generation
                )));
            }
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

/// Takes away every consumer of the namespace and the Secret each refers to, consumers first.
pub async fn keys(client: &Client, target: &Target) -> Result<(), ClusterError> {
    let doing = "removing the keys";
    let api = inside::<ApisixConsumer>(client, target);
    let secrets = inside::<Secret>(client, target);
    let params = ListParams::default();
    let all = find(|| api.list(&params))
        .await
        .map_err(|f| f.while_doing(doing))?;
    let all = all.map(|list| list.items).unwrap_or_default();
    for consumer in &all {
        remove(&api, &consumer.name_any(), &DeleteParams::default())
            .await
            .map_err(|f| f.while_doing(doing))?;
    }
    let named = all.iter().filter_map(|c| {
        Some(
            c.spec
                .auth_parameter
                .key_auth
                .as_ref()?
                .secret_ref
                .as_ref()?
                .name
                .clone(),
        )
    });
    // A first attempt may have got as far as the consumers.
    for secret in named.chain([WATCHMAN.to_owned()]) {
        remove(&secrets, &secret, &DeleteParams::default())
            .await
            .map_err(|f| f.while_doing(doing))?;
    }
    Ok(())
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
