//! Volume claims: provisioned after a moment, or not at all.

use super::{Controllers, Task};
use crate::fault::Fault;
use crate::object;
use crate::resource::Kind;
use serde_json::json;

const MANAGER: &str = "ebs.csi.aws.com";

impl Controllers {
    pub fn volume(&mut self, task: &Task) {
        let (space, name) = (&*task.key.namespace.clone(), &*task.key.name.clone());
        let Some(claim) = self.cluster.store.object(Kind::Volume, space, name) else {
            return self.forget(task);
        };
        if object::text(&claim, "/status/phase") == Some("Bound") {
            return;
        }
        if self.cluster.faults.has(space, Fault::VolumePending) {
            self.cluster
                .store
                .edit(Kind::Volume, space, name, MANAGER, |claim| {
                    object::set(claim, &["status"], json!({"phase": "Pending"}));
                });
            let class = object::text_or_empty(&claim, "/spec/storageClassName");
            let message = format!(
                "failed to provision volume with StorageClass \"{class}\": rpc error: code = \
                 ResourceExhausted desc = Could not create volume: VolumeLimitExceeded: Maximum number \
                 of gp3 volumes exceeded"
            );
            return self.warn(&claim, MANAGER, "ProvisioningFailed", &message);
        }
        if !self.passed(task, "provision", 0.8) {
            return;
        }
        let volume = format!("pvc-{}", object::uid(&claim));
        self.cluster
            .store
            .edit(Kind::Volume, space, name, MANAGER, |claim| {
                object::set(claim, &["spec", "volumeName"], json!(volume));
                let size = claim["spec"]["resources"]["requests"]["storage"].clone();
                let status = json!({
                    "phase": "Bound",
                    "accessModes": claim["spec"]["accessModes"],
                    "capacity": {"storage": size},
                });
                object::set(claim, &["status"], status);
            });
        let message = format!("Successfully provisioned volume {volume}");
        self.note(&claim, MANAGER, "ProvisioningSucceeded", &message);
    }
}
