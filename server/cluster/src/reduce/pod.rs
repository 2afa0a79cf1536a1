//! Facts from pods: whether one is ready and, if not, the one trouble that keeps it. A container that
//! waits for its configuration is kept apart, because the secret that does not come is the cause then
//! and not the container.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodStatus};
use model::observation::PodTrouble;

use super::{Fact, Reduce, Sort, brief, component};

/// What is kept of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSeen {
    pub component: String,
    pub ready: bool,
    pub trouble: Option<PodTrouble>,
    /// The trouble is that a Secret or `ConfigMap` is missing.
    pub waits_for_configuration: bool,
}

const PULL: &[&str] = &[
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];
const START: &[&str] = &[
    "CrashLoopBackOff",
    "RunContainerError",
    "CreateContainerError",
    "CreateContainerConfigError",
    "PreStartHookError",
    "PostStartHookError",
];

impl Reduce for Pod {
    const SORT: Sort = Sort::Pod;

    fn reduce(self) -> Option<Fact> {
        let status = self.status.unwrap_or_default();
        let phase = status.phase.as_deref().unwrap_or("");
        let evicted = phase == "Failed" && status.reason.as_deref() == Some("Evicted");
        // A pod on its way out, or one that has done its work, is no part of how the instance is.
        if self.metadata.deletion_timestamp.is_some() || phase == "Succeeded" || evicted {
            return None;
        }
        let conditions = status.conditions.as_deref().unwrap_or(&[]);
        let ready = conditions
            .iter()
            .any(|c| c.type_ == "Ready" && c.status == "True");
        let trouble = if ready { None } else { trouble(&status) };
        let waits_for_configuration = trouble.is_some() && misses_configuration(&status);
        let component = component(&self.metadata);
        Some(Fact::Pod(PodSeen {
            component,
            ready,
            trouble,
            waits_for_configuration,
        }))
    }
}

fn containers(status: &PodStatus) -> impl Iterator<Item = &ContainerStatus> {
    let init = status.init_container_statuses.iter().flatten();
    init.chain(status.container_statuses.iter().flatten())
}

fn waiting(container: &ContainerStatus) -> Option<(&str, &str)> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    Some((
        waiting.reason.as_deref()?,
        waiting.message.as_deref().unwrap_or(""),
    ))
}

fn misses_configuration(status: &PodStatus) -> bool {
    containers(status)
        .filter_map(waiting)
        .any(|(reason, said)| reason == "CreateContainerConfigError" && said.contains("not found"))
}

fn trouble(status: &PodStatus) -> Option<PodTrouble> {
    if let Some(said) = unschedulable(status) {
        return Some(PodTrouble::Unschedulable {
            message: brief(said),
        });
    }
    containers(status)
        .find_map(pull)
        .or_else(|| containers(status).find_map(crash))
}

fn unschedulable(status: &PodStatus) -> Option<&str> {
    let conditions = status.conditions.as_deref().unwrap_or(&[]);
    let found = conditions.iter().find(|c| {
        c.type_ == "PodScheduled"
            && c.status == "False"
            && c.reason.as_deref() == Some("Unschedulable")
    })?;
    Some(
        found
            .message
            .as_deref()
            .unwrap_or("the scheduler finds no node"),
    )
}

fn pull(container: &ContainerStatus) -> Option<PodTrouble> {
    let (reason, said) = waiting(container)?;
    PULL.contains(&reason).then(|| PodTrouble::ImagePull {
        image: container.image.clone(),
        message: brief(if said.is_empty() { reason } else { said }),
    })
}

fn crash(container: &ContainerStatus) -> Option<PodTrouble> {
    if let Some(message) = migration(container) {
        return Some(PodTrouble::Migration {
            container: container.name.clone(),
            message: brief(&message),
        });
    }
    let state = container.state.as_ref();
    let crashed = |message: String| PodTrouble::Crash {
        container: container.name.clone(),
        message: brief(&message),
    };
    if let Some((reason, said)) = waiting(container).filter(|(reason, _)| START.contains(reason)) {
        let before = container
            .last_state
            .as_ref()
            .and_then(|s| ended(s.terminated.as_ref()));
        return Some(crashed(match (before, said) {
            (Some(end), _) => format!("{reason}: {end}"),
            (None, "") => reason.to_owned(),
            (None, said) => format!("{reason}: {said}"),
        }));
    }
    // Between two attempts.
    if let Some(end) = state.and_then(|s| ended(s.terminated.as_ref())) {
        return Some(crashed(end));
    }
    // Up again for a moment, but not for the first time: the same trouble still.
    let again = container.restart_count >= 2 && !container.ready;
    let before = container
        .last_state
        .as_ref()
        .and_then(|s| ended(s.terminated.as_ref()))
        .filter(|_| again)?;
    Some(crashed(format!(
        "restarted {} times: {before}",
        container.restart_count
    )))
}

/// What Flyway said when a migration failed, as long as the container has not got over it. Its first
/// line says which migration it was; what comes last is where in the program.
fn migration(container: &ContainerStatus) -> Option<String> {
    if container.ready {
        return None;
    }
    let (now, before) = (container.state.as_ref(), container.last_state.as_ref());
    let ended = now.and_then(|it| it.terminated.as_ref());
    let ended = ended.or_else(|| before.and_then(|it| it.terminated.as_ref()));
    let said = ended.filter(|end| end.exit_code != 0)?.message.as_deref()?;
    let mut lines = said.lines().map(str::trim);
    let line = lines.find(|line| {
        let line = line.to_lowercase();
        let about = line.contains("flyway") || line.contains("migration");
        let bad = ["fail", "error", "exception"];
        about && !line.starts_with("at ") && bad.iter().any(|word| line.contains(word))
    })?;
    let database = lines.find_map(|line| {
        let (_, text) = line.strip_prefix("Message")?.split_once(':')?;
        Some(text.trim())
    });
    Some(match database {
        Some(text) => format!("{line}: {text}"),
        None => line.to_owned(),
    })
}

/// How a container ended, when it was with an error. The last log line is what the kubelet put into the
/// message; logs themselves are not read.
fn ended(terminated: Option<&ContainerStateTerminated>) -> Option<String> {
    let end = terminated.filter(|end| end.exit_code != 0)?;
    let reason = end.reason.as_deref().unwrap_or("Error");
    let line = end
        .message
        .as_deref()
        .unwrap_or("")
        .lines()
        .rfind(|line| !line.trim().is_empty());
    Some(match line {
        Some(line) => format!("exit code {} ({reason}): {line}", end.exit_code),
        None => format!("exit code {} ({reason})", end.exit_code),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn found(state: &Value, before: &Value) -> Option<PodTrouble> {
        let status = json!({
            "name": "cloud-agent", "image": "x:1", "imageID": "", "ready": false, "restartCount": 4,
            "state": state, "lastState": before,
        });
        crash(&serde_json::from_value(status).unwrap())
    }

    #[test]
    fn a_migration_that_fails_is_told_from_other_crashes() {
        let message = "INFO Flyway Community Edition by Redgate\n\
            o.f.c.i.c.DbMigrate$FlywayMigrateException: Migration V18__add_index.sql failed\n\
            -------\nSQL State  : 42P07\nMessage    : ERROR: relation \"x\" already exists\nLine : 1\n\n\
            \tat org.flywaydb.core.internal.command.DbMigrate.doMigrateGroup(DbMigrate.java:371)\n\
            \tat java.base/java.lang.Thread.run(Thread.java:1583)\n";
        let end = json!({"terminated": {"exitCode": 1, "reason": "Error", "message": message}});
        let failed = Some(PodTrouble::Migration {
            container: "cloud-agent".to_owned(),
            message: "o.f.c.i.c.DbMigrate$FlywayMigrateException: Migration V18__add_index.sql \
                      failed: ERROR: relation \"x\" already exists"
                .to_owned(),
        });
        let waits = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}});
        let up = json!({"running": {"startedAt": "2026-11-24T12:00:00Z"}});
        assert_eq!(found(&waits, &end), failed);
        assert_eq!(found(&up, &end), failed);
        assert_eq!(found(&end, &Value::Null), failed);
        // A migration that went well and a trace that passes through Flyway say nothing.
        for other in [
            "Schema is up to date. No migration necessary.\nno wallet seed",
            "java.lang.OutOfMemoryError\n\tat org.flywaydb.FlywayException.<init>(X:1)\nno wallet seed",
        ] {
            let end = json!({"terminated": {"exitCode": 1, "reason": "Error", "message": other}});
            let crashed = PodTrouble::Crash {
                container: "cloud-agent".to_owned(),
                message: "CrashLoopBackOff: exit code 1 (Error): no wallet seed".to_owned(),
            };
            assert_eq!(found(&waits, &end), Some(crashed));
        }
    }
}
