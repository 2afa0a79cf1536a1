//! Repeated requests: the first one with a key is carried out, its repeats get the same answer. A key
//! belongs to one actor and one route and to one body; a request that dies with its process gives
//! the key back when its lease runs out, unless it had already done what was asked: that is noted in
//! the transaction that does it, so that nothing is done twice even when the answer was lost.

use std::fmt::Write as _;
use std::future::Future;

use store::idempotency::{Key, Times};

use store::Tx;

use crate::{Context, Error, Result};

tokio::task_local! {
    /// The ticket of the request that this task carries out.
    static TICKET: String;
}

/// Longest key taken, in characters.
const LONGEST: usize = 255;
/// Largest answer kept, in bytes.
const LARGEST: usize = 1 << 20;

/// Keeps answers by key.
#[derive(Clone, Debug)]
pub struct IdempotencyService {
    context: Context,
}

/// What makes two requests the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Who asks, see `ActorRef::key`.
    pub actor: String,
    /// Method and path.
    pub route: String,
    /// What the caller chose.
    pub key: String,
    /// Hash of the body.
    pub body_hash: String,
}

/// Proof of being the request that holds a key.
#[derive(Debug)]
pub struct Ticket(String);

/// Where a request with a key stands.
#[derive(Debug)]
pub enum Begun {
    /// It is the first: carry it out, then finish or abandon it.
    Fresh(Ticket),
    /// It was carried out; this is what was answered.
    Replay {
        /// Status.
        status: u16,
        /// Body, without secrets.
        body: String,
    },
    /// The first is still being carried out.
    Running,
    /// It was carried out, but the server stopped before it could answer.
    AnswerLost {
        /// What was done, in a sentence.
        done: String,
    },
    /// The key was used for another body.
    OtherBody,
}

impl IdempotencyService {
    pub(crate) fn new(context: Context) -> Self {
        Self { context }
    }

    /// Takes a key, or says what is kept under it.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `Idempotency-Key` for a key of no or too many characters, or of other
    /// than visible ASCII ones.
    pub async fn begin(&self, key: IdempotencyKey) -> Result<Begun> {
        let fit =
            (1..=LONGEST).contains(&key.key.len()) && key.key.bytes().all(|b| b.is_ascii_graphic());
        if !fit {
            return Err(Error::invalid(
                "Idempotency-Key",
                format!("Use 1 to {LONGEST} visible ASCII characters, such as a UUID."),
            ));
        }
        let settings = &self.context.settings;
        let now = self.context.now();
        let times = Times {
            now,
            lease_until: now + settings.idempotency_lease,
            expires_at: now + settings.idempotency_life,
        };
        let ticket = self.ticket();
        let row = Key {
            actor: &key.actor,
            route: &key.route,
            key: &key.key,
            body_hash: &key.body_hash,
        };
        let mut tx = self.context.db.begin().await?;
        if store::idempotency::take(&mut tx, row, &ticket, times).await? {
            tx.commit().await?;
            return Ok(Begun::Fresh(Ticket(ticket)));
        }
        // Nothing there any more: it was given back in this moment, and its repeat will be the first.
        let Some(held) = store::idempotency::held(&mut tx, row).await? else {
            return Ok(Begun::Running);
        };
        Ok(match held.answer {
            _ if held.body_hash != key.body_hash => Begun::OtherBody,
            Some((status, body)) => Begun::Replay { status, body },
            None if held.lease_until <= now && !held.done.is_empty() => {
                Begun::AnswerLost { done: held.done }
            }
            None => Begun::Running,
        })
    }

    /// Gives up on requests that a process before this one left without an answer, so that their
    /// repeats need not wait. To be called before the first request; does nothing on `PostgreSQL`,
    /// where that process may still live.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn inherit(&self) -> Result<()> {
        if self.context.db.engine() != "sqlite" {
            return Ok(());
        }
        let mut tx = self.context.db.begin().await?;
        store::idempotency::inherit(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Carries a request out under its ticket: whatever it writes is noted beside its key.
    pub async fn within<F: Future>(&self, ticket: &Ticket, request: F) -> F::Output {
        TICKET.scope(ticket.0.clone(), request).await
    }

    fn ticket(&self) -> String {
        let mut bytes = [0; 16];
        self.context.entropy.fill(&mut bytes);
        bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Keeps the answer. Answers that a repeat may do better than (401, 429, 5xx) and ones that are
    /// too large are not kept: the key is given back.
    ///
    /// # Errors
    /// When the database fails; the key is free again when its lease has run out.
    pub async fn finish(&self, ticket: Ticket, status: u16, body: &str) -> Result<()> {
        if matches!(status, 401 | 429 | 500..) || body.len() > LARGEST || body.contains('\0') {
            return self.abandon(ticket).await;
        }
        let until = self.context.now() + self.context.settings.idempotency_life;
        let mut tx = self.context.db.begin().await?;
        store::idempotency::finish(&mut tx, &ticket.0, status, body, until).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives the key back, so that a repeat counts as the first; not when something was done.
    ///
    /// # Errors
    /// When the database fails; the key is free again when its lease has run out.
    pub async fn abandon(&self, ticket: Ticket) -> Result<()> {
        let mut tx = self.context.db.begin().await?;
        store::idempotency::abandon(&mut tx, &ticket.0).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Notes beside the key of the request in hand, if it came with one, that this was done.
pub(crate) async fn note(tx: &mut Tx, what: &str) -> Result<()> {
    if let Ok(ticket) = TICKET.try_with(Clone::clone) {
        store::idempotency::did(tx, &ticket, what).await?;
    }
    Ok(())
}
