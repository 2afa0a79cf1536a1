//! Drops what nobody will ask for any more. Each kind in a transaction of its own, so that none holds
//! up the others; safe to call from several processes and as often as one likes.

use std::time::Duration;

use store::Tx;

use crate::session::life;
use crate::{Result, Services};

/// How long ended invitations and access tokens stay to be looked at.
const KEPT: Duration = Duration::from_hours(24 * 90);

/// Rows that were dropped, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Sessions.
    pub sessions: u64,
    /// Counters of tries.
    pub tries: u64,
    /// Events.
    pub events: u64,
    /// Kept answers.
    pub answers: u64,
    /// Invitations.
    pub invitations: u64,
    /// Access tokens.
    pub access_tokens: u64,
}

impl Services {
    /// Drops what has expired; call it about once a minute.
    ///
    /// # Errors
    /// When the database fails; what was dropped before stays dropped.
    pub async fn prune(&self) -> Result<Pruned> {
        let context = &self.context;
        let now = context.now();
        let settings = &context.settings;
        let begin = || context.db.begin();
        let mut tx: Tx = begin().await?;
        let sessions = store::session::prune(&mut tx, life(context)).await?;
        tx.commit().await?;
        let mut tx = begin().await?;
        let tries = store::sign_in::prune(&mut tx, now).await?;
        tx.commit().await?;
        let mut tx = begin().await?;
        let oldest = now - settings.event_life;
        let events = store::event::prune(&mut tx, oldest, settings.events_kept).await?;
        tx.commit().await?;
        let mut tx = begin().await?;
        let answers = store::idempotency::prune(&mut tx, now).await?;
        tx.commit().await?;
        let mut tx = begin().await?;
        let invitations = store::invitation::prune(&mut tx, now - KEPT).await?;
        let access_tokens = store::access_token::prune(&mut tx, now - KEPT).await?;
        tx.commit().await?;
        Ok(Pruned {
            sessions,
            tries,
            events,
            answers,
            invitations,
            access_tokens,
        })
    }
}
