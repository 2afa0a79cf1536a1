//! Letting a deletion go on although a gateway does not prove that the instance's tokens are refused: a
//! staff owner's word, with a reason that stays in the trail and beside the step.

use model::operation::{OperationKind, StepName, StepState};
use model::view::OperationView;
use model::{Actor, Authorised, OperationId, may};
use store::Wake;
use store::operation::Operation;

use super::{OperationService, WHAT, announce, view};
use crate::audit::{Entry, Why};
use crate::{Error, Origin, Result, audit};

/// Longest reason, in characters.
const REASON: usize = 300;

impl OperationService {
    /// Lets a deletion go on without the proof that it waits for.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `reason`; [`Error::Conflict`] `not_waiting_for_proof`.
    pub async fn go_on_unproven(
        &self,
        actor: &Actor,
        id: OperationId,
        reason: &str,
        origin: &Origin,
    ) -> Result<OperationView> {
        const ACTION: &str = "operation.go_on_unproven";
        let found = self.find(actor, id).await?;
        let may: Authorised<may::GoOnUnproven> = self
            .context
            .allow(actor, Some(found.tenant_id), WHAT, ACTION, origin)
            .await?;
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        if reason.is_empty() || reason.chars().count() > REASON {
            let hint = format!("Say why in 1 to {REASON} characters.");
            return Err(Error::invalid("reason", hint));
        }
        let (now, usual) = (self.context.now(), self.usual().await?);
        let mut tx = self.context.db.begin().await?;
        store::operation::claim::lock(&mut tx, id).await?;
        let current = store::operation::by_id_in(&mut tx, id).await?;
        let mut current = current.ok_or(Error::NotFound { what: WHAT })?;
        if !waits_for_proof(&current) {
            return Err(Error::conflict(
                "not_waiting_for_proof",
                "This operation does not wait for the proof that tokens are refused.",
            ));
        }
        let gate = store::gate::by_id_in(&mut tx, &current.instance_id).await?;
        let waiting = gate.and_then(|gate| gate.waiting).unwrap_or_default();
        let said = format!("{} ({})", reason.trim_end_matches('.'), may.actor().name);
        current.wish.unproven = Some(format!("{said}."));
        store::operation::go_on(&mut tx, &may, id, &current.wish, now).await?;
        let entry = Entry::new(may.actor(), origin, ACTION)
            .of(Some(current.tenant_id))
            .about("instance", &current.instance_id)
            .why(&Why::reason(&reason))
            .summary(format!(
                "Lets the deletion of {} go on without the proof that its tokens are refused: {reason} What it waited for: {waiting}",
                current.instance_name
            ));
        audit::append(&mut tx, now, entry).await?;
        announce(&mut tx, &current, &usual, now).await?;
        tx.wake(Wake::Work);
        tx.commit().await?;
        Ok(view::view(&current, &usual, now))
    }
}

fn waits_for_proof(operation: &Operation) -> bool {
    let waits = |state| matches!(state, StepState::Running | StepState::Waiting);
    operation.kind == OperationKind::Delete
        && operation.state.is_active()
        && operation.wish.unproven.is_none()
        && operation
            .step(StepName::RevokeTokens)
            .is_some_and(|step| waits(step.state))
}
