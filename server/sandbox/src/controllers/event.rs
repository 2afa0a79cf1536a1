//! Events: what controllers tell people, counted when they say it again.

use super::{Controllers, Role, Task};
use crate::clock;
use crate::object;
use crate::resource::Kind;
use crate::store::write::Write;
use serde_json::{Value, json};
use time::Duration;

/// Kubernetes forgets events after an hour.
const KEPT: Duration = Duration::hours(1);
/// Seconds of real time between two sweeps.
const SWEEP: f64 = 60.0;

impl Controllers {
    /// Something normal, left out when everything happens at once.
    pub fn note(&self, about: &Value, component: &str, reason: &str, message: &str) {
        if !self.instant() {
            self.tell(about, component, "Normal", reason, message);
        }
    }

    /// Something that a person should read.
    pub fn warn(&self, about: &Value, component: &str, reason: &str, message: &str) {
        self.tell(about, component, "Warning", reason, message);
    }

    fn tell(&self, about: &Value, component: &str, kind: &str, reason: &str, message: &str) {
        let space = match object::namespace(about) {
            "" => "default",
            space => space,
        };
        let digest = short_digest(&format!("{}{reason}{message}", object::uid(about)));
        let name = format!("{}.{digest}", object::name(about));
        let now = clock::stamp();
        let again = self
            .cluster
            .store
            .edit(Kind::Event, space, &name, component, |event| {
                let count = object::number(event, "/count").unwrap_or(1) + 1;
                event["count"] = json!(count);
                event["lastTimestamp"] = json!(now);
            });
        if again.is_some() {
            return;
        }
        let event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": space},
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "name": object::name(about),
                "namespace": object::namespace(about),
                "uid": object::uid(about),
                "resourceVersion": about["metadata"]["resourceVersion"],
            },
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": component},
            "reportingComponent": component,
            "reportingInstance": "",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        });
        // A namespace that is going takes no more events, and nobody misses them.
        let _ = self
            .cluster
            .store
            .create(Kind::Event, event, &Write::by(component));
    }

    /// Drops events older than an hour.
    pub fn sweep(&mut self, task: &Task) {
        let now = clock::now();
        for entry in self.cluster.store.list(Kind::Event, None) {
            let event = entry.value();
            let last = object::text(&event, "/lastTimestamp").and_then(clock::parse);
            if last.is_none_or(|last| now - last > KEPT) {
                // Written again meanwhile: it stays for another sweep.
                let _ = self.cluster.store.remove(&entry.key, entry.version);
            }
        }
        let due = tokio::time::Instant::now() + std::time::Duration::from_secs_f64(SWEEP);
        self.queue.add(
            Task {
                role: Role::Sweep,
                key: task.key.clone(),
            },
            due,
        );
    }
}

/// Sixteen hexadecimal digits for a text.
pub fn short_digest(text: &str) -> String {
    format!("{:016x}", crate::store::digest(text, 3))
}

/// A suffix as Kubernetes makes them: letters and digits that spell nothing.
pub fn suffix(text: &str, length: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut number = crate::store::digest(text, 4);
    let mut made = String::with_capacity(length);
    for _ in 0..length {
        let index = usize::try_from(number % LETTERS.len() as u64).unwrap_or(0);
        made.push(char::from(LETTERS[index]));
        number = number / LETTERS.len() as u64 + 0x1_0000_0000 * (number % 7);
    }
    made
}
