//! Gates: which consumers pass an instance's gate, at which generation, and how far that is written
//! and proven. The wish is a pure function of rows that one statement reads, and [`bump`] is the only
//! way to a next generation, in the transaction that changes what the wish follows from: equal
//! generations mean equal content, whoever writes them to the cluster. Whoever takes an instance and
//! its gate takes them in that order.

pub mod claim;
pub mod token;
mod write;

use model::cluster::ClusterName;
use model::enforcement::Progress;
use model::instance::InstanceState;
use model::{Authorised, InstanceId, Timestamp, may};

pub use self::claim::Held;
pub use self::write::{Seen, moved, note, prove, rotate, settle_watchman};
pub(crate) use self::{
    claim::STATEMENTS as CLAIM, token::STATEMENTS as TOKEN, write::STATEMENTS as WRITE,
};
use crate::sql::{on, sql};
use crate::{Db, Error, Result, Tx, Wake};

sql! {
    INSERT = "insert into gate (instance_id, wished_at, watchman_since, run_after) values ($1, $2, $2, $3)";
    NEXT = "update instance set gate_generation = gate_generation + 1 where id = $1 returning gate_generation";
    JUMP = "update instance set gate_generation = $2 where id = $1 and gate_generation < $2";
    WISHED = "update gate set wished_at = $2, run_after = $2, nudged = nudged + 1 where instance_id = $1";
    NUDGE = "update gate set run_after = $2, nudged = nudged + 1 where instance_id = $1";
    NUDGE_CLUSTER = "update gate set run_after = $2, nudged = nudged + 1 where run_after > $2 \
        and attempts > 0 and instance_id in (select id from instance where cluster = $1)";
    BY_ID = "select i.id, i.gate_generation, i.state, g.wished_at, g.written_generation, g.proven_generation, \
        g.proven_at, g.progress, g.waiting, g.unproven_since, g.watchman_epoch, g.watchman_before, \
        g.watchman_since, g.moved_at, g.nudged, (select string_agg(t.consumer, ',') from token t \
        where t.instance_id = i.id and t.written = true and t.state in ('issuing', 'active')) as consumers \
        from instance i join gate g on g.instance_id = i.id where i.id = $1";
    NEXT_DUE = "select (select cast(min(run_after) as bigint) from gate where lease_owner is null) as due, \
        (select cast(min(lease_until) as bigint) from gate where lease_owner is not null) as lost";
    NUDGED = "select instance_id, nudged from gate where lease_owner = $1";
    UNPROVEN = "select count(*), cast(coalesce(min(unproven_since), 0) as bigint) from gate where unproven_since is not null";
    TO_MOVE = "select i.id, g.moved_at, (select cast(max(h.moved_at) as bigint) from gate h \
            join instance j on j.id = h.instance_id where j.cluster = $1) as latest \
        from instance i join gate g on g.instance_id = i.id where i.cluster = $1 and i.state = 'running' \
        and g.proven_generation >= i.gate_generation order by g.moved_at, i.id limit 1";
}

/// The name of a watchman's consumer.
#[must_use]
pub fn watchman(epoch: u32) -> String {
    format!("watchman{epoch}")
}

/// Whose transaction may move a gate.
pub trait GateProof: Sync {}
impl GateProof for Authorised<may::IssueToken> {}
impl GateProof for Authorised<may::RevokeToken> {}
impl GateProof for Authorised<may::DeleteInstance> {}
impl GateProof for crate::operation::Held {}
impl GateProof for Held {}

/// The gate as the rows ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Grows with every change of what is below.
    pub generation: i64,
    /// Consumers that may pass, in order; none for a closed door.
    pub open_to: Vec<String>,
}

/// A gate's row together with its wish, as one statement read them.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The instance.
    pub instance: InstanceId,
    /// Where the instance is in its life.
    pub state: InstanceState,
    /// What is wished for.
    pub wish: Wish,
    /// Since when.
    pub wished_at: Timestamp,
    /// Generation that the cluster has taken.
    pub written: i64,
    /// Generation that every worker of the gateway has shown.
    pub proven: i64,
    /// When it was proven.
    pub proven_at: Option<Timestamp>,
    /// How far the latest proof is, or came.
    pub progress: Option<Progress>,
    /// What the proof waits for, as a sentence.
    pub waiting: Option<String>,
    /// Since when a proof has been overdue.
    pub unproven_since: Option<Timestamp>,
    /// Epoch of the watchman.
    pub watchman: u32,
    /// Epoch of the watchman before, while that one still passes.
    pub watchman_before: Option<u32>,
    /// Since when the watchman has had its epoch.
    pub watchman_since: Timestamp,
    /// When the gate was last moved to measure how long that takes.
    pub moved_at: Timestamp,
    /// Counts the nudges.
    pub nudged: i64,
}

impl Gate {
    /// Whether every worker has shown what is wished for.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.proven >= self.wish.generation
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    gate_generation: i64,
    state: String,
    wished_at: i64,
    written_generation: i64,
    proven_generation: i64,
    proven_at: Option<i64>,
    progress: Option<String>,
    waiting: Option<String>,
    unproven_since: Option<i64>,
    watchman_epoch: i64,
    watchman_before: Option<i64>,
    watchman_since: i64,
    moved_at: i64,
    nudged: i64,
    consumers: Option<String>,
}

pub(crate) fn epoch(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(1)
}

impl TryFrom<Row> for Gate {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let id = row.id.clone();
        let broken = |why: &dyn std::fmt::Display| Error::broken("gate", &id, why);
        let at = Timestamp::from_micros;
        let state = InstanceState::parse(&row.state).ok_or_else(|| broken(&"state"))?;
        let (watchman_epoch, before) = (epoch(row.watchman_epoch), row.watchman_before.map(epoch));
        let closed = matches!(state, InstanceState::Deleting | InstanceState::Deleted);
        let mut open_to = Vec::new();
        if !closed {
            let tokens = row.consumers.as_deref().unwrap_or_default();
            open_to.extend(
                tokens
                    .split(',')
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned),
            );
            open_to.push(watchman(watchman_epoch));
            open_to.extend(before.map(watchman));
            open_to.sort_unstable();
        }
        let progress = row
            .progress
            .as_deref()
            .map(serde_json::from_str)
            .transpose();
        Ok(Self {
            instance: row.id.parse().map_err(|e| broken(&e))?,
            state,
            wish: Wish {
                generation: row.gate_generation,
                open_to,
            },
            wished_at: at(row.wished_at),
            written: row.written_generation,
            proven: row.proven_generation,
            proven_at: row.proven_at.map(at),
            progress: progress.map_err(|e| broken(&e))?,
            waiting: row.waiting,
            unproven_since: row.unproven_since.map(at),
            watchman: watchman_epoch,
            watchman_before: before,
            watchman_since: at(row.watchman_since),
            moved_at: at(row.moved_at),
            nudged: row.nudged,
        })
    }
}

/// Adds the gate of an instance that was just added; nobody looks at it before it is nudged, since the
/// creation itself sets it up.
pub(crate) async fn insert(tx: &mut Tx, instance: &InstanceId, now: Timestamp) -> Result<()> {
    on!(tx.handle(), (c, sql) = INSERT => {
        sqlx::query(sql)
            .bind(instance.as_str())
            .bind(now.micros())
            .bind(claim::NEVER.micros())
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The next generation of an instance's gate, because what it lets pass changes in this transaction.
/// Several changes in one transaction are one generation: call it once. Wakes whoever enforces it.
///
/// # Errors
/// As the database reports; an error when there is no such instance.
pub async fn bump(
    tx: &mut Tx,
    _proof: &impl GateProof,
    instance: &InstanceId,
    now: Timestamp,
) -> Result<i64> {
    let row: Option<(i64,)> = on!(tx.handle(), (c, sql) = NEXT => {
        sqlx::query_as(sql).bind(instance.as_str()).fetch_optional(c).await?
    });
    let (generation,) = row.ok_or_else(|| Error::broken("gate", instance, "no such instance"))?;
    on!(tx.handle(), (c, sql) = WISHED => {
        sqlx::query(sql).bind(instance.as_str()).bind(now.micros()).execute(c).await?;
    });
    tx.wake(Wake::Work);
    Ok(generation)
}

/// Moves a gate beyond a generation that stands on the cluster although no row knows of it, as after a
/// backup was restored.
///
/// # Errors
/// As [`bump`].
pub async fn jump(tx: &mut Tx, held: &Held, beyond: i64, now: Timestamp) -> Result<i64> {
    on!(tx.handle(), (c, sql) = JUMP => {
        sqlx::query(sql).bind(held.instance().as_str()).bind(beyond).execute(c).await?;
    });
    bump(tx, held, held.instance(), now).await
}

/// Has a gate looked at now although nothing about its wish changed: something is to be repaired or
/// cleaned up.
///
/// # Errors
/// As the database reports.
pub async fn nudge(tx: &mut Tx, instance: &InstanceId, now: Timestamp) -> Result<()> {
    on!(tx.handle(), (c, sql) = NUDGE => {
        sqlx::query(sql).bind(instance.as_str()).bind(now.micros()).execute(c).await?;
    });
    tx.wake(Wake::Work);
    Ok(())
}

/// Has every gate of a cluster that waits out a failure looked at now, because the cluster answers
/// again.
///
/// # Errors
/// As the database reports.
pub async fn nudge_cluster(tx: &mut Tx, cluster: &ClusterName, now: Timestamp) -> Result<u64> {
    let many = on!(tx.handle(), (c, sql) = NUDGE_CLUSTER => {
        sqlx::query(sql).bind(cluster.as_str()).bind(now.micros()).execute(c).await?.rows_affected()
    });
    if many > 0 {
        tx.wake(Wake::Work);
    }
    Ok(many)
}

/// A gate with its wish; none when there is no such instance.
///
/// # Errors
/// As the database reports.
pub async fn by_id(db: &Db, instance: &InstanceId) -> Result<Option<Gate>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = BY_ID => {
        sqlx::query_as(sql).bind(instance.as_str()).fetch_optional(c).await?
    });
    row.map(Gate::try_from).transpose()
}

/// The same, as this transaction sees it.
///
/// # Errors
/// As the database reports.
pub async fn by_id_in(tx: &mut Tx, instance: &InstanceId) -> Result<Option<Gate>> {
    let row: Option<Row> = on!(tx.handle(), (c, sql) = BY_ID => {
        sqlx::query_as(sql).bind(instance.as_str()).fetch_optional(c).await?
    });
    row.map(Gate::try_from).transpose()
}

/// What is wished for at an instance's gate; none when there is no such instance.
///
/// # Errors
/// As the database reports.
pub async fn wish(db: &Db, instance: &InstanceId) -> Result<Option<Wish>> {
    Ok(by_id(db, instance).await?.map(|gate| gate.wish))
}

/// When a gate is due next, or a claim on one runs out; none when there is none.
///
/// # Errors
/// As the database reports.
pub async fn next_due(db: &Db) -> Result<Option<Timestamp>> {
    let (due, lost): (Option<i64>, Option<i64>) = on!(db.read(), (c, sql) = NEXT_DUE => {
        sqlx::query_as(sql).fetch_one(c).await?
    });
    Ok(due
        .into_iter()
        .chain(lost)
        .min()
        .map(Timestamp::from_micros))
}

/// The gates that an owner holds, with the count of their nudges.
///
/// # Errors
/// As the database reports.
pub async fn nudged(db: &Db, owner: &str) -> Result<Vec<(InstanceId, i64)>> {
    let rows: Vec<(String, i64)> = on!(db.read(), (c, sql) = NUDGED => {
        sqlx::query_as(sql).bind(owner).fetch_all(c).await?
    });
    rows.into_iter()
        .map(|(id, count)| {
            let instance = id.parse().map_err(|e| Error::broken("gate", &id, e))?;
            Ok((instance, count))
        })
        .collect()
}

/// How many gates have an overdue proof, and since when the oldest has.
///
/// # Errors
/// As the database reports.
pub async fn unproven(db: &Db) -> Result<(u32, Option<Timestamp>)> {
    let (many, since): (i64, i64) = on!(db.read(), (c, sql) = UNPROVEN => {
        sqlx::query_as(sql).fetch_one(c).await?
    });
    let since = (many > 0).then(|| Timestamp::from_micros(since));
    Ok((u32::try_from(many).unwrap_or(u32::MAX), since))
}

/// The gate of a cluster's running instance that was moved longest ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToMove {
    /// The instance.
    pub instance: InstanceId,
    /// When its gate was moved.
    pub moved_at: Timestamp,
    /// When any gate of that cluster was.
    pub latest: Timestamp,
}

/// Which gate of a cluster is to be moved next; none when no running instance has a proven one.
///
/// # Errors
/// As the database reports.
pub async fn to_move(db: &Db, cluster: &ClusterName) -> Result<Option<ToMove>> {
    let row: Option<(String, i64, i64)> = on!(db.read(), (c, sql) = TO_MOVE => {
        sqlx::query_as(sql).bind(cluster.as_str()).fetch_optional(c).await?
    });
    row.map(|(id, at, latest)| {
        Ok(ToMove {
            instance: id.parse().map_err(|e| Error::broken("gate", &id, e))?,
            moved_at: Timestamp::from_micros(at),
            latest: Timestamp::from_micros(latest),
        })
    })
    .transpose()
}
