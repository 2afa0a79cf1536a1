//! The closed catalogue of causes: why something is not as wished, who must act, and what to do
//! next. Every status that is not healthy names one of these; there is no "other".

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::health::HealthStatus;

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Atala's staff.
    Atala,
    /// The tenant's own people.
    Tenant,
    /// Somebody neither of them can command: a cloud, a registry, a certificate authority.
    Upstream,
}

impl Who {
    /// The word in API, database and pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Atala => "atala",
            Self::Tenant => "tenant",
            Self::Upstream => "upstream",
        }
    }

    /// The end of a sentence: "Atala acts."
    #[must_use]
    pub const fn acts(self) -> &'static str {
        match self {
            Self::Atala => "Atala acts.",
            Self::Tenant => "The tenant acts.",
            Self::Upstream => "An outside service acts; Atala watches.",
        }
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $who:ident, $status:ident, $says:literal, $next:literal;)+) => {
        /// The code of a cause; stable in API and database.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum CauseCode { $($(#[$doc])* $variant),+ }

        impl CauseCode {
            /// The whole catalogue, worst first: of several causes the first one is shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in API, database and pages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// Who must act.
            #[must_use]
            pub const fn who(self) -> Who {
                match self { $(Self::$variant => Who::$who),+ }
            }

            /// The status that follows when the cause lasts.
            #[must_use]
            pub const fn status(self) -> HealthStatus {
                match self { $(Self::$variant => HealthStatus::$status),+ }
            }

            /// What to do next.
            #[must_use]
            pub const fn next(self) -> &'static str {
                match self { $(Self::$variant => $next),+ }
            }

            const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says),+ }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == text)
            }
        }
    };
}

causes! {
    /// The Kubernetes API of the cluster does not answer.
    ClusterUnreachable = "cluster_unreachable", Atala, Unknown,
        "The cluster {subject} cannot be reached",
        "Check the cluster's API endpoint, network and credentials.";
    /// A key of this instance opens a neighbour's.
    IsolationBroken = "isolation_broken", Atala, Down,
        "The gateway lets a key of {subject} into another instance",
        "Close the gates of this cluster now, then look for a route that lacks its gate.";
    /// A gateway does not show that a closed gate is closed.
    ProofOverdue = "proof_overdue", Atala, Degraded,
        "A gateway of {subject} does not show that revoked tokens are refused",
        "Look at the replica that is named: restart it, or take it out of the load balancer; the proof goes on by itself.";
    /// Argo CD cannot produce manifests from the chart.
    ChartDoesNotRender = "chart_does_not_render", Atala, Degraded,
        "The chart of {subject} does not render",
        "Correct the overrides or the chart revision of the release, then retry.";
    /// The override repository does not answer.
    OverridesUnreachable = "overrides_unreachable", Atala, Degraded,
        "The override repository of the cluster {subject} cannot be read",
        "Check the repository address and Argo CD's credentials for it. Instances keep running on what was last deployed.";
    /// Pod Security, quota or another admission rule refuses pods.
    PodRefused = "pod_refused", Atala, Down,
        "The cluster refuses to create pods of {subject}",
        "Change the values so that the pods meet the rule that is named, then retry.";
    /// The kubelet cannot pull an image.
    ImageCannotBePulled = "image_cannot_be_pulled", Atala, Down,
        "The image of {subject} cannot be pulled",
        "Correct the image in the release or choose another release.";
    /// A migration of a component's database failed, so the component does not start.
    MigrationFailed = "migration_failed", Atala, Down,
        "A migration of the database of {subject} failed",
        "Read the message, then restore the database from its backup or choose another release.";
    /// A container ends again and again.
    ContainerCrashes = "container_crashes", Atala, Down,
        "The container {subject} crashes again and again",
        "Read its last log lines; correct the overrides or choose another release.";
    /// No node takes the pod.
    PodCannotBeScheduled = "pod_cannot_be_scheduled", Atala, Down,
        "No node can take the pod {subject}",
        "Add nodes or lower the resource requests.";
    /// A volume claim has no volume.
    VolumeNotBound = "volume_not_bound", Atala, Down,
        "The volume {subject} is not bound",
        "Check the storage class and the quota of the volume service in that zone.";
    /// The database cluster is not running.
    DatabaseNotRunning = "database_not_running", Atala, Down,
        "The database {subject} is not running",
        "Read the Postgres operator's log for this cluster.";
    /// The secrets of the instance did not arrive.
    SecretNotSynced = "secret_not_synced", Atala, Degraded,
        "The secret {subject} could not be synchronised from Secrets Manager",
        "Check that the entry exists and that External Secrets may read it.";
    /// The certificate is not ready.
    CertificateNotIssued = "certificate_not_issued", Upstream, Degraded,
        "The certificate {subject} is not issued",
        "Check the certificate authority's limits and the DNS challenge.";
    /// Argo CD tried to apply and failed.
    SyncFailed = "sync_failed", Atala, Degraded,
        "Argo CD could not apply {subject}",
        "Read the message, correct what it names, then retry.";
    /// A neighbour's instance answers the watchman with something else than a refusal of its name.
    IsolationUnproven = "isolation_unproven", Atala, Degraded,
        "It is not shown that keys of {subject} are refused by other instances",
        "Compare the gates and consumers of both instances on the cluster with what the gateway answers.";
    /// Another version answers than the one wished for.
    WrongVersionRunning = "wrong_version_running", Atala, Degraded,
        "{subject} runs another version than the one wished for",
        "Look for pods of the old version, or for an image override that names it.";
    /// The gateway or the agent refuses the probe or does not answer it.
    ProbeRefused = "probe_refused", Atala, Down,
        "A request to {subject} through the gateway is not answered",
        "Check the route, the gate and the agent's own log.";
    /// The namespace or Application waits for a finalizer.
    DeletionBlocked = "deletion_blocked", Atala, Degraded,
        "The deletion of {subject} is blocked",
        "Let the named owner finish; remove its finalizer by hand only when that owner is gone for good.";
    /// Something is left after a deletion.
    LeftBehind = "left_behind", Atala, Degraded,
        "Something of {subject} is left behind",
        "Remove what is listed; the proof is repeated by itself.";
    /// No cluster can take the instance.
    NoRoom = "no_room", Atala, Progressing,
        "No cluster can take {subject}",
        "Make room on a cluster of that region and purpose; the operation goes on by itself.";
    /// Secrets Manager refuses or does not answer.
    SecretsManagerUnavailable = "secrets_manager_unavailable", Upstream, Degraded,
        "Secrets Manager does not take the secrets of {subject}",
        "Check the control plane's rights and the service's status; the step is repeated by itself.";
    /// The cluster understood a step and said no.
    StepRefused = "step_refused", Atala, Degraded,
        "The cluster refuses a step for {subject}",
        "Give the control plane the right that is named, or settle the conflict; the step is repeated by itself.";
    /// Somebody changed fields that belong to the control plane.
    OutsideChange = "outside_change", Atala, Degraded,
        "Somebody else changed {subject}",
        "Find out who; reconfigure the instance to write our values again.";
    /// A step takes longer than it may, and nothing says why.
    TakesTooLong = "takes_too_long", Atala, Degraded,
        "{subject} takes longer than it may",
        "Look at the parts of the instance and the events of its namespace.";
    /// An operation ended its worker again and again and was set aside.
    OperationParked = "operation_parked", Atala, Degraded,
        "The operation on {subject} was set aside after its worker failed several times",
        "Read the server's log for this operation, then retry.";
    /// The three opinions contradict each other and no rule says why.
    OpinionsDisagree = "opinions_disagree", Atala, Degraded,
        "The opinions on {subject} disagree",
        "Compare deployment, runtime and reachability; the odd one out is where to look.";
    /// Creation was cancelled or given up.
    NotCreated = "not_created", Atala, Down,
        "{subject} was not created to the end",
        "Retry the creation or delete the instance.";
}

/// A cause, found: the code, what it is about, and what the system itself said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Which one.
    pub code: CauseCode,
    /// The thing it is about: an image, pod, certificate, cluster.
    pub subject: String,
    /// What Kubernetes, Argo CD or the gateway said, shortened to 300 characters.
    pub detail: String,
}

impl Cause {
    /// A cause with what the system said about it.
    pub fn new(code: CauseCode, subject: impl Into<String>, detail: impl AsRef<str>) -> Self {
        let detail: String = detail
            .as_ref()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let detail = match detail.char_indices().nth(300) {
            Some((cut, _)) => format!("{}…", &detail[..cut]),
            None => detail,
        };
        Self {
            code,
            subject: subject.into(),
            detail,
        }
    }

    /// One sentence: what is so, and why as far as it was said.
    #[must_use]
    pub fn sentence(&self) -> String {
        let says = self.code.says().replace("{subject}", &self.subject);
        if self.detail.is_empty() {
            format!("{says}.")
        } else {
            format!("{says}: {}.", self.detail.trim_end_matches('.'))
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back_and_says_what_to_do() {
        for code in CauseCode::ALL {
            assert_eq!(CauseCode::parse(code.as_str()), Some(*code));
            assert!(code.next().ends_with('.') && code.says().contains("{subject}"));
            assert_ne!(code.status(), HealthStatus::Healthy);
        }
    }

    #[test]
    fn a_sentence_ends_once_and_is_bounded() {
        let cause = Cause::new(CauseCode::ImageCannotBePulled, "agent", "not\n  found.");
        assert_eq!(
            cause.sentence(),
            "The image of agent cannot be pulled: not found."
        );
        assert_eq!(
            Cause::new(CauseCode::NoRoom, "x", "").sentence(),
            "No cluster can take x."
        );
        let long = Cause::new(CauseCode::SyncFailed, "x", "é".repeat(5000));
        assert_eq!(long.detail.chars().count(), 301);
    }
}
