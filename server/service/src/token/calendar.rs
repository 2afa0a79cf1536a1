//! What falls due with time. Ends are carried out like revocations, every second and by whichever
//! process comes first; what fell due while none ran is carried out before a server calls itself ready,
//! and how late it was is kept. Reminders and counting go on beside it, so that a slow mail server or a
//! silent Prometheus never delays an end.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::token::EndReason;
use model::{Actor, InstanceId, Timestamp, may};
use store::Wake;
use store::token::Token;
use tokio::time::{Instant, sleep, timeout_at};

use super::revoke::{Ending, end, shown};
use super::view::announce;
use super::{TokenService, WHAT};
use crate::audit::Entry;
use crate::context::authorise;
use crate::{Origin, Result, audit};

/// An issue that neither went on nor was given up for so long was broken off by a crash.
const BROKEN_OFF: Duration = Duration::from_mins(1);
/// Instances looked at in one go.
const MANY: u32 = 200;
/// Lateness below this is the calendar's own pace.
const ON_TIME: Duration = Duration::from_secs(5);
/// Pauses between two looks.
const SWEEP: Duration = Duration::from_secs(10);
const REMIND: Duration = Duration::from_mins(1);
const COUNT: Duration = Duration::from_secs(10);
/// Pause between two looks at whether a gate was written.
const WRITTEN: Duration = Duration::from_millis(50);

/// When what was done last.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    swept: Turn,
    reminded: Arc<Turn>,
    counted: Arc<Turn>,
}

#[derive(Debug, Default)]
struct Turn {
    last: Mutex<Option<Timestamp>>,
    under_way: AtomicBool,
}

impl Turn {
    /// Whether so long has passed; then it counts as done now. So it does when the clock was put back.
    fn is_due(&self, now: Timestamp, every: Duration) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| now < last || now.since(last) >= every);
        if due {
            *last = Some(now);
        }
        due
    }
}

/// Marks a turn as over, however it ends.
struct Over(Arc<Turn>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.under_way.store(false, Ordering::SeqCst);
    }
}

/// Does something beside the calendar, unless it is still at it.
fn beside<F>(turn: &Arc<Turn>, what: &'static str, work: F)
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    if turn.under_way.swap(true, Ordering::SeqCst) {
        return;
    }
    let over = Over(Arc::clone(turn));
    tokio::spawn(async move {
        if let Err(error) = work.await {
            tracing::warn!(%error, "{what} could not be carried out; they are tried again.");
        }
        drop(over);
    });
}

impl TokenService {
    /// Carries out what is due; to be called about every second, by as many processes as one likes.
    ///
    /// # Errors
    /// When the database fails; what was not done is done by a later call.
    pub async fn calendar_round(&self) -> Result<()> {
        let now = self.context.now();
        let ended = self.expire().await.map(|_| ());
        let mut swept = Ok(());
        if self.calendar.swept.is_due(now, SWEEP) {
            swept = self.sweep().await;
        }
        if self.calendar.reminded.is_due(now, REMIND) {
            let of = self.clone();
            let work = async move { of.remind().await.map(|_| ()) };
            beside(&self.calendar.reminded, "Reminders", work);
        }
        if self.calendar.counted.is_due(now, COUNT) {
            let of = self.clone();
            let work = async move { of.count_uses().await.map(|_| ()) };
            beside(&self.calendar.counted, "Counts of uses", work);
        }
        ended.and(swept)
    }

    /// Revokes what fell due while no server ran, and waits until the clusters were given those gates,
    /// for so long at most. To be called before a server calls itself ready, with the keeper running.
    /// How many tokens end by it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn catch_up(&self, within: Duration) -> Result<u32> {
        let until = Instant::now() + within;
        let (many, moved) = self.expire().await?;
        let mut bell = self.context.db.listen(Wake::Events);
        for (instance, generation) in moved {
            while store::token::written_generation(&self.context.db, &instance).await? < generation
            {
                let pause = async {
                    tokio::select! {
                        _ = bell.changed() => {}
                        () = sleep(WRITTEN) => {}
                    }
                };
                if timeout_at(until, pause).await.is_err() {
                    tracing::warn!(%instance, "A gate that refuses tokens which fell due could not be written yet.");
                    return Ok(many);
                }
            }
        }
        Ok(many)
    }

    /// Ends every token whose time is over: how many, and the gates that refuse them.
    async fn expire(&self) -> Result<(u32, Vec<(InstanceId, i64)>)> {
        let mut moved = Vec::new();
        let mut many = 0;
        let mut failed = None;
        loop {
            let due = store::token::due(&self.context.db, self.context.now(), MANY).await?;
            let before = many;
            for instance in &due {
                match self.expire_of(instance).await {
                    Ok(None) => {}
                    Ok(Some((ended, generation))) => {
                        many += ended;
                        moved.push((instance.clone(), generation));
                    }
                    // One instance must not keep the others from it.
                    Err(error) => {
                        tracing::warn!(%error, %instance, "Tokens that are due could not be ended.");
                        failed = Some(error);
                    }
                }
            }
            if due.len() < MANY as usize || many == before {
                break;
            }
        }
        failed.map_or(Ok((many, moved)), Err)
    }

    async fn expire_of(&self, instance: &InstanceId) -> Result<Option<(u32, i64)>> {
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        store::instance::lock(&mut tx, instance).await?;
        let tokens = store::token::due_of(&mut tx, instance, now).await?;
        let Some(first) = tokens.first() else {
            return Ok(None);
        };
        let may = authorise::<may::RevokeToken>(&Actor::System, Some(first.tenant_id), WHAT)?;
        let ending = Ending {
            instance,
            tokens: &tokens,
            how: &|token| over(token, now),
            now,
        };
        let generation = end(&mut tx, &may, ending).await?;
        for token in &tokens {
            let (reason, late) = over(token, now);
            let (action, why) = if reason == EndReason::Expired {
                ("token.expire", "expired")
            } else {
                ("token.retire", "was rotated, and its overlap is over")
            };
            let late = late.map_or_else(String::new, |ms| format!(" That is {ms} ms late."));
            let entry = Entry::new(may.actor(), &Origin::local(), action)
                .of(Some(token.tenant_id))
                .about(WHAT, token.id)
                .summary(format!(
                    "The token {} ({}) of {} {why}.{late}",
                    token.name, token.hint, token.instance_name
                ))
                .change(&shown(token, token.state), &serde_json::Value::Null);
            audit::append(&mut tx, now, entry).await?;
        }
        for token in &tokens {
            announce(&mut tx, token.id, now).await?;
        }
        tx.commit().await?;
        Ok(Some((
            u32::try_from(tokens.len()).unwrap_or(u32::MAX),
            generation,
        )))
    }

    /// Gives up tokens whose issue was broken off by a crash; the keeper removes what is left of them.
    async fn sweep(&self) -> Result<()> {
        let before = self.context.now() - BROKEN_OFF;
        for token in store::token::half_written(&self.context.db, before, MANY).await? {
            self.give_up(&token).await?;
        }
        Ok(())
    }

    async fn give_up(&self, token: &Token) -> Result<()> {
        const WHY: &str =
            "The server stopped while it was being issued; what is left of it is being removed.";
        let now = self.context.now();
        let may = authorise::<may::RevokeToken>(&Actor::System, Some(token.tenant_id), WHAT)?;
        let mut tx = self.context.db.begin().await?;
        store::instance::lock(&mut tx, &token.instance_id).await?;
        if !store::token::fail(&mut tx, &may, token.id, WHY, now).await? {
            return Ok(());
        }
        store::gate::nudge(&mut tx, &token.instance_id, now).await?;
        let entry = Entry::new(may.actor(), &Origin::local(), "token.issue")
            .of(Some(token.tenant_id))
            .about(WHAT, token.id)
            .summary(format!(
                "The token {} ({}) of {} was not issued: the server stopped in between.",
                token.name, token.hint, token.instance_name
            ));
        audit::append(&mut tx, now, entry).await?;
        announce(&mut tx, token.id, now).await?;
        if let Some(replaced) = token.replaces
            && store::token::restore(&mut tx, &may, replaced).await?
        {
            announce(&mut tx, replaced, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Why a due token ends, and how late that is.
fn over(token: &Token, now: Timestamp) -> (EndReason, Option<u64>) {
    let late = now.since(token.due_at);
    let late = (late > ON_TIME).then(|| u64::try_from(late.as_millis()).unwrap_or(u64::MAX));
    if token.expires_at <= now {
        (EndReason::Expired, late)
    } else {
        (EndReason::Rotated, late)
    }
}
