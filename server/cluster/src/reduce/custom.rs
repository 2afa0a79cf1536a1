//! Facts from custom resources.

use model::InstanceId;
use model::observation::ReadyFact;

use super::{ApplicationSeen, Fact, Reduce, Sort, brief};
use crate::drift::{self, outside_changes};
use crate::resource::{
    ApisixPluginConfig, Application, Certificate, Condition, ExternalSecret, Postgresql,
};
use crate::wish::{GATE, compared, is_key, owned, read_gate};

impl Reduce for Application {
    const SORT: Sort = Sort::Application;

    fn instance(&self) -> Option<InstanceId> {
        InstanceId::from_namespace(self.metadata.name.as_deref()?)
    }

    fn reduce(self) -> Option<Fact> {
        let owned = owned(&self);
        let outside_changes = outside_changes("Application", &self.metadata, drift::APPLICATION);
        let deleting = self
            .metadata
            .deletion_timestamp
            .is_some()
            .then(|| self.metadata.finalizers.unwrap_or_default());
        let status = self.status.unwrap_or_default();
        let operation = status.operation_state.unwrap_or_default();
        let compared = status
            .sync
            .compared_to
            .as_ref()
            .map(|c| compared(&c.sources, &c.destination));
        let conditions = status
            .conditions
            .into_iter()
            .map(|c| (c.kind, brief(&c.message)))
            .collect();
        Some(Fact::Application(Box::new(ApplicationSeen {
            owned,
            compared,
            sync: status.sync.status,
            health: status.health.status,
            phase: operation.phase,
            message: brief(&operation.message),
            conditions,
            deleting,
            outside_changes,
        })))
    }
}

impl Reduce for ApisixPluginConfig {
    const SORT: Sort = Sort::Gate;

    fn reduce(self) -> Option<Fact> {
        if self.metadata.name.as_deref() != Some(GATE) {
            return None;
        }
        let changes = outside_changes("Gate", &self.metadata, drift::GATE);
        Some(Fact::Gate(read_gate(&self), changes))
    }
}

impl Reduce for Postgresql {
    const SORT: Sort = Sort::Database;

    fn reduce(self) -> Option<Fact> {
        Some(Fact::Database(self.status.unwrap_or_default().cluster))
    }
}

impl Reduce for ExternalSecret {
    const SORT: Sort = Sort::ExternalSecret;

    fn reduce(self) -> Option<Fact> {
        // A token's key that has not arrived is the token's story, and none of the instance's health.
        if is_key(&self.metadata) {
            return None;
        }
        let conditions = self.status.unwrap_or_default().conditions;
        Some(Fact::Ready(ready(
            "ExternalSecret",
            self.metadata.name,
            &conditions,
        )))
    }
}

impl Reduce for Certificate {
    const SORT: Sort = Sort::Certificate;

    fn reduce(self) -> Option<Fact> {
        let conditions = self.status.unwrap_or_default().conditions;
        let mut fact = ready("Certificate", self.metadata.name, &conditions);
        // After a failed attempt Ready still says only that the secret is missing; why it failed stands
        // in Issuing.
        let failed = conditions.iter().find(|c| {
            c.kind == "Issuing" && c.status == "False" && c.reason.as_deref() == Some("Failed")
        });
        if let Some(failed) = failed.filter(|_| fact.ready != "True") {
            "False".clone_into(&mut fact.ready);
            "Failed".clone_into(&mut fact.reason);
            fact.message = brief(failed.message.as_deref().unwrap_or(""));
        }
        Some(Fact::Ready(fact))
    }
}

fn ready(kind: &str, name: Option<String>, conditions: &[Condition]) -> ReadyFact {
    let found = conditions.iter().find(|c| c.kind == "Ready");
    let text = |of: fn(&Condition) -> &str| found.map_or("", of).to_owned();
    ReadyFact {
        object: format!("{kind}/{}", name.unwrap_or_default()),
        ready: text(|c| &c.status),
        reason: text(|c| c.reason.as_deref().unwrap_or("")),
        message: brief(found.and_then(|c| c.message.as_deref()).unwrap_or("")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_that_has_not_arrived_is_no_part_of_health() {
        let labelled = |by: &str| {
            let object: ExternalSecret = serde_json::from_value(json!({
                "metadata": {"name": "t018f", "labels": {"app.kubernetes.io/managed-by": by}},
                "spec": {},
                "status": {"conditions": [
                    {"type": "Ready", "status": "False", "reason": "SecretSyncedError"},
                ]},
            }))
            .unwrap();
            object.reduce()
        };
        assert_eq!(labelled("hosted-instances"), None);
        assert!(matches!(labelled("Helm"), Some(Fact::Ready(fact)) if fact.ready == "False"));
    }
}
