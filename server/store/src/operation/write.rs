//! Writing operations: people ask for one, cancel it, try it again; the worker that holds it records
//! how it goes. At most one per instance is active: the partial unique index decides, not a look
//! beforehand.

use model::operation::{OperationKind, OperationState, StepState, Wish};
use model::permission::{Authorised, Grant};
use model::{InstanceId, OperationId, TenantId, Timestamp, may};

use super::{Held, Operation, Step};
use crate::sql::{on, sql};
use crate::{Error, Result, Tx};

sql! {
    INSERT = "insert into operation (id, instance_id, tenant_id, kind, state, wish, summary, requested_by, \
        created_at, run_after) values ($1, $2, $3, $4, 'queued', $5, $6, $7, $8, $8) on conflict do nothing";
    INSERT_STEP = "insert into operation_step (operation_id, ordinal, name, state) values ($1, $2, $3, 'pending')";
    SAVE = "update operation set state = $3, started_at = $4, finished_at = $5, cause = $6, cause_since = $7, \
        attempts = $8 where id = $1 and fence = $2";
    SAVE_STEP = "update operation_step set state = $3, started_at = $4, finished_at = $5, message = $6, \
        deadline_at = $7 where operation_id = $1 and ordinal = $2";
    REQUEST_CANCEL = "update operation set cancel_requested_at = coalesce(cancel_requested_at, $2), \
        run_after = $2, nudged = 1 where id = $1 and state in ('queued', 'running', 'waiting', 'stuck')";
    WITHDRAW_CANCEL = "update operation set cancel_requested_at = null where id = $1 and fence = $2";
    GO_ON = "update operation set wish = $2, run_after = $3, nudged = 1 where id = $1 \
        and state in ('queued', 'running', 'waiting', 'stuck')";
    REVIVE = "update operation set state = 'queued', finished_at = null, cause = null, cause_since = null, \
        cancel_requested_at = null, attempts = 0, run_after = $2, nudged = 1 where id = $1 \
        and state in ('stuck', 'failed', 'cancelled')";
    REVIVE_STEPS = "update operation_step set state = 'pending', finished_at = null, \
        started_at = case when name in ('application', 'revoke_tokens') then started_at else null end, \
        message = null, deadline_at = null where operation_id = $1 and state <> 'succeeded'";
}

/// An operation as it is asked for.
#[derive(Clone, Debug)]
pub struct NewOperation {
    /// Its id.
    pub id: OperationId,
    /// The instance.
    pub instance: InstanceId,
    /// Its tenant.
    pub tenant: TenantId,
    /// What is to be done.
    pub kind: OperationKind,
    /// What for.
    pub wish: Wish,
    /// In words.
    pub summary: String,
    /// When it is asked for.
    pub at: Timestamp,
}

/// Writes an operation with its steps; false when another one is active on that instance.
///
/// # Errors
/// As the database reports.
pub async fn insert<P: Grant>(
    tx: &mut Tx,
    may: &Authorised<P>,
    new: &NewOperation,
) -> Result<bool> {
    let wish =
        serde_json::to_string(&new.wish).map_err(|e| Error::broken("operation", new.id, e))?;
    let added = on!(tx.handle(), (c, sql) = INSERT => {
        sqlx::query(sql)
            .bind(new.id.to_string())
            .bind(new.instance.as_str())
            .bind(new.tenant.to_string())
            .bind(new.kind.as_str())
            .bind(&wish)
            .bind(&new.summary)
            .bind(&may.actor().name)
            .bind(new.at.micros())
            .execute(c)
            .await?
            .rows_affected()
    });
    if added == 0 {
        return Ok(false);
    }
    for (ordinal, step) in (0_i64..).zip(new.kind.steps()) {
        on!(tx.handle(), (c, sql) = INSERT_STEP => {
            sqlx::query(sql)
                .bind(new.id.to_string())
                .bind(ordinal)
                .bind(step.as_str())
                .execute(c)
                .await?;
        });
    }
    Ok(true)
}

/// Records where the operation is; false when another worker has taken over.
///
/// # Errors
/// As the database reports.
pub async fn save(tx: &mut Tx, held: &Held, operation: &Operation) -> Result<bool> {
    let broken = |e| Error::broken("operation", operation.id, e);
    let cause = operation.cause.as_ref().map(serde_json::to_string);
    let cause = cause.transpose().map_err(broken)?;
    let micros = |at: Option<Timestamp>| at.map(Timestamp::micros);
    Ok(on!(tx.handle(), (c, sql) = SAVE => {
        sqlx::query(sql)
            .bind(operation.id.to_string())
            .bind(held.fence())
            .bind(operation.state.as_str())
            .bind(micros(operation.started_at))
            .bind(micros(operation.finished_at))
            .bind(&cause)
            .bind(micros(operation.cause_since))
            .bind(i64::from(operation.attempts))
            .execute(c)
            .await?
            .rows_affected()
    }) == 1)
}

/// Records where a step is, in a transaction that [`super::claim::hold`] or [`save`] has let in.
///
/// # Errors
/// As the database reports.
pub async fn save_step(tx: &mut Tx, held: &Held, step: &Step) -> Result<()> {
    let micros = |at: Option<Timestamp>| at.map(Timestamp::micros);
    let message = step.message.as_ref().map(|text| text.replace('\0', ""));
    on!(tx.handle(), (c, sql) = SAVE_STEP => {
        sqlx::query(sql)
            .bind(held.operation().to_string())
            .bind(i64::from(step.ordinal))
            .bind(step.state.as_str())
            .bind(micros(step.started_at))
            .bind(micros(step.finished_at))
            .bind(&message)
            .bind(micros(step.deadline_at))
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Asks for an operation to be cancelled and has it looked at at once; false when it has ended.
///
/// # Errors
/// As the database reports.
pub async fn request_cancel<P: Grant>(
    tx: &mut Tx,
    _may: &Authorised<P>,
    id: OperationId,
    now: Timestamp,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = REQUEST_CANCEL => {
        sqlx::query(sql).bind(id.to_string()).bind(now.micros()).execute(c).await?.rows_affected()
    }) == 1)
}

/// Forgets that somebody asked for the cancellation, since it came too late.
///
/// # Errors
/// As the database reports.
pub async fn withdraw_cancel(tx: &mut Tx, held: &Held) -> Result<()> {
    on!(tx.handle(), (c, sql) = WITHDRAW_CANCEL => {
        sqlx::query(sql)
            .bind(held.operation().to_string())
            .bind(held.fence())
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Writes the wish of a deletion again, with the word that it may go on unproven, and has it looked at at
/// once; false when it has ended.
///
/// # Errors
/// As the database reports.
pub async fn go_on(
    tx: &mut Tx,
    _may: &Authorised<may::GoOnUnproven>,
    id: OperationId,
    wish: &Wish,
    now: Timestamp,
) -> Result<bool> {
    let wish = serde_json::to_string(wish).map_err(|e| Error::broken("operation", id, e))?;
    Ok(on!(tx.handle(), (c, sql) = GO_ON => {
        sqlx::query(sql)
            .bind(id.to_string())
            .bind(&wish)
            .bind(now.micros())
            .execute(c)
            .await?
            .rows_affected()
    }) == 1)
}

/// Has an operation that is stuck or has ended otherwise than wished go on from where it stopped:
/// steps that are done stay done. False when it is in another state.
///
/// # Errors
/// [`Error::Taken`] when another operation is active on that instance.
pub async fn revive(
    tx: &mut Tx,
    _may: &Authorised<may::ControlOperation>,
    id: OperationId,
    now: Timestamp,
) -> Result<bool> {
    let revived = on!(tx.handle(), (c, sql) = REVIVE => {
        sqlx::query(sql).bind(id.to_string()).bind(now.micros()).execute(c).await?.rows_affected()
    });
    if revived == 0 {
        return Ok(false);
    }
    on!(tx.handle(), (c, sql) = REVIVE_STEPS => {
        sqlx::query(sql).bind(id.to_string()).execute(c).await?;
    });
    Ok(true)
}

impl Operation {
    /// It ends because somebody asked for that: what was under way has not failed, and neither it nor
    /// what was not reached goes on.
    pub fn skip_rest(&mut self, now: Timestamp) {
        for step in &mut self.steps {
            match step.state {
                StepState::Pending => step.state = StepState::Skipped,
                StepState::Running | StepState::Waiting => {
                    step.state = StepState::Skipped;
                    step.finished_at = Some(now);
                    step.message = None;
                }
                _ => {}
            }
        }
    }

    /// Ends it.
    pub fn end(&mut self, state: OperationState, now: Timestamp) {
        self.state = state;
        self.finished_at = Some(now);
    }
}
