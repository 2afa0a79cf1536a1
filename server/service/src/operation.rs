//! Operations as people see and steer them: lists, one, cancel, try again. What is done for an
//! operation is done by `work`; here only wishes about it are written, and the worker is woken.

mod go_on;
pub(crate) mod history;
pub(crate) mod view;

use std::sync::Arc;

use model::event::Subject;
use model::health::HealthStatus;
use model::instance::InstanceState;
use model::operation::{OperationKind, OperationState};
use model::page::Page;
use model::permission::Grant;
use model::view::OperationView;
use model::{Actor, Authorised, InstanceId, OperationId, TenantId, Timestamp, may};
use store::instance::Instance;
use store::operation::Operation;
use store::{Tx, Wake};

use self::history::{History, Usual};
use crate::audit::{Entry, Why};
use crate::context::authorise;
use crate::work::settle;
use crate::{Context, Error, Origin, Result, audit, cursor, event, instance};

const WHAT: &str = "operation";

/// Lists, shows, cancels and repeats operations.
#[derive(Clone, Debug)]
pub struct OperationService {
    context: Context,
    history: Arc<History>,
}

/// Which operations to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Only those in this state.
    pub state: Option<OperationState>,
    /// Only active ones, or only ended ones.
    pub active: Option<bool>,
    /// Only of this instance.
    pub instance: Option<InstanceId>,
    /// Most rows; none for the default.
    pub limit: Option<u32>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// The tenants that limit what an actor sees; none for staff, who see all.
pub(crate) fn visible(actor: &Actor) -> Option<Vec<TenantId>> {
    match actor.staff() {
        Some(_) => None,
        None => Some(actor.tenants().iter().map(|(tenant, _)| *tenant).collect()),
    }
}

impl OperationService {
    pub(crate) fn new(context: Context, history: Arc<History>) -> Self {
        Self { context, history }
    }

    async fn usual(&self) -> Result<Usual> {
        self.history.usual(&self.context.db).await
    }

    /// Operations, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a limit or cursor that cannot be used; [`Error::NotFound`] for an
    /// instance that is not there for this actor.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: OperationFilter,
    ) -> Result<Page<OperationView>> {
        authorise::<may::ReadOperation>(actor, None, WHAT)?;
        if let Some(id) = &filter.instance {
            instance::find(&self.context, actor, id).await?;
        }
        let limit = cursor::limit(filter.limit)?;
        let before = match &filter.cursor {
            None => None,
            Some(text) => {
                let [id] = cursor::unpack(text)?;
                Some(id.parse().map_err(|_| cursor::unreadable())?)
            }
        };
        let wanted = store::operation::Filter {
            state: filter.state,
            active: filter.active,
            instance: filter.instance,
            tenants: visible(actor),
            before,
        };
        let rows = store::operation::list(&self.context.db, &wanted, limit + 1).await?;
        let (usual, now) = (self.usual().await?, self.context.now());
        let page = Page::cut(rows, limit, |row| cursor::pack(&[&row.id.to_string()]));
        Ok(page.map(|row| view::view(&row, &usual, now)))
    }

    /// One operation.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or not for this actor.
    pub async fn get(&self, actor: &Actor, id: OperationId) -> Result<OperationView> {
        let found = self.find(actor, id).await?;
        Ok(view::view(&found, &self.usual().await?, self.context.now()))
    }

    async fn find(&self, actor: &Actor, id: OperationId) -> Result<Operation> {
        authorise::<may::ReadOperation>(actor, None, WHAT)?;
        let found = store::operation::by_id(&self.context.db, id).await?;
        let found = found.ok_or(Error::NotFound { what: WHAT })?;
        authorise::<may::ReadOperation>(actor, Some(found.tenant_id), WHAT)?;
        Ok(found)
    }

    /// Asks for an operation to be stopped. It says that it has stopped when it has.
    ///
    /// # Errors
    /// [`Error::Conflict`] `not_cancellable` with the reason.
    pub async fn cancel(
        &self,
        actor: &Actor,
        id: OperationId,
        origin: &Origin,
    ) -> Result<OperationView> {
        let found = self.find(actor, id).await?;
        let may: Authorised<may::ControlOperation> = self
            .context
            .allow(
                actor,
                Some(found.tenant_id),
                WHAT,
                "operation.cancel",
                origin,
            )
            .await?;
        self.cancel_allowed(&may, found, origin, "operation.cancel")
            .await
    }

    /// Cancels for somebody who was checked for it.
    pub(crate) async fn cancel_allowed<P: Grant>(
        &self,
        may: &Authorised<P>,
        found: Operation,
        origin: &Origin,
        action: &'static str,
    ) -> Result<OperationView> {
        let (now, usual) = (self.context.now(), self.usual().await?);
        let mut tx = self.context.db.begin().await?;
        let asked = store::operation::request_cancel(&mut tx, may, found.id, now).await?;
        // Read behind the write, which holds the row: no step begins in between.
        let after = store::operation::by_id_in(&mut tx, found.id).await?;
        let after = after.ok_or(Error::NotFound { what: WHAT })?;
        let before = Operation {
            cancel_requested_at: None,
            ..after.clone()
        };
        if let Some(why) = view::cancel_refused(&before) {
            return Err(Error::conflict("not_cancellable", why));
        }
        if asked {
            let entry = Entry::new(may.actor(), origin, action)
                .of(Some(found.tenant_id))
                .about("instance", &found.instance_id)
                .why(&Why::Operation(found.id))
                .summary(format!(
                    "Asked to cancel: {} of {}.",
                    found.kind, found.instance_name
                ));
            audit::append(&mut tx, now, entry).await?;
            announce(&mut tx, &after, &usual, now).await?;
            tx.wake(Wake::Work);
            tx.commit().await?;
        }
        Ok(view::view(&after, &usual, now))
    }

    /// Has an operation that is stuck looked at again at once, or a creation that was cancelled go on
    /// from the step where it stopped.
    ///
    /// # Errors
    /// [`Error::Conflict`] `not_retryable` with the reason.
    pub async fn retry(
        &self,
        actor: &Actor,
        id: OperationId,
        origin: &Origin,
    ) -> Result<OperationView> {
        let found = self.find(actor, id).await?;
        let may: Authorised<may::ControlOperation> = self
            .context
            .allow(
                actor,
                Some(found.tenant_id),
                WHAT,
                "operation.retry",
                origin,
            )
            .await?;
        let (now, usual) = (self.context.now(), self.usual().await?);
        let mut tx = self.context.db.begin().await?;
        store::operation::claim::lock(&mut tx, id).await?;
        store::instance::lock(&mut tx, &found.instance_id).await?;
        let current = store::operation::by_id_in(&mut tx, id).await?;
        let current = current.ok_or(Error::NotFound { what: WHAT })?;
        let instance = store::instance::by_id_in(&mut tx, &found.instance_id).await?;
        let mut instance = instance.ok_or(Error::NotFound { what: "instance" })?;
        if let Some(why) = retry_refused(&current, instance.state) {
            return Err(Error::conflict("not_retryable", why));
        }
        match store::operation::revive(&mut tx, &may, id, now).await {
            Ok(_) => {}
            Err(error) if error.is_taken() => {
                drop(tx);
                let db = &self.context.db;
                let active = store::operation::active_of(db, &found.instance_id).await?;
                return Err(instance::in_the_way(active.as_ref()));
            }
            Err(error) => return Err(error.into()),
        }
        let reborn = rebirth(&mut tx, &may, &mut instance, now).await?;
        let after = store::operation::by_id_in(&mut tx, id).await?;
        let after = after.ok_or(Error::NotFound { what: WHAT })?;
        let entry = Entry::new(may.actor(), origin, "operation.retry")
            .of(Some(found.tenant_id))
            .about("instance", &found.instance_id)
            .why(&Why::Operation(id))
            .summary(format!(
                "Retried: {} of {}.",
                found.kind, found.instance_name
            ));
        audit::append(&mut tx, now, entry).await?;
        if reborn {
            instance::announce(&mut tx, &instance, now).await?;
        }
        announce(&mut tx, &after, &usual, now).await?;
        tx.wake(Wake::Work);
        tx.commit().await?;
        Ok(view::view(&after, &usual, now))
    }
}

/// An instance whose creation goes on is being created again; says whether it was one.
async fn rebirth(
    tx: &mut Tx,
    may: &Authorised<may::ControlOperation>,
    instance: &mut Instance,
    now: Timestamp,
) -> Result<bool> {
    if instance.state != InstanceState::Failed {
        return Ok(false);
    }
    instance.state = InstanceState::Creating;
    instance.health = settle(&instance.health, HealthStatus::Progressing, None, now);
    store::instance::save(tx, may, instance, now).await?;
    store::instance::set_health(tx, may, &instance.id, &instance.health, true).await?;
    Ok(true)
}

fn retry_refused(operation: &Operation, instance: InstanceState) -> Option<&'static str> {
    let cancelling = operation.cancel_requested_at.is_some();
    match (operation.state, operation.kind) {
        (OperationState::Stuck, _) if cancelling => {
            Some("It is being cancelled, and that is tried again by itself.")
        }
        (OperationState::Stuck, _) => None,
        (OperationState::Failed | OperationState::Cancelled, OperationKind::Create)
            if instance == InstanceState::Failed =>
        {
            None
        }
        (OperationState::Failed | OperationState::Cancelled, _) => {
            Some("It was ended; ask for the change again instead.")
        }
        (OperationState::Succeeded, _) => Some("It has succeeded."),
        (OperationState::Queued | OperationState::Running | OperationState::Waiting, _) => {
            Some("It is under way.")
        }
    }
}

/// Announces an operation as it stands now; last before the commit.
pub(crate) async fn announce(
    tx: &mut Tx,
    operation: &Operation,
    usual: &Usual,
    now: Timestamp,
) -> Result<()> {
    let shown = view::view(operation, usual, now);
    let data = serde_json::to_value(&shown).map_err(Error::internal)?;
    let (key, tenant) = (operation.id.to_string(), Some(operation.tenant_id));
    event::append(tx, now, Subject::Operation, &key, tenant, &data).await?;
    Ok(())
}
