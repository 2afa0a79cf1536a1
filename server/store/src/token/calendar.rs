//! What falls due with time: ends, reminders, and tokens whose issue broke off. A reminder is claimed by
//! a row before it is sent, so that of several processes one sends it, once.

use std::time::Duration;

use model::{InstanceId, Timestamp, TokenId};

use super::{Row, Token};
use crate::sql::{on, sql};
use crate::{Db, Error, Result, Tx};

sql! {
    // One whose successor is still on its way waits for it, but never beyond its own expiry.
    DUE = "select distinct t.instance_id from token t where t.state in ('issuing', 'active') and t.due_at <= $1 \
        and (t.expires_at <= $1 or not exists (select 1 from token r where r.replaces = t.id and r.state = 'issuing')) \
        order by t.instance_id limit $2";
    DUE_OF = "select t.id, t.instance_id, i.name as instance_name, t.tenant_id, n.name as tenant_name, t.name, t.note, \
        t.owner_id, u.name as owner_name, t.hint, t.consumer, t.request_token, t.written, t.state, t.state_since, \
        t.reason, t.waiting, t.generation, t.created_at, t.created_by, t.expires_at, t.retires_at, t.due_at, \
        t.late_ms, t.replaces, t.receipt, t.cleaned, t.last_used_at, t.uses, t.usage_at, g.progress, \
        (select max(r.id) from token r where r.replaces = t.id and r.state <> 'failed') as replaced_by \
        from token t join instance i on i.id = t.instance_id join tenant n on n.id = t.tenant_id \
        left join app_user u on u.id = t.owner_id left join gate g on g.instance_id = t.instance_id \
        where t.instance_id = $1 and t.state in ('issuing', 'active') and t.due_at <= $2 \
        and (t.expires_at <= $2 or not exists (select 1 from token r where r.replaces = t.id and r.state = 'issuing')) \
        order by t.id";
    HALF_WRITTEN = "select t.id, t.instance_id, i.name as instance_name, t.tenant_id, n.name as tenant_name, t.name, t.note, \
        t.owner_id, u.name as owner_name, t.hint, t.consumer, t.request_token, t.written, t.state, t.state_since, \
        t.reason, t.waiting, t.generation, t.created_at, t.created_by, t.expires_at, t.retires_at, t.due_at, \
        t.late_ms, t.replaces, t.receipt, t.cleaned, t.last_used_at, t.uses, t.usage_at, g.progress, \
        (select max(r.id) from token r where r.replaces = t.id and r.state <> 'failed') as replaced_by \
        from token t join instance i on i.id = t.instance_id join tenant n on n.id = t.tenant_id \
        left join app_user u on u.id = t.owner_id left join gate g on g.instance_id = t.instance_id \
        where t.state in ('issuing', 'active') and t.state = 'issuing' and t.written = false and t.created_at <= $1 \
        order by t.id limit $2";
    // The nearest mark that is behind us and was not noted; none that was behind us when it was issued.
    TO_REMIND = "select t.id, t.instance_id, i.name as instance_name, t.tenant_id, n.name as tenant_name, t.name, t.note, \
        t.owner_id, u.name as owner_name, t.hint, t.consumer, t.request_token, t.written, t.state, t.state_since, \
        t.reason, t.waiting, t.generation, t.created_at, t.created_by, t.expires_at, t.retires_at, t.due_at, \
        t.late_ms, t.replaces, t.receipt, t.cleaned, t.last_used_at, t.uses, t.usage_at, g.progress, \
        (select max(r.id) from token r where r.replaces = t.id and r.state <> 'failed') as replaced_by \
        from token t join instance i on i.id = t.instance_id join tenant n on n.id = t.tenant_id \
        left join app_user u on u.id = t.owner_id left join gate g on g.instance_id = t.instance_id \
        where t.state in ('issuing', 'active') and t.retires_at is null and t.due_at <= $1 and t.due_at > $2 \
        and t.created_at < t.due_at - $3 \
        and not exists (select 1 from token_reminder m where m.token_id = t.id and m.days <= $4) \
        order by t.due_at, t.id limit $5";
    MARK = "insert into token_reminder (token_id, days, at) values ($1, $2, $3) on conflict (token_id, days) do nothing";
    MARKED = "select days from token_reminder where token_id = $1 order by days desc";
    UNMARK = "delete from token_reminder where token_id = $1 and days = $2 and at = $3";
}

/// The instances that have tokens whose time is over, by id.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn due(db: &Db, now: Timestamp, limit: u32) -> Result<Vec<InstanceId>> {
    let rows: Vec<String> = on!(db.read(), (c, sql) = DUE => {
        sqlx::query_scalar(sql).bind(now.micros()).bind(i64::from(limit)).fetch_all(c).await?
    });
    rows.iter()
        .map(|text| text.parse().map_err(|e| Error::broken("token", text, e)))
        .collect()
}

/// The tokens of an instance whose time is over, as this transaction sees them.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn due_of(tx: &mut Tx, instance: &InstanceId, now: Timestamp) -> Result<Vec<Token>> {
    let rows: Vec<Row> = on!(tx.handle(), (c, sql) = DUE_OF => {
        sqlx::query_as(sql).bind(instance.as_str()).bind(now.micros()).fetch_all(c).await?
    });
    rows.into_iter().map(Token::try_from).collect()
}

/// Tokens whose issue began before a time and neither went on nor was given up.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn half_written(db: &Db, before: Timestamp, limit: u32) -> Result<Vec<Token>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = HALF_WRITTEN => {
        sqlx::query_as(sql).bind(before.micros()).bind(i64::from(limit)).fetch_all(c).await?
    });
    rows.into_iter().map(Token::try_from).collect()
}

/// Open tokens that nothing replaces, that expire within `days` from now but not within `least`, that
/// were issued before that mark, and of which neither it nor a nearer one was noted.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn to_remind(
    db: &Db,
    now: Timestamp,
    days: u32,
    least: Duration,
    limit: u32,
) -> Result<Vec<Token>> {
    let mark = model::token::DAY * days;
    let micros = i64::try_from(mark.as_micros()).unwrap_or(i64::MAX);
    let rows: Vec<Row> = on!(db.read(), (c, sql) = TO_REMIND => {
        sqlx::query_as(sql)
            .bind((now + mark).micros())
            .bind((now + least).micros())
            .bind(micros)
            .bind(i64::from(days))
            .bind(i64::from(limit))
            .fetch_all(c)
            .await?
    });
    rows.into_iter().map(Token::try_from).collect()
}

/// Notes that a reminder is sent or passed over; false when it was noted before.
///
/// # Errors
/// When the database fails.
pub async fn mark(tx: &mut Tx, id: TokenId, days: u32, at: Timestamp) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = MARK => {
        sqlx::query(sql)
            .bind(id.to_string())
            .bind(i64::from(days))
            .bind(at.micros())
            .execute(c)
            .await?
            .rows_affected()
    }) == 1)
}

/// Takes back what was noted then, since nobody could be told.
///
/// # Errors
/// When the database fails.
pub async fn unmark(tx: &mut Tx, id: TokenId, days: u32, at: Timestamp) -> Result<()> {
    on!(tx.handle(), (c, sql) = UNMARK => {
        sqlx::query(sql)
            .bind(id.to_string())
            .bind(i64::from(days))
            .bind(at.micros())
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The days before its end of which a token's people were reminded, or that were passed over.
///
/// # Errors
/// When the database fails.
pub async fn marked(db: &Db, id: TokenId) -> Result<Vec<u32>> {
    let rows: Vec<i64> = on!(db.read(), (c, sql) = MARKED => {
        sqlx::query_scalar(sql).bind(id.to_string()).fetch_all(c).await?
    });
    Ok(rows.into_iter().map(crate::row::count).collect())
}
