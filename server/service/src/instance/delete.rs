//! Deleting an instance: confirmed by typing its id or name, the door closed at once, and a grace
//! period in which everything is kept and the deletion can be undone.

use std::time::Duration;

use model::health::HealthStatus;
use model::instance::InstanceState;
use model::operation::OperationKind;
use model::view::OperationView;
use model::{Actor, Authorised, InstanceId, Timestamp, may};
use store::instance::Instance;

use super::{Change, InstanceService, WHAT, find, in_the_way};
use crate::work::settle;
use crate::{Error, Origin, Result};

/// Longest grace period.
const MOST: Duration = Duration::from_hours(24 * 365);

/// A deletion, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteInstance {
    /// The instance's id or name, typed.
    pub confirm: String,
    /// How long it can be undone; none for the configured time.
    pub grace: Option<Duration>,
}

impl InstanceService {
    /// Begins to delete an instance.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `confirm` or `grace`; [`Error::Conflict`] `operation_active`.
    pub async fn delete(
        &self,
        actor: &Actor,
        id: &InstanceId,
        command: DeleteInstance,
        origin: &Origin,
    ) -> Result<OperationView> {
        let found = find(&self.context, actor, id).await?;
        let may: Authorised<may::DeleteInstance> = self
            .context
            .allow(
                actor,
                Some(found.tenant_id),
                WHAT,
                "instance.delete",
                origin,
            )
            .await?;
        let grace = command
            .grace
            .unwrap_or(self.context.settings.deletion_grace);
        if grace > MOST {
            return Err(Error::invalid(
                "grace",
                "Use a grace period of at most 365 days.",
            ));
        }
        let usual = self.history.usual(&self.context.db).await?;
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let before = self.lock(&mut tx, id).await?;
        confirmed(&command.confirm, &before)?;
        let active = store::operation::active_of_in(&mut tx, id).await?;
        if active.is_some() {
            return Err(in_the_way(active.as_ref()));
        }
        let (mut after, summary) = going(&before, grace, now);
        after.gate_generation = store::gate::bump(&mut tx, &may, id, now).await?;
        self.begin(Change {
            may: &may,
            tx,
            before,
            after,
            kind: OperationKind::Delete,
            summary,
            action: "instance.delete",
            origin,
            usual,
        })
        .await
    }
}

fn confirmed(typed: &str, instance: &Instance) -> Result<()> {
    let typed = typed.trim();
    if typed == instance.id.as_str() || typed == instance.name.as_str() {
        return Ok(());
    }
    let hint = format!("Type {} or {} to confirm.", instance.name, instance.id);
    Err(Error::invalid("confirm", hint))
}

/// The instance with its door closed, and what is said of it.
fn going(before: &Instance, grace: Duration, now: Timestamp) -> (Instance, String) {
    let mut after = before.clone();
    after.state = InstanceState::Deleting;
    let placed = before.cluster.is_some();
    after.grace_until = if placed { now + grace } else { now };
    after.health = settle(&before.health, HealthStatus::Progressing, None, now);
    let summary = if placed && !grace.is_zero() {
        format!("Can be undone until {}", after.grace_until.to_minute())
    } else {
        "Without a grace period".to_owned()
    };
    (after, summary)
}
