//! What happened, in one order that is the order of commits: ids come from a counter row that is
//! locked in the writing transaction, so a reader that resumes behind an id misses nothing. Each
//! reader sees what it may read and no more.

use model::event::{Event, Subject};
use model::{Actor, TenantId, Timestamp, may};
use serde_json::Value;
use store::{Tx, Wake};
use tokio::sync::watch;

use crate::context::authorise;
use crate::{Context, Error, Result};

/// Most events read at once.
const MOST: u32 = 1_000;

/// Reads the stream.
#[derive(Clone, Debug)]
pub struct EventService {
    context: Context,
}

/// Writes an event and wakes the readers when the transaction is committed. Call it last in a
/// transaction: it holds the counter until then.
///
/// # Errors
/// When the database fails.
pub(crate) async fn append(
    tx: &mut Tx,
    at: Timestamp,
    subject: Subject,
    key: &str,
    tenant: Option<TenantId>,
    data: &Value,
) -> Result<i64> {
    let id = store::event::append(tx, at, subject, key, tenant, data).await?;
    tx.wake(Wake::Events);
    Ok(id)
}

impl EventService {
    pub(crate) fn new(context: Context) -> Self {
        Self { context }
    }

    /// Events behind `after` that the actor may see, in order, at most `limit` (up to 1,000).
    ///
    /// # Errors
    /// [`Error::Conflict`] with the code `events_pruned` when events behind `after` are no longer kept
    /// or `after` was never given: the reader must read everything afresh and go on from the head.
    pub async fn since(&self, actor: &Actor, after: i64, limit: u32) -> Result<Vec<Event>> {
        if *actor == Actor::Anonymous {
            return Err(model::Denied::Unauthenticated.into());
        }
        let limit = limit.clamp(1, MOST);
        if actor.staff().is_some() {
            return self.visible(actor, None, after, limit).await;
        }
        let mut found = Vec::new();
        for (tenant, _) in actor.tenants() {
            found.extend(self.visible(actor, Some(*tenant), after, limit).await?);
        }
        found.sort_by_key(|event| event.id);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// Reads on until something is visible or the end is reached, so that a reader with few scopes is
    /// not taken to be at the end.
    async fn visible(
        &self,
        actor: &Actor,
        tenant: Option<TenantId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Event>> {
        let mut from = after;
        loop {
            let (span, events) = store::event::since(&self.context.db, tenant, from, limit).await?;
            if from < span.pruned || from > span.last {
                return Err(Error::conflict(
                    "events_pruned",
                    "Events behind this id are no longer kept. Load everything again and go on from the newest id.",
                ));
            }
            let Some(last) = events.last().map(|event| event.id) else {
                return Ok(events);
            };
            let full = events.len() == usize::try_from(limit).unwrap_or(usize::MAX);
            let seen: Vec<Event> = events.into_iter().filter(|e| may_see(actor, e)).collect();
            if !seen.is_empty() || !full {
                return Ok(seen);
            }
            from = last;
        }
    }

    /// Id of the newest event; 0 before the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn head(&self) -> Result<i64> {
        Ok(store::event::span(&self.context.db).await?.last)
    }

    /// Changes whenever there may be something new; a safety net of polling belongs beside it.
    #[must_use]
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.context.db.listen(Wake::Events)
    }
}

fn may_see(actor: &Actor, event: &Event) -> bool {
    let tenant = event.tenant;
    match event.subject {
        Subject::Tenant => authorise::<may::ReadTenant>(actor, tenant, "event").is_ok(),
        Subject::Instance => authorise::<may::ReadInstance>(actor, tenant, "event").is_ok(),
        Subject::Operation => authorise::<may::ReadOperation>(actor, tenant, "event").is_ok(),
        Subject::Cluster => authorise::<may::ReadCluster>(actor, tenant, "event").is_ok(),
        Subject::Release => authorise::<may::ReadRelease>(actor, tenant, "event").is_ok(),
        Subject::Token => authorise::<may::ReadToken>(actor, tenant, "event").is_ok(),
    }
}
