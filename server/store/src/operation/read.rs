//! Reading operations, always whole: one row per step, grouped here. Pages run from the newest to
//! the oldest, so they start behind a text that sorts after every id.

use std::collections::BTreeMap;

use model::operation::{OperationKind, OperationState, StepName, StepState};
use model::{InstanceId, OperationId, TenantId, Timestamp};

use super::{Operation, Step};
use crate::sql::{Statement, on, sql};
use crate::{Db, Error, Result, Tx};

sql! {
    BY_ID = "select o.id, o.instance_id, i.name as instance_name, o.tenant_id, o.kind, o.state, o.wish, \
        o.summary, o.requested_by, o.created_at, o.started_at, o.finished_at, o.cause, o.cause_since, \
        o.cancel_requested_at, o.attempts, o.run_after, s.ordinal, s.name as step, s.state as step_state, \
        s.started_at as step_started_at, s.finished_at as step_finished_at, s.message, s.deadline_at \
        from operation o join instance i on i.id = o.instance_id join operation_step s on s.operation_id = o.id \
        where o.id = $1 order by s.ordinal";
    ACTIVE_OF = "select o.id, o.instance_id, i.name as instance_name, o.tenant_id, o.kind, o.state, o.wish, \
        o.summary, o.requested_by, o.created_at, o.started_at, o.finished_at, o.cause, o.cause_since, \
        o.cancel_requested_at, o.attempts, o.run_after, s.ordinal, s.name as step, s.state as step_state, \
        s.started_at as step_started_at, s.finished_at as step_finished_at, s.message, s.deadline_at \
        from operation o join instance i on i.id = o.instance_id join operation_step s on s.operation_id = o.id \
        where o.instance_id = $1 and o.state in ('queued', 'running', 'waiting', 'stuck') order by s.ordinal";
    BETWEEN = "select o.id, o.instance_id, i.name as instance_name, o.tenant_id, o.kind, o.state, o.wish, \
        o.summary, o.requested_by, o.created_at, o.started_at, o.finished_at, o.cause, o.cause_since, \
        o.cancel_requested_at, o.attempts, o.run_after, s.ordinal, s.name as step, s.state as step_state, \
        s.started_at as step_started_at, s.finished_at as step_finished_at, s.message, s.deadline_at \
        from operation o join instance i on i.id = o.instance_id join operation_step s on s.operation_id = o.id \
        where o.state in ('queued', 'running', 'waiting', 'stuck') and i.created_at >= $1 and i.created_at <= $2 \
        order by o.id desc, s.ordinal";
    LIST = "select o.id, o.instance_id, i.name as instance_name, o.tenant_id, o.kind, o.state, o.wish, \
        o.summary, o.requested_by, o.created_at, o.started_at, o.finished_at, o.cause, o.cause_since, \
        o.cancel_requested_at, o.attempts, o.run_after, s.ordinal, s.name as step, s.state as step_state, \
        s.started_at as step_started_at, s.finished_at as step_finished_at, s.message, s.deadline_at \
        from (select * from operation where ($1 = '' or state = $1) \
        and ($2 = '' or ($2 = 'yes') = (state in ('queued', 'running', 'waiting', 'stuck'))) \
        and ($3 = '' or instance_id = $3) and ($4 = '' or $4 like '%' || tenant_id || '%') \
        and id < $5 order by id desc limit $6) o \
        join instance i on i.id = o.instance_id join operation_step s on s.operation_id = o.id \
        order by o.id desc, s.ordinal";
    DURATIONS = "select o.kind, s.name, s.finished_at - s.started_at as micros from \
        (select id, kind from operation where state = 'succeeded' order by id desc limit 200) o \
        join operation_step s on s.operation_id = o.id \
        where s.state = 'succeeded' and s.started_at is not null and s.finished_at is not null";
    COUNT_ACTIVE = "select count(*) from operation where state in ('queued', 'running', 'waiting', 'stuck') \
        and ($1 = '' or $1 like '%' || tenant_id || '%')";
    NEXT_DUE = "select min(run_after) from operation \
        where state in ('queued', 'running', 'waiting', 'stuck') and lease_owner is null";
}

/// Which operations a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<OperationState>,
    /// Only active ones, or only ended ones.
    pub active: Option<bool>,
    /// Only of this instance.
    pub instance: Option<InstanceId>,
    /// Only of these tenants; none for all.
    pub tenants: Option<Vec<TenantId>>,
    /// Only older ones than this.
    pub before: Option<OperationId>,
}

/// Durations of finished steps in microseconds, by kind and step.
pub type Durations = BTreeMap<(OperationKind, StepName), Vec<u64>>;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    instance_id: String,
    instance_name: String,
    tenant_id: String,
    kind: String,
    state: String,
    wish: String,
    summary: String,
    requested_by: String,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    cause: Option<String>,
    cause_since: Option<i64>,
    cancel_requested_at: Option<i64>,
    attempts: i64,
    run_after: i64,
    ordinal: i64,
    step: String,
    step_state: String,
    step_started_at: Option<i64>,
    step_finished_at: Option<i64>,
    message: Option<String>,
    deadline_at: Option<i64>,
}

impl Row {
    fn broken(&self, why: impl ToString) -> Error {
        Error::broken("operation", &self.id, why)
    }

    fn step(&self) -> Result<Step> {
        Ok(Step {
            ordinal: u32::try_from(self.ordinal).unwrap_or(u32::MAX),
            name: StepName::parse(&self.step).ok_or_else(|| self.broken("step"))?,
            state: StepState::parse(&self.step_state).ok_or_else(|| self.broken("step state"))?,
            started_at: self.step_started_at.map(Timestamp::from_micros),
            finished_at: self.step_finished_at.map(Timestamp::from_micros),
            message: self.message.clone(),
            deadline_at: self.deadline_at.map(Timestamp::from_micros),
        })
    }

    fn operation(&self) -> Result<Operation> {
        let cause = self.cause.as_deref().map(serde_json::from_str);
        Ok(Operation {
            id: self.id.parse().map_err(|e| self.broken(e))?,
            instance_id: self.instance_id.parse().map_err(|e| self.broken(e))?,
            instance_name: self.instance_name.clone(),
            tenant_id: self.tenant_id.parse().map_err(|e| self.broken(e))?,
            kind: OperationKind::parse(&self.kind).ok_or_else(|| self.broken("kind"))?,
            state: OperationState::parse(&self.state).ok_or_else(|| self.broken("state"))?,
            wish: serde_json::from_str(&self.wish).map_err(|e| self.broken(e))?,
            summary: self.summary.clone(),
            requested_by: self.requested_by.clone(),
            created_at: Timestamp::from_micros(self.created_at),
            started_at: self.started_at.map(Timestamp::from_micros),
            finished_at: self.finished_at.map(Timestamp::from_micros),
            cause: cause.transpose().map_err(|e| self.broken(e))?,
            cause_since: self.cause_since.map(Timestamp::from_micros),
            cancel_requested_at: self.cancel_requested_at.map(Timestamp::from_micros),
            attempts: u32::try_from(self.attempts).unwrap_or(u32::MAX),
            run_after: Timestamp::from_micros(self.run_after),
            steps: Vec::new(),
        })
    }
}

fn group(rows: &[Row]) -> Result<Vec<Operation>> {
    let mut found: Vec<Operation> = Vec::new();
    let mut last = "";
    for row in rows {
        if row.id != last {
            found.push(row.operation()?);
            last = &row.id;
        }
        if let Some(operation) = found.last_mut() {
            operation.steps.push(row.step()?);
        }
    }
    Ok(found)
}

async fn one(db: &Db, statement: Statement, key: &str) -> Result<Option<Operation>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = statement => {
        sqlx::query_as(sql).bind(key).fetch_all(c).await?
    });
    Ok(group(&rows)?.into_iter().next())
}

async fn one_in(tx: &mut Tx, statement: Statement, key: &str) -> Result<Option<Operation>> {
    let rows: Vec<Row> = on!(tx.handle(), (c, sql) = statement => {
        sqlx::query_as(sql).bind(key).fetch_all(c).await?
    });
    Ok(group(&rows)?.into_iter().next())
}

/// One operation.
///
/// # Errors
/// As the database reports.
pub async fn by_id(db: &Db, id: OperationId) -> Result<Option<Operation>> {
    one(db, BY_ID, &id.to_string()).await
}

/// One operation, as this transaction sees it.
///
/// # Errors
/// As the database reports.
pub async fn by_id_in(tx: &mut Tx, id: OperationId) -> Result<Option<Operation>> {
    one_in(tx, BY_ID, &id.to_string()).await
}

/// The active operation of an instance.
///
/// # Errors
/// As the database reports.
pub async fn active_of(db: &Db, instance: &InstanceId) -> Result<Option<Operation>> {
    one(db, ACTIVE_OF, instance.as_str()).await
}

/// The active operation of an instance, as this transaction sees it.
///
/// # Errors
/// As the database reports.
pub async fn active_of_in(tx: &mut Tx, instance: &InstanceId) -> Result<Option<Operation>> {
    one_in(tx, ACTIVE_OF, instance.as_str()).await
}

/// The active operations of instances that were created in that span; for a page of instances.
///
/// # Errors
/// As the database reports.
pub async fn between(db: &Db, from: Timestamp, to: Timestamp) -> Result<Vec<Operation>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = BETWEEN => {
        sqlx::query_as(sql).bind(from.micros()).bind(to.micros()).fetch_all(c).await?
    });
    group(&rows)
}

/// Operations, newest first.
///
/// # Errors
/// As the database reports.
pub async fn list(db: &Db, filter: &Filter, limit: u32) -> Result<Vec<Operation>> {
    let active = filter
        .active
        .map_or("", |active| if active { "yes" } else { "no" });
    let before = filter
        .before
        .map_or_else(|| "zzzz".to_owned(), |id| id.to_string());
    let rows: Vec<Row> = on!(db.read(), (c, sql) = LIST => {
        sqlx::query_as(sql)
            .bind(filter.state.map_or("", OperationState::as_str))
            .bind(active)
            .bind(filter.instance.as_ref().map_or("", InstanceId::as_str))
            .bind(crate::instance::tenant_list(filter.tenants.as_deref()))
            .bind(&before)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await?
    });
    group(&rows)
}

/// How long steps took in the latest operations that succeeded.
///
/// # Errors
/// As the database reports.
pub async fn durations(db: &Db) -> Result<Durations> {
    let rows: Vec<(String, String, i64)> = on!(db.read(), (c, sql) = DURATIONS => {
        sqlx::query_as(sql).fetch_all(c).await?
    });
    let mut found = Durations::new();
    for (kind, step, micros) in rows {
        if let (Some(kind), Some(step)) = (OperationKind::parse(&kind), StepName::parse(&step)) {
            let micros = u64::try_from(micros).unwrap_or(0);
            found.entry((kind, step)).or_default().push(micros);
        }
    }
    Ok(found)
}

/// When the next operation that nobody holds is due; none when there is none.
///
/// # Errors
/// As the database reports.
pub async fn next_due(db: &Db) -> Result<Option<Timestamp>> {
    let (at,): (Option<i64>,) = on!(db.read(), (c, sql) = NEXT_DUE => {
        sqlx::query_as(sql).fetch_one(c).await?
    });
    Ok(at.map(Timestamp::from_micros))
}

/// How many operations are active.
///
/// # Errors
/// As the database reports.
pub async fn count_active(db: &Db, tenants: Option<&[TenantId]>) -> Result<u32> {
    let (count,): (i64,) = on!(db.read(), (c, sql) = COUNT_ACTIVE => {
        sqlx::query_as(sql).bind(crate::instance::tenant_list(tenants)).fetch_one(c).await?
    });
    Ok(crate::row::count(count))
}
