//! Hands the trail on to collectors outside: at least once, each chain in its order, by one process at
//! a time. The mark of what was handed on moves only after the collector has taken it, so that a crash
//! anywhere means that some rows come twice, and none is left out.

use std::sync::Arc;
use std::time::Duration;

use model::{Actor, Timestamp};
use store::audit::delivery::{self, Lag};
use store::lease::{self, Lease};
use tokio::sync::watch;
use tokio::time::sleep;

use super::export::json_line;
use super::list::view;
use super::{AuditService, Delivered, Sink, staff_only};
use crate::work::holder;
use crate::{Context, Result, Services};

/// Most rows that are handed over at once, most of them of one chain, and most chains they come from.
const ROWS: usize = 500;
const OF_A_CHAIN: u32 = 200;
const CHAINS: u32 = 50;
/// Most bytes that are handed over at once, unless one row has more.
const BYTES: usize = 1024 * 1024;
/// How long a process may hold the duty without handing anything on; a collector has less time than
/// that for one batch.
const LEASE: Duration = Duration::from_mins(1);
/// Pause between two looks for rows.
const POLL: Duration = Duration::from_secs(1);
/// Pause after a first failure; it doubles with each up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);
/// Most characters kept of what a collector said.
const SAID: usize = 300;

/// How a collector stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkLag {
    /// The collector.
    pub sink: String,
    /// Rows that wait to be handed on.
    pub rows: u64,
    /// How old the oldest of them is.
    pub oldest: Duration,
    /// When something was handed on last.
    pub delivered_at: Option<Timestamp>,
    /// Since when it takes nothing, and what it said.
    pub failing: Option<(Timestamp, String)>,
}

/// What became of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Round {
    /// Nothing waits.
    Idle,
    /// So many rows were taken.
    Delivered(usize),
    /// The collector took nothing, for this reason.
    Failed(String),
    /// Another process hands rows on.
    Elsewhere,
}

/// Hands rows on to one collector.
#[derive(Clone, Debug)]
pub struct Deliverer {
    services: Arc<Services>,
    sink: Arc<dyn Sink>,
    name: String,
}

impl Deliverer {
    /// For that collector; `name` is what its lease shows, made unique here.
    pub fn new(services: Arc<Services>, sink: Arc<dyn Sink>, name: &str) -> Self {
        let name = holder(&services, name);
        Self {
            services,
            sink,
            name,
        }
    }

    fn context(&self) -> &Context {
        &self.services.context
    }

    /// Hands rows on until `stop` turns true.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut pause = FIRST;
        while !*stop.borrow() {
            let round = self.round().await;
            let wait = match &round {
                Ok(Round::Delivered(_)) => {
                    pause = FIRST;
                    continue;
                }
                Ok(Round::Idle | Round::Elsewhere) => POLL,
                Ok(Round::Failed(said)) => {
                    tracing::warn!(
                        sink = self.sink.name(),
                        said,
                        "The audit trail could not be handed on; tried again in {pause:?}."
                    );
                    let wait = pause;
                    pause = (pause * 2).min(LONGEST);
                    wait
                }
                Err(error) => {
                    tracing::warn!(%error, "What waits to be handed on could not be read.");
                    POLL
                }
            };
            tokio::select! {
                _ = stop.changed() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Hands some rows on, if any wait and nobody else is at it.
    ///
    /// # Errors
    /// When the database fails; what was handed over then comes again.
    pub async fn round(&self) -> Result<Round> {
        let (db, sink) = (&self.context().db, self.sink.name());
        if delivery::behind(db, sink, 1).await?.is_empty() {
            return Ok(Round::Idle);
        }
        let duty = format!("audit sink {sink}");
        let mut tx = db.begin().await?;
        let taken = lease::take(&mut tx, &duty, &self.name, LEASE, self.context().now()).await?;
        tx.commit().await?;
        let Some(held) = taken else {
            return Ok(Round::Elsewhere);
        };
        let round = self.hand_on(&held).await;
        let mut tx = db.begin().await?;
        lease::end(&mut tx, &held).await?;
        tx.commit().await?;
        round
    }

    async fn hand_on(&self, held: &Lease) -> Result<Round> {
        // Read behind the lease: whoever held it before has moved the marks.
        let rows = self.waiting().await?;
        if rows.is_empty() {
            return Ok(Round::Idle);
        }
        let taken = self.sink.deliver(&rows).await;
        let (now, sink) = (self.context().now(), self.sink.name());
        let mut tx = self.context().db.begin().await?;
        if !lease::renew(&mut tx, held, LEASE, now).await? {
            return Ok(Round::Elsewhere);
        }
        let round = match taken {
            Ok(()) => {
                delivery::mark(&mut tx, held, sink, &places(&rows), now).await?;
                Round::Delivered(rows.len())
            }
            Err(error) => {
                let said = error.to_string();
                let said: String = said
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(SAID)
                    .collect();
                delivery::failed(&mut tx, held, sink, &said, now).await?;
                Round::Failed(said)
            }
        };
        tx.commit().await?;
        Ok(round)
    }

    /// The next rows: those of several chains by time, each chain in its own order.
    async fn waiting(&self) -> Result<Vec<Delivered>> {
        let db = &self.context().db;
        let mut rows = Vec::new();
        for (chain, mark) in delivery::behind(db, self.sink.name(), CHAINS).await? {
            // A clock that was set back must not put a row before the one it follows.
            let mut latest = Timestamp::from_micros(i64::MIN);
            for record in store::audit::upwards(db, &chain, mark, OF_A_CHAIN).await? {
                latest = latest.max(record.at);
                rows.push((latest, record));
            }
        }
        rows.sort_by(|(a, one), (b, other)| {
            (a, &one.chain, one.sequence).cmp(&(b, &other.chain, other.sequence))
        });
        let mut bytes = 0;
        let mut waiting = Vec::new();
        for (_, record) in rows.into_iter().take(ROWS) {
            let row = view(record);
            let line = json_line(&row);
            bytes += line.len();
            if bytes > BYTES && !waiting.is_empty() {
                break;
            }
            waiting.push(Delivered { row, line });
        }
        Ok(waiting)
    }
}

/// The last row of each chain among them.
fn places(rows: &[Delivered]) -> Vec<(String, i64)> {
    let mut places = std::collections::BTreeMap::new();
    for one in rows {
        places.insert(one.row.chain.clone(), one.row.sequence);
    }
    places.into_iter().collect()
}

impl AuditService {
    /// How each collector stands that is configured; for the system and staff.
    ///
    /// # Errors
    /// As [`AuditService::verify_all`].
    pub async fn lags(&self, actor: &Actor) -> Result<Vec<SinkLag>> {
        staff_only(actor)?;
        let (now, mut lags) = (self.context.now(), Vec::new());
        for sink in &self.context.settings.audit_sinks {
            let Lag {
                rows,
                oldest,
                delivered_at,
                failing_since,
                failure,
            } = delivery::lag(&self.context.db, sink).await?;
            lags.push(SinkLag {
                sink: sink.clone(),
                rows,
                oldest: oldest.map_or(Duration::ZERO, |at| now.since(at)),
                delivered_at,
                failing: failing_since.map(|since| (since, failure)),
            });
        }
        Ok(lags)
    }
}
