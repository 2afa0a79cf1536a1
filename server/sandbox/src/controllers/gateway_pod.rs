//! The pods of the gateway: one for each replica, ready unless it is gone.
//!
//! Who lists them by label finds every replica that may answer somebody, and no other; a replica that
//! is gone stays listed, because nobody knows whether it will come back.

use super::Controllers;
use crate::cluster::GATEWAY;
use crate::object;
use crate::resource::Kind;
use crate::store::delete::Deletion;
use serde_json::json;

const KUBELET: &str = "kubelet";
const CONDITIONS: [&str; 2] = ["Ready", "ContainersReady"];

impl Controllers {
    /// Brings the pods in line with the replicas.
    pub fn gateway_pods(&self) {
        let store = &self.cluster.store;
        for entry in store.list(Kind::Pod, Some(GATEWAY)) {
            let Some(replica) = self.cluster.gateway.replica(GATEWAY, &entry.key.name) else {
                // A replica of an earlier setting; gone already is as good.
                let _ = store.delete(&entry.key, &Deletion::now());
                continue;
            };
            let ready = !replica.is_gone();
            if object::is_true(&entry.value(), "Ready") == ready {
                continue;
            }
            let (status, reason, message) = if ready {
                ("True", "", "")
            } else {
                let message = "containers with unready status: [apisix]";
                ("False", "ContainersNotReady", message)
            };
            store.edit(Kind::Pod, GATEWAY, &entry.key.name, KUBELET, |pod| {
                for kind in CONDITIONS {
                    object::set_condition(pod, kind, status, reason, message);
                }
                if let Some(container) = pod.pointer_mut("/status/containerStatuses/0/ready") {
                    *container = json!(ready);
                }
            });
        }
    }
}
