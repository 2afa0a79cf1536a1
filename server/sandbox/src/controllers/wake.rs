//! Which tasks a change wakes.
//!
//! Only look-ups by key and owner: a change must cost the same with ten objects and with a hundred
//! thousand.

use super::pod::FIRST_DATABASE_POD;
use super::{Controllers, Role, Task};
use crate::fault::ANNOTATION;
use crate::object;
use crate::resource::{Kind, served};
use crate::store::delete::{FOREGROUND, ORPHAN};
use crate::store::{Change, Entry, Key, Verb};
use std::sync::Arc;
use tokio::time::Instant;

impl Controllers {
    /// Plans a task at once.
    pub fn soon(&mut self, role: Role, key: &Key) {
        self.queue.add(
            Task {
                role,
                key: key.clone(),
            },
            Instant::now(),
        );
    }

    /// Plans a task after some simulated seconds.
    pub fn later(&mut self, role: Role, key: &Key, seconds: f64) {
        let due = Instant::now() + self.scaled(seconds);
        self.queue.add(
            Task {
                role,
                key: key.clone(),
            },
            due,
        );
    }

    /// At start: every object, and the faults that annotations ask for.
    pub fn wake_everything(&mut self) {
        for row in served() {
            for entry in self.cluster.store.list(row.kind, None) {
                if matches!(row.kind, Kind::Application | Kind::Namespace) {
                    self.take_faults(&entry);
                }
                self.wake_own(&entry);
                if entry.terminating || !entry.owners.is_empty() {
                    self.soon(Role::Collector, &entry.key);
                }
            }
        }
        self.soon(Role::Sweep, &Key::new(Kind::Event, "", ""));
        self.gateway_pods();
    }

    /// The cluster suffers from something else than before: all that it concerns looks again.
    pub fn faults_changed(&mut self) {
        self.wake_applications();
        for entry in self.cluster.store.list(Kind::ExternalSecret, None) {
            self.soon(Role::ExternalSecret, &entry.key);
        }
        self.gateway_pods();
        self.plan_push();
    }

    /// Every Application again: something that concerns all of them has changed.
    pub fn wake_applications(&mut self) {
        for entry in self.cluster.store.list(Kind::Application, None) {
            self.soon(Role::ArgoCd, &entry.key);
        }
    }

    /// Plans what a change makes necessary.
    pub fn wake(&mut self, change: &Arc<Change>) {
        let entry = &change.entry;
        self.wake_own(entry);
        match entry.key.kind {
            Kind::Application | Kind::Namespace => self.take_faults(entry),
            Kind::Pod => self.wake_owners_of_pod(entry),
            Kind::Secret => self.wake_readers(change),
            Kind::Volume => self.wake_namespace(&entry.key.namespace, Kind::Pod, Role::Pod),
            Kind::VaultEntry | Kind::ClusterSecretStore | Kind::SecretStore => self.wake_waiting(),
            Kind::PluginConfig => {
                self.soon(
                    Role::Routes,
                    &Key::new(Kind::Route, &entry.key.namespace, ""),
                );
            }
            _ => {}
        }
        if change.verb == Verb::Deleted {
            self.wake_after_deletion(entry);
        } else if entry.terminating && has_propagation(entry) {
            self.soon(Role::Collector, &entry.key);
        }
        self.wake_application_of(entry);
    }

    /// The controller that looks at this object itself.
    fn wake_own(&mut self, entry: &Entry) {
        let role = match entry.key.kind {
            Kind::Namespace => Role::Namespace,
            Kind::Application => Role::ArgoCd,
            Kind::Deployment => Role::Deployment,
            Kind::Pod => Role::Pod,
            Kind::Postgresql => Role::Database,
            Kind::Volume => Role::Volume,
            Kind::ExternalSecret => Role::ExternalSecret,
            Kind::SecretStore | Kind::ClusterSecretStore => Role::SecretStore,
            Kind::Certificate => Role::Certificate,
            Kind::ClusterIssuer => Role::Issuer,
            Kind::Consumer => Role::Consumer,
            Kind::Route | Kind::PluginConfig => {
                let key = Key::new(Kind::Route, &entry.key.namespace, "");
                return self.soon(Role::Routes, &key);
            }
            Kind::AppProject => return self.wake_applications(),
            _ => return,
        };
        self.soon(role, &entry.key);
    }

    /// A deployment or a database learns that one of its pods has changed.
    fn wake_owners_of_pod(&mut self, pod: &Entry) {
        if &*pod.key.name == FIRST_DATABASE_POD {
            self.wake_namespace(&pod.key.namespace, Kind::Pod, Role::Pod);
        }
        for owner in &pod.owners {
            let Some(above) = self.cluster.store.by_uid(owner) else {
                continue;
            };
            let Some(middle) = self
                .cluster
                .store
                .get(above.kind, &above.namespace, &above.name)
            else {
                continue;
            };
            for top in &middle.owners {
                match self.cluster.store.by_uid(top) {
                    Some(key) if key.kind == Kind::Deployment => self.soon(Role::Deployment, &key),
                    Some(key) if key.kind == Kind::Postgresql => self.soon(Role::Database, &key),
                    _ => {}
                }
            }
        }
    }

    /// Pods that wait for a Secret, and consumers whose key it holds.
    fn wake_readers(&mut self, change: &Change) {
        let key = &change.entry.key;
        if change.verb != Verb::Modified {
            self.wake_namespace(&key.namespace, Kind::Pod, Role::Pod);
            self.wake_namespace(&key.namespace, Kind::ExternalSecret, Role::ExternalSecret);
        }
        for consumer in self.ingress.readers(&key.namespace, &key.name) {
            self.soon(Role::Consumer, &consumer);
        }
    }

    /// Every object of a kind in a namespace.
    pub fn wake_namespace(&mut self, namespace: &str, kind: Kind, role: Role) {
        for entry in self.cluster.store.list(kind, Some(namespace)) {
            self.soon(role, &entry.key);
        }
    }

    fn wake_waiting(&mut self) {
        for key in std::mem::take(&mut self.waiting) {
            self.soon(Role::ExternalSecret, &key);
        }
    }

    fn wake_after_deletion(&mut self, entry: &Entry) {
        for dependent in self.cluster.store.dependents(&entry.uid) {
            self.soon(Role::Collector, &dependent);
        }
        for owner in &entry.owners {
            if let Some(key) = self.cluster.store.by_uid(owner) {
                self.soon(Role::Collector, &key);
            }
        }
        let space = self
            .cluster
            .store
            .get(Kind::Namespace, "", &entry.key.namespace);
        if let Some(space) = space.filter(|space| space.terminating) {
            self.soon(Role::Namespace, &space.key);
        }
    }

    /// The Application that made this object looks at it again.
    fn wake_application_of(&mut self, entry: &Entry) {
        let made_by_charts = matches!(
            entry.key.kind,
            Kind::Deployment
                | Kind::Service
                | Kind::Postgresql
                | Kind::Certificate
                | Kind::Tls
                | Kind::Route
                | Kind::ExternalSecret
                | Kind::SecretStore
                | Kind::NetworkPolicy
                | Kind::DisruptionBudget
        );
        if !made_by_charts {
            return;
        }
        let Some(release) = entry.label("app.kubernetes.io/instance") else {
            return;
        };
        if let Some(key) = self.argo.application(&entry.key.namespace, release) {
            self.later(Role::ArgoCd, &key, 0.15);
        }
    }

    /// Takes over the faults that an Application, or a Namespace without one, asks for.
    fn take_faults(&mut self, entry: &Entry) {
        let name = entry.key.name.clone();
        let annotated = |key: &Key| {
            let object = self
                .cluster
                .store
                .object(key.kind, &key.namespace, &key.name)?;
            object::annotation(&object, ANNOTATION).map(str::to_owned)
        };
        let application = match entry.key.kind {
            Kind::Application => Some(entry.key.clone()),
            _ => self.argo.application(&name, &name),
        };
        let wished = application
            .as_ref()
            .and_then(annotated)
            .or_else(|| annotated(&Key::new(Kind::Namespace, "", &name)));
        if !self.cluster.faults.set_instance(&name, wished.as_deref()) {
            return;
        }
        let roles = [
            (Kind::Deployment, Role::Deployment),
            (Kind::Pod, Role::Pod),
            (Kind::Postgresql, Role::Database),
            (Kind::Volume, Role::Volume),
            (Kind::ExternalSecret, Role::ExternalSecret),
            (Kind::Certificate, Role::Certificate),
        ];
        for (kind, role) in roles {
            self.wake_namespace(&name, kind, role);
        }
        if let Some(key) = application {
            self.soon(Role::ArgoCd, &key);
        }
    }
}

fn has_propagation(entry: &Entry) -> bool {
    entry.json.contains(FOREGROUND) || entry.json.contains(&format!("\"{ORPHAN}\""))
}
