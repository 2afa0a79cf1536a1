//! Instances as people see and change them. Every change is a wish: it is written together with the
//! operation that will bring it about, and `work` does the rest. At most one operation is active per
//! instance; who comes second is told which one is in the way.

mod create;
mod delete;
mod detail;
mod upgrade;
mod values;
pub(crate) mod view;

use std::sync::Arc;

use model::cluster::{ClusterName, Purpose};
use model::event::Subject;
use model::health::HealthStatus;
use model::instance::InstanceState;
use model::name::InstanceName;
use model::operation::{OperationKind, OperationState, Wish};
use model::page::Page;
use model::permission::Grant;
use model::release::Version;
use model::view::{InstanceView, OperationView};
use model::{Actor, Authorised, InstanceId, OperationId, TenantId, Timestamp, may};
use serde_json::json;
use store::instance::{Instance, Order};
use store::operation::{NewOperation, Operation};
use store::{Tx, Wake};

pub use self::create::{CreateInstance, Created};
pub use self::delete::DeleteInstance;
pub use self::upgrade::UpgradeInstance;
use crate::audit::{Entry, Why};
use crate::context::authorise;
use crate::operation::history::{History, Usual};
use crate::operation::{OperationService, visible};
use crate::{Context, Error, Origin, Result, audit, cursor, event};

pub(crate) const WHAT: &str = "instance";

/// Creates, lists, shows, changes and deletes instances.
#[derive(Clone, Debug)]
pub struct InstanceService {
    context: Context,
    history: Arc<History>,
}

/// Which instances to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceFilter {
    /// Only this tenant's.
    pub tenant: Option<TenantId>,
    /// Only those on this cluster.
    pub cluster: Option<ClusterName>,
    /// Only with this purpose.
    pub purpose: Option<Purpose>,
    /// Only at this release.
    pub release: Option<Version>,
    /// Only with this health.
    pub health: Option<HealthStatus>,
    /// Only in this state; deleted ones are shown only when asked for.
    pub state: Option<InstanceState>,
    /// Part of the name, tenant, id or host, in any case.
    pub q: Option<String>,
    /// Most rows; none for the default.
    pub limit: Option<u32>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// An instance that is there for this actor.
pub(crate) async fn find(context: &Context, actor: &Actor, id: &InstanceId) -> Result<Instance> {
    authorise::<may::ReadInstance>(actor, None, WHAT)?;
    let found = store::instance::by_id(&context.db, id).await?;
    let found = found.ok_or(Error::NotFound { what: WHAT })?;
    authorise::<may::ReadInstance>(actor, Some(found.tenant_id), WHAT)?;
    Ok(found)
}

/// The refusal that names the operation which is in the way.
pub(crate) fn in_the_way(active: Option<&Operation>) -> Error {
    let detail = active.map_or_else(
        || "Another operation has just ended on this instance. Try again.".to_owned(),
        |operation| {
            format!(
                "Another operation is active on this instance: {} ({}, operation {}). Wait until it has ended, or cancel it.",
                operation.kind, operation.state, operation.id
            )
        },
    );
    Error::conflict("operation_active", detail)
}

/// Announces an instance as it stands now; late in a transaction, after every other write.
pub(crate) async fn announce(tx: &mut Tx, instance: &Instance, now: Timestamp) -> Result<()> {
    let shown = view::view(instance, None, now);
    let data = json!({
        "id": shown.id,
        "tenant_id": shown.tenant_id,
        "name": shown.name,
        "cluster": shown.cluster,
        "host": shown.host,
        "url": shown.url,
        "release": shown.release,
        "state": shown.state,
        "health": shown.health,
    });
    let tenant = Some(instance.tenant_id);
    event::append(
        tx,
        now,
        Subject::Instance,
        instance.id.as_str(),
        tenant,
        &data,
    )
    .await?;
    Ok(())
}

impl InstanceService {
    pub(crate) fn new(context: Context, history: Arc<History>) -> Self {
        Self { context, history }
    }

    fn operations(&self) -> OperationService {
        OperationService::new(self.context.clone(), Arc::clone(&self.history))
    }

    /// Instances, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a search, limit or cursor that cannot be used.
    pub async fn list(&self, actor: &Actor, filter: InstanceFilter) -> Result<Page<InstanceView>> {
        authorise::<may::ReadInstance>(actor, None, WHAT)?;
        if let Some(tenant) = filter.tenant {
            authorise::<may::ReadInstance>(actor, Some(tenant), "tenant")?;
        }
        let limit = cursor::limit(filter.limit)?;
        let wanted = store::instance::Filter {
            tenant: filter.tenant,
            cluster: filter.cluster,
            purpose: filter.purpose,
            release: filter.release,
            health: filter.health,
            state: filter.state,
            pattern: cursor::search_pattern(filter.q.as_deref())?,
            tenants: visible(actor),
            after: filter.cursor.as_deref().map(place).transpose()?,
        };
        let db = &self.context.db;
        let rows = store::instance::list(db, &wanted, Order::Newest, limit + 1).await?;
        let page = Page::cut(rows, limit, |row| {
            cursor::pack(&[&row.created_at.micros().to_string(), row.id.as_str()])
        });
        let shown = self.shown(&page.items).await?;
        Ok(Page {
            items: shown,
            next_cursor: page.next_cursor,
        })
    }

    /// Instances with their active operations, in the order given.
    pub(crate) async fn shown(&self, rows: &[Instance]) -> Result<Vec<InstanceView>> {
        let first = rows.iter().map(|row| row.created_at).min();
        let last = rows.iter().map(|row| row.created_at).max();
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(Vec::new());
        };
        let db = &self.context.db;
        let active = store::operation::between(db, first, last).await?;
        let usual = self.history.usual(db).await?;
        let now = self.context.now();
        Ok(rows
            .iter()
            .map(|row| {
                let operation = active
                    .iter()
                    .find(|operation| operation.instance_id == row.id);
                let operation =
                    operation.map(|found| crate::operation::view::view(found, &usual, now));
                view::view(row, operation, now)
            })
            .collect())
    }

    /// One instance.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or not for this actor.
    pub async fn get(&self, actor: &Actor, id: &InstanceId) -> Result<InstanceView> {
        let found = find(&self.context, actor, id).await?;
        self.show(&found).await
    }

    async fn show(&self, instance: &Instance) -> Result<InstanceView> {
        let now = self.context.now();
        let active = store::operation::active_of(&self.context.db, &instance.id).await?;
        let usual = self.history.usual(&self.context.db).await?;
        let operation = active.map(|found| crate::operation::view::view(&found, &usual, now));
        Ok(view::view(instance, operation, now))
    }

    /// Gives an instance another name; its id and address stay.
    ///
    /// # Errors
    /// [`Error::Conflict`] `name_taken`; [`Error::NotFound`].
    pub async fn rename(
        &self,
        actor: &Actor,
        id: &InstanceId,
        name: &str,
        origin: &Origin,
    ) -> Result<InstanceView> {
        let found = find(&self.context, actor, id).await?;
        let may: Authorised<may::ChangeInstance> = self
            .context
            .allow(
                actor,
                Some(found.tenant_id),
                WHAT,
                "instance.rename",
                origin,
            )
            .await?;
        let name = InstanceName::parse(name).map_err(|why| Error::invalid("name", why))?;
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        match store::instance::rename(&mut tx, &may, id, &name, now).await {
            Ok(true) => {}
            Ok(false) => return Err(Error::NotFound { what: WHAT }),
            Err(error) if error.is_taken() => return Err(name_taken(&name)),
            Err(error) => return Err(error.into()),
        }
        let renamed = store::instance::by_id_in(&mut tx, id).await?;
        let renamed = renamed.ok_or(Error::NotFound { what: WHAT })?;
        let entry = Entry::new(may.actor(), origin, "instance.rename")
            .of(Some(found.tenant_id))
            .about(WHAT, id)
            .summary(format!("Renamed {} to {name}.", found.name))
            .change(&json!({"name": found.name}), &json!({"name": name}));
        audit::append(&mut tx, now, entry).await?;
        announce(&mut tx, &renamed, now).await?;
        tx.commit().await?;
        self.show(&renamed).await
    }

    /// Writes the operation and the changed instance, audited and announced, and wakes the workers.
    async fn begin<P: Grant>(&self, change: Change<'_, P>) -> Result<OperationView>
    where
        Authorised<P>: store::instance::InstanceProof,
    {
        let Change {
            may,
            mut tx,
            before,
            after,
            kind,
            summary,
            action,
            origin,
            usual,
        } = change;
        let now = self.context.now();
        let new = NewOperation {
            id: OperationId::new(&*self.context.clock, &*self.context.entropy),
            instance: after.id.clone(),
            tenant: after.tenant_id,
            kind,
            wish: Wish {
                release: after.release,
                release_before: before.release,
                overrides: after.overrides.clone(),
                overrides_before: before.overrides.clone(),
                state_before: before.state,
                unproven: None,
            },
            summary,
            at: now,
        };
        if !store::operation::insert(&mut tx, may, &new).await? {
            let active = store::operation::active_of_in(&mut tx, &after.id).await?;
            return Err(in_the_way(active.as_ref()));
        }
        store::instance::save(&mut tx, may, &after, now).await?;
        if after.health != before.health {
            store::instance::set_health(&mut tx, may, &after.id, &after.health, true).await?;
        }
        let operation = store::operation::by_id_in(&mut tx, new.id).await?;
        let operation = operation.ok_or(Error::NotFound { what: "operation" })?;
        let entry = Entry::new(may.actor(), origin, action)
            .of(Some(after.tenant_id))
            .about(WHAT, &after.id)
            .summary(format!(
                "Asked for: {kind} of {}. {}.",
                after.name, new.summary
            ))
            .why(&Why::Operation(new.id))
            .change(&wished(&before), &wished(&after));
        audit::append(&mut tx, now, entry).await?;
        announce(&mut tx, &after, now).await?;
        crate::operation::announce(&mut tx, &operation, &usual, now).await?;
        tx.wake(Wake::Work);
        tx.commit().await?;
        Ok(crate::operation::view::view(&operation, &usual, now))
    }

    /// Takes the row for this transaction and reads it; refuses what is under way or not running.
    async fn lock(&self, tx: &mut Tx, id: &InstanceId) -> Result<Instance> {
        store::instance::lock(tx, id).await?;
        let found = store::instance::by_id_in(tx, id).await?;
        found
            .filter(|instance| instance.state != InstanceState::Deleted)
            .ok_or(Error::NotFound { what: WHAT })
    }

    /// Refuses a change of what does not run; what is in the way is named.
    async fn running(&self, tx: &mut Tx, instance: &Instance) -> Result<()> {
        let active = store::operation::active_of_in(tx, &instance.id).await?;
        if active.is_some() {
            return Err(in_the_way(active.as_ref()));
        }
        match instance.state {
            InstanceState::Running => Ok(()),
            InstanceState::Failed => Err(Error::conflict(
                "not_created",
                "This instance was not created to the end. Retry its creation or delete it.",
            )),
            other => Err(Error::conflict(
                "not_running",
                format!("This instance is {other}; only a running one can be changed."),
            )),
        }
    }

    /// Ends the deletion of an instance within its grace period: the door is opened again.
    ///
    /// # Errors
    /// [`Error::Conflict`] `not_deleting` or `not_cancellable` with the reason.
    pub async fn undelete(
        &self,
        actor: &Actor,
        id: &InstanceId,
        origin: &Origin,
    ) -> Result<OperationView> {
        let found = find(&self.context, actor, id).await?;
        let may: Authorised<may::DeleteInstance> = self
            .context
            .allow(
                actor,
                Some(found.tenant_id),
                WHAT,
                "instance.undelete",
                origin,
            )
            .await?;
        let active = store::operation::active_of(&self.context.db, id).await?;
        let deletion = active.filter(|operation| {
            operation.kind == OperationKind::Delete && operation.state != OperationState::Succeeded
        });
        let deletion = deletion.ok_or_else(|| {
            Error::conflict("not_deleting", "This instance is not being deleted.")
        })?;
        self.operations()
            .cancel_allowed(&may, deletion, origin, "instance.undelete")
            .await
    }
}

/// A change that is about to be written.
struct Change<'a, P: Grant> {
    may: &'a Authorised<P>,
    tx: Tx,
    before: Instance,
    after: Instance,
    kind: OperationKind,
    summary: String,
    action: &'static str,
    origin: &'a Origin,
    usual: Usual,
}

fn wished(instance: &Instance) -> serde_json::Value {
    json!({
        "release": instance.release,
        "overrides": instance.overrides,
        "state": instance.state,
    })
}

pub(crate) fn name_taken(name: &InstanceName) -> Error {
    Error::conflict(
        "name_taken",
        format!("This tenant already has an instance called {name}. Choose another name."),
    )
}

fn place(text: &str) -> Result<(Timestamp, InstanceId)> {
    let [at, id] = cursor::unpack(text)?;
    let at: i64 = at.parse().map_err(|_| cursor::unreadable())?;
    Ok((
        Timestamp::from_micros(at),
        id.parse().map_err(|_| cursor::unreadable())?,
    ))
}
