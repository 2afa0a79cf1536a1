//! What is there of every key in a namespace. A key counts as brought only when External Secrets has
//! carried out the object as it stands: a condition that is still true from before a change would say
//! that a version has arrived which nobody has fetched.

use std::collections::BTreeMap;

use kube::api::Api;
use kube::{Client, ResourceExt as _};
use service::ports::{ClusterError, KeyFact, Target};

use crate::resource::{ApisixConsumer, Condition, ExternalSecret};
use crate::wish::{is_key, pinned};
use crate::write::key::{listed, secret_of};

/// The conditions by which the ingress controller's generations say whether they took an object.
const VERDICTS: [&str; 2] = ["Accepted", "ResourcesAvailable"];

/// Every key, the watchmen included, by name.
pub async fn keys(client: &Client, target: &Target) -> Result<Vec<KeyFact>, ClusterError> {
    let space = target.instance.namespace();
    let fetching: Api<ExternalSecret> = Api::namespaced(client.clone(), &space);
    let consumers: Api<ApisixConsumer> = Api::namespaced(client.clone(), &space);
    let (fetching, consumers) = futures::try_join!(listed(&fetching), listed(&consumers))
        .map_err(|failure| failure.while_doing("looking at the keys"))?;
    Ok(facts(&fetching, &consumers))
}

fn facts(fetching: &[ExternalSecret], consumers: &[ApisixConsumer]) -> Vec<KeyFact> {
    let mut facts: BTreeMap<String, KeyFact> = BTreeMap::new();
    for object in fetching.iter().filter(|object| is_key(&object.metadata)) {
        let fact = fact(&mut facts, object.name_any());
        fact.version = pinned(object);
        fact.synced = is_synced(object);
        fact.sync_message = refusal(object);
    }
    for object in consumers.iter().filter(|object| is_key(&object.metadata)) {
        let name = object.name_any();
        let going = object.metadata.deletion_timestamp.is_some();
        let fact = fact(&mut facts, name.clone());
        fact.consumer_present = !going && secret_of(object).is_some_and(|secret| secret == name);
        fact.accepted = accepted(object);
    }
    facts.into_values().collect()
}

fn fact(facts: &mut BTreeMap<String, KeyFact>, name: String) -> &mut KeyFact {
    facts.entry(name.clone()).or_insert_with(|| KeyFact {
        consumer: name,
        ..KeyFact::default()
    })
}

fn ready(object: &ExternalSecret) -> Option<&Condition> {
    let status = object.status.as_ref()?;
    status.conditions.iter().find(|c| c.kind == "Ready")
}

/// Ready, of this generation, and refreshed since the object was made. The other half of
/// `syncedResourceVersion` is a hash of labels and annotations, which do not change what is fetched.
fn is_synced(object: &ExternalSecret) -> bool {
    let Some(status) = &object.status else {
        return false;
    };
    let made = object.metadata.creation_timestamp.as_ref();
    let refreshed = match (&status.refresh_time, made) {
        (Some(refreshed), Some(made)) => refreshed.0 >= made.0,
        (refreshed, _) => refreshed.is_some(),
    };
    let carried_out = status
        .synced_resource_version
        .split_once('-')
        .and_then(|(generation, _)| generation.parse().ok());
    let going = object.metadata.deletion_timestamp.is_some();
    !going
        && ready(object).is_some_and(|c| c.status == "True")
        && refreshed
        && carried_out.is_some()
        && carried_out == object.metadata.generation
}

/// What External Secrets said when it could not.
fn refusal(object: &ExternalSecret) -> String {
    let refused = ready(object).filter(|c| c.status != "True");
    let Some(refused) = refused else {
        return String::new();
    };
    let reason = refused.reason.as_deref().unwrap_or("");
    let message = refused.message.as_deref().unwrap_or("");
    let said = match (reason, message) {
        ("", said) | (said, "") => said.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    };
    crate::failure::shorten(&said)
}

/// What the ingress controller said of the object as it stands; nothing when it speaks of an older one.
fn accepted(object: &ApisixConsumer) -> Option<Result<(), String>> {
    let conditions = &object.status.as_ref()?.conditions;
    let verdict = conditions.iter().find(|c| {
        let current =
            c.observed_generation.is_none() || c.observed_generation >= object.metadata.generation;
        VERDICTS.contains(&c.kind.as_str()) && current
    })?;
    match verdict.status.as_str() {
        "True" => Some(Ok(())),
        "False" => {
            let said = verdict.message.as_deref().or(verdict.reason.as_deref());
            Some(Err(crate::failure::shorten(said.unwrap_or(""))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use model::cluster::ClusterAccess;
    use serde_json::{Value, json};
    use service::ports::KeyWish;

    use super::*;
    use crate::wish;
    use crate::wish::samples::target;

    fn fetching(generation: i64, status: Value) -> ExternalSecret {
        let wish = KeyWish {
            consumer: "t1".to_owned(),
            version: "v".to_owned(),
        };
        let made = wish::external_secret(&target(ClusterAccess::InCluster), &wish, None);
        let mut json = serde_json::to_value(made).unwrap();
        json["metadata"]["generation"] = json!(generation);
        json["metadata"]["creationTimestamp"] = json!("2026-11-24T10:00:00Z");
        json["status"] = status;
        serde_json::from_value(json).unwrap()
    }

    fn status(ready: &str, version: &str, refreshed: &str) -> Value {
        json!({
            "conditions": [{"type": "Ready", "status": ready, "reason": "R", "message": "why"}],
            "syncedResourceVersion": version,
            "refreshTime": refreshed,
        })
    }

    #[test]
    fn only_the_object_as_it_stands_counts_as_brought() {
        let late = "2026-11-24T10:00:01Z";
        for (generation, status, synced) in [
            (2, status("True", "2-abc", late), true),
            (2, status("True", "1-abc", late), false),
            (2, status("True", "22-abc", late), false),
            (2, status("True", "2", late), false),
            (2, status("True", "", late), false),
            (2, status("False", "2-abc", late), false),
            (2, status("True", "2-abc", "2026-11-24T09:00:00Z"), false),
            (2, json!({"conditions": null}), false),
            (2, Value::Null, false),
        ] {
            let found = facts(&[fetching(generation, status.clone())], &[]);
            assert_eq!(found[0].synced, synced, "{status}");
            assert_eq!(found[0].version.as_deref(), Some("v"));
            assert!(!found[0].consumer_present);
        }
        let found = facts(&[fetching(1, status("False", "", late))], &[]);
        assert_eq!(found[0].sync_message, "R: why");
    }

    fn consumer(generation: i64, conditions: &Value) -> ApisixConsumer {
        let made = wish::consumer(&target(ClusterAccess::InCluster), "t1");
        let mut json = serde_json::to_value(made).unwrap();
        json["metadata"]["generation"] = json!(generation);
        json["status"] = json!({"conditions": conditions});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn both_generations_of_the_controller_are_understood() {
        let said = |generation, conditions| {
            facts(&[], &[consumer(generation, &conditions)])
                .remove(0)
                .accepted
        };
        let newer = |status: &str, seen: i64| json!([{"type": "Accepted", "status": status, "message": "m", "observedGeneration": seen}]);
        assert_eq!(said(3, newer("True", 3)), Some(Ok(())));
        assert_eq!(said(3, newer("True", 2)), None);
        assert_eq!(said(3, newer("False", 3)), Some(Err("m".to_owned())));
        let older = json!([{"type": "ResourcesAvailable", "status": "False", "reason": "ResourceSyncAborted"}]);
        assert_eq!(said(3, older), Some(Err("ResourceSyncAborted".to_owned())));
        assert_eq!(said(1, json!([])), None);
    }

    #[test]
    fn a_consumer_of_another_secret_is_not_ours_as_it_should_be() {
        let mut other = consumer(1, &json!([]));
        assert!(facts(&[], std::slice::from_ref(&other))[0].consumer_present);
        other
            .spec
            .auth_parameter
            .key_auth
            .as_mut()
            .unwrap()
            .secret_ref
            .as_mut()
            .unwrap()
            .name = "x".to_owned();
        assert!(!facts(&[], std::slice::from_ref(&other))[0].consumer_present);
        let mut theirs = consumer(1, &json!([]));
        theirs.metadata.labels = None;
        assert!(facts(&[], &[theirs]).is_empty());
    }
}
