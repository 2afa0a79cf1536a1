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
