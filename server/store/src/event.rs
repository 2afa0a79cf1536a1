//! The event stream. Ids come from a counter row that stays locked until the transaction ends, so
//! they are in commit order and without gaps; sequences of the engines are neither.

use model::event::{Event, Subject};
use model::{TenantId, Timestamp};
use serde_json::Value;

use crate::sql::{on, sql};
use crate::{Db, Result, Tx, row};

sql! {
    NEXT = "update event_counter set last = last + 1 where one = 1 returning last";
    INSERT = "insert into event (id, at, subject, key, tenant_id, data) values ($1, $2, $3, $4, $5, $6)";
    SPAN = "select pruned, last from event_counter where one = 1";
    // One row at least, so that the span and the events are those of one moment.
    SINCE = "select c.pruned, c.last, e.id, e.at, e.subject, e.key, e.tenant_id, e.data
        from event_counter c
        left join (select * from event where id > $1 order by id limit $2) e on c.one = 1
        order by e.id";
    SINCE_OF = "select c.pruned, c.last, e.id, e.at, e.subject, e.key, e.tenant_id, e.data
        from event_counter c
        left join (select * from event where tenant_id = $3 and id > $1 order by id limit $2) e on c.one = 1
        order by e.id";
    FIRST_SINCE = "select min(id) from event where at >= $1";
    DELETE = "delete from event where id <= $1";
    PRUNED = "update event_counter set pruned = $1 where one = 1 and pruned < $1";
}

const TABLE: &str = "event";

/// Which ids are kept: those above `pruned` and up to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Newest id that is no longer kept.
    pub pruned: i64,
    /// Newest id.
    pub last: i64,
}

type Row = (
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// Writes an event and gives its id.
///
/// # Errors
/// When the database fails.
pub async fn append(
    tx: &mut Tx,
    at: Timestamp,
    subject: Subject,
    key: &str,
    tenant: Option<TenantId>,
    data: &Value,
) -> Result<i64> {
    let id: i64 = on!(tx.handle(), (c, sql) = NEXT => {
        sqlx::query_scalar(sql).fetch_one(c).await?
    });
    on!(tx.handle(), (c, sql) = INSERT => {
        sqlx::query(sql)
            .bind(id)
            .bind(at.micros())
            .bind(subject.as_str())
            .bind(key)
            .bind(tenant.map(|id| id.to_string()))
            .bind(data.to_string())
            .execute(c).await?;
    });
    Ok(id)
}

/// Which ids are kept.
///
/// # Errors
/// When the database fails.
pub async fn span(db: &Db) -> Result<Span> {
    let (pruned, last) = on!(db.read(), (c, sql) = SPAN => {
        sqlx::query_as(sql).fetch_one(c).await?
    });
    Ok(Span { pruned, last })
}

/// Events behind an id, in order, of one tenant or of all, with what is kept at that moment.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn since(
    db: &Db,
    tenant: Option<TenantId>,
    after: i64,
    limit: u32,
) -> Result<(Span, Vec<Event>)> {
    let rows: Vec<Row> = match tenant {
        None => on!(db.read(), (c, sql) = SINCE => sqlx::query_as(sql)
            .bind(after).bind(i64::from(limit)).fetch_all(c).await?),
        Some(tenant) => on!(db.read(), (c, sql) = SINCE_OF => sqlx::query_as(sql)
            .bind(after).bind(i64::from(limit)).bind(tenant.to_string()).fetch_all(c).await?),
    };
    let mut span = Span { pruned: 0, last: 0 };
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        span = Span {
            pruned: row.0,
            last: row.1,
        };
        if let (Some(id), Some(at), Some(subject), Some(key), tenant, Some(data)) =
            (row.2, row.3, row.4, row.5, row.6, row.7)
        {
            events.push(event(id, at, &subject, key, tenant.as_deref(), &data)?);
        }
    }
    Ok((span, events))
}

fn event(
    id: i64,
    at: i64,
    subject: &str,
    key: String,
    tenant: Option<&str>,
    data: &str,
) -> Result<Event> {
    let row = id.to_string();
    Ok(Event {
        id,
        at: Timestamp::from_micros(at),
        subject: row::word(TABLE, &row, subject, Subject::parse(subject))?,
        key,
        tenant: tenant
            .map(|text| row::read(TABLE, &row, text))
            .transpose()?,
        data: row::json(TABLE, &row, data)?,
    })
}

/// Drops events from before `oldest`, and all but the newest `kept`; how many. A single event whose
/// time lies in the future (a clock that jumped) keeps what stands behind it, within `kept`.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, oldest: Timestamp, kept: u32) -> Result<u64> {
    let (_, last): (i64, i64) = on!(tx.handle(), (c, sql) = SPAN => {
        sqlx::query_as(sql).fetch_one(c).await?
    });
    let first: Option<i64> = on!(tx.handle(), (c, sql) = FIRST_SINCE => {
        sqlx::query_scalar(sql).bind(oldest.micros()).fetch_one(c).await?
    });
    let by_age = first.map_or(last, |id| id - 1);
    let bound = by_age.max(last - i64::from(kept));
    let dropped = on!(tx.handle(), (c, sql) = DELETE => {
        sqlx::query(sql).bind(bound).execute(c).await?.rows_affected()
    });
    on!(tx.handle(), (c, sql) = PRUNED => { sqlx::query(sql).bind(bound).execute(c).await?; });
    Ok(dropped)
}
