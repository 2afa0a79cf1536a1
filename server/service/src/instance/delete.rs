//! Deleting an instance: confirmed by typing its id or name, the door closed at once, and a grace
//! period in which everything is kept and the deletion can be undone.

use std::time::Duration;

use model::cause::Cause;
use model::health::HealthStatus;
use model::instance::InstanceState;
use model::operation::OperationKind;
use model::view::OperationView;
use model::{Actor, Authorised, InstanceId, may};

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
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let before = self.lock(&mut tx, id).await?;
        let typed = command.confirm.trim();
        if typed != before.id.as_str() && typed != before.name.as_str() {
            let hint = format!("Type {} or {} to confirm.", before.name, before.id);
            return Err(Error::invalid("confirm", hint));
        }
        if store::operation::active_of_in(&mut tx, id).await?.is_some() {
            return Err(in_the_way(&self.context, id).await?);
        }
        let mut after = before.clone();
        after.state = InstanceState::Deleting;
        after.gate_generation += 1;
        after.grace_until = if before.cluster.is_some() {
            now + grace
        } else {
            now
        };
        after.health = settle(
            &before.health,
            HealthStatus::Progressing,
            None::<Cause>,
            now,
        );
        let summary = if grace.is_zero() || before.cluster.is_none() {
            "At once".to_owned()
        } else {
            format!("Can be undone until {}", after.grace_until)
        };
        self.begin(Change {
            may: &may,
            tx,
            before,
            after,
            kind: OperationKind::Delete,
            summary,
            action: "instance.delete",
            origin,
        })
        .await
    }
}
