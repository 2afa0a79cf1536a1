//! Operations with their steps, as rows. People's writes demand a checked permission; a worker's
//! demand a [`Held`] operation, and each of its transactions begins with [`claim::hold`], which
//! refuses it when another worker has taken over. An operation is always read with its steps.

pub mod claim;
mod read;
mod write;

use model::cause::Cause;
use model::operation::{OperationKind, OperationState, StepName, StepState, Wish};
use model::{InstanceId, OperationId, TenantId, Timestamp};

pub use self::claim::{Claimed, Held, Hold};
pub use self::read::{
    Durations, Filter, active_of, active_of_in, between, by_id, by_id_in, count_active, durations,
    list, next_due,
};
pub use self::write::{
    NewOperation, go_on, insert, request_cancel, revive, save, save_step, withdraw_cancel,
};
pub(crate) use self::{
    claim::STATEMENTS as CLAIM, read::STATEMENTS as READ, write::STATEMENTS as WRITE,
};

/// An operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// The instance.
    pub instance_id: InstanceId,
    /// What the instance is called.
    pub instance_name: String,
    /// The tenant.
    pub tenant_id: TenantId,
    /// What is done.
    pub kind: OperationKind,
    /// Where it is.
    pub state: OperationState,
    /// What was wished for, and what was before.
    pub wish: Wish,
    /// In words.
    pub summary: String,
    /// What the person or thing that asked is called.
    pub requested_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When a worker first did something for it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it does not go on, as far as known.
    pub cause: Option<Cause>,
    /// Since when that has been found.
    pub cause_since: Option<Timestamp>,
    /// When somebody asked for it to be cancelled.
    pub cancel_requested_at: Option<Timestamp>,
    /// Claims since the last progress.
    pub attempts: u32,
    /// When it is looked at next.
    pub run_after: Timestamp,
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

/// A step of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Place in the order.
    pub ordinal: u32,
    /// Which.
    pub name: StepName,
    /// Where it is.
    pub state: StepState,
    /// When it was first begun.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it waits for, or what went wrong.
    pub message: Option<String>,
    /// Until when it may take.
    pub deadline_at: Option<Timestamp>,
}

impl Operation {
    /// The step of that name, if this kind of operation has it.
    #[must_use]
    pub fn step(&self, name: StepName) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// The names of the steps that are done.
    #[must_use]
    pub fn done(&self) -> Vec<StepName> {
        let done = |step: &&Step| step.state == StepState::Succeeded;
        self.steps
            .iter()
            .filter(done)
            .map(|step| step.name)
            .collect()
    }
}
