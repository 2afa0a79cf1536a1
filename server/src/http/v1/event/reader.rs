//! Reads the event table for one subscriber, as fast as the subscriber takes it: one batch is in
//! memory at a time. Woken by commits, with polling as the safety net; asks again who is listening,
//! so that a revoked token or an ended session hears nothing more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, Stream};
use model::event::Event;
use model::{Actor, Timestamp};
use service::{Error, Services};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::http::answer::Answer;
use crate::http::caller::{Caller, Credential};
use crate::http::state::AppState;

/// Events read at once.
const BATCH: u32 = 100;

/// How often the server's time is told.
const CLOCK: Duration = Duration::from_secs(10);

/// How often it is asked who is listening, and the table is read without being woken.
const RECHECK: Duration = Duration::from_secs(4);

/// The code of the refusal to read on from where events are no longer kept.
const PRUNED: &str = "events_pruned";

/// What a subscriber hears.
#[derive(Debug)]
pub enum Heard {
    /// Something happened.
    Event(Event),
    /// The server's time; the stream lives.
    Clock(Timestamp),
    /// Events were missed for good; go on behind this id.
    Reset(i64),
}

/// One subscriber's place in the stream.
pub struct Reader {
    services: Arc<Services>,
    actor: Actor,
    credential: Credential,
    after: i64,
    waiting: VecDeque<Event>,
    bell: watch::Receiver<u64>,
    draining: watch::Receiver<bool>,
    clock: tokio::time::Interval,
    recheck: tokio::time::Interval,
    /// Whether the table may hold more than was read.
    unread: bool,
}

impl Reader {
    /// Begins behind `after`, or from now on. The wake-up is subscribed to before the table is read,
    /// so that nothing falls in between.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(state: &AppState, caller: Caller, after: Option<i64>) -> Answer<Self> {
        let services = Arc::clone(&state.services);
        let bell = services.event.listen();
        let after = match after {
            Some(after) => after,
            None => services.event.head().await?,
        };
        // The first tick tells the time at once: the subscriber knows that the stream lives.
        let mut clock = interval_at(Instant::now(), CLOCK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut recheck = interval_at(Instant::now() + RECHECK, RECHECK);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            services,
            actor: caller.actor,
            credential: caller.credential,
            after,
            waiting: VecDeque::new(),
            bell,
            draining: state.draining.clone(),
            clock,
            recheck,
            unread: true,
        })
    }

    /// What is heard, until the caller may not listen any more or the server stops.
    pub fn into_stream(self) -> impl Stream<Item = Heard> + Send + 'static {
        stream::unfold(self, |mut reader| async move {
            let heard = reader.next().await?;
            Some((heard, reader))
        })
    }

    async fn next(&mut self) -> Option<Heard> {
        loop {
            if *self.draining.borrow() {
                return None;
            }
            if let Some(event) = self.waiting.pop_front() {
                self.after = event.id;
                return Some(Heard::Event(event));
            }
            if self.unread {
                if let Some(heard) = self.read().await? {
                    return Some(heard);
                }
                continue;
            }
            tokio::select! {
                _ = self.clock.tick() => {
                    return Some(Heard::Clock(self.services.context.now()));
                }
                _ = self.recheck.tick() => {
                    self.actor = self.still_there().await?;
                    self.unread = true;
                }
                changed = self.bell.changed() => {
                    changed.ok()?;
                    self.unread = true;
                }
                stopped = self.draining.changed() => stopped.ok()?,
            }
        }
    }

    /// Reads the next batch. The head is taken before the batch: where nothing visible is left, all up
    /// to there has been read, and the place moves on with it so that pruning does not overtake it.
    async fn read(&mut self) -> Option<Option<Heard>> {
        self.bell.mark_unchanged();
        let events = &self.services.event;
        let read = async {
            let head = events.head().await?;
            let batch = events.since(&self.actor, self.after, BATCH).await?;
            Ok::<_, Error>((head, batch))
        };
        match read.await {
            Ok((head, batch)) if batch.is_empty() => {
                self.after = self.after.max(head);
                self.unread = false;
                Some(None)
            }
            Ok((_, batch)) => {
                self.waiting = batch.into();
                Some(None)
            }
            Err(Error::Conflict { code: PRUNED, .. }) => {
                let head = events.head().await.ok()?;
                self.after = head;
                Some(Some(Heard::Reset(head)))
            }
            Err(error) => {
                tracing::warn!(%error, "A stream of events ended; its client will connect again.");
                None
            }
        }
    }

    /// Who is listening now; nobody ends the stream. A database that is away ends it as well: the
    /// client connects again and is asked anew.
    async fn still_there(&self) -> Option<Actor> {
        let actor = self.credential.still(&self.services).await.ok()?;
        (actor != Actor::Anonymous).then_some(actor)
    }
}
