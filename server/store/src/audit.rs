//! Rows of the audit trail and the head of each chain. The head row is locked by [`next`] until the
//! transaction ends, so that two rows never follow the same one. What is hashed is decided above.

pub mod delivery;

use model::{ActorRef, TenantId, Timestamp};

use crate::sql::{on, sql};
use crate::{Db, Result, Tx, row};

sql! {
    NEXT = "insert into audit_head (chain, sequence, hash) values ($1, 1, $2)
        on conflict (chain) do update set sequence = audit_head.sequence + 1 returning sequence, hash";
    INSERT = "insert into audit (chain, sequence, at, actor_kind, actor_id, actor_name, address, request_id,
            action, subject, summary, tenant_id, was, became, previous, hash, form, why, folded)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    SEAL = "update audit_head set hash = $2 where chain = $1";
    HEAD = "select sequence, hash from audit_head where chain = $1";
    HEADS = "select chain, sequence, hash from audit_head order by chain";
    CHAINS = "select chain from audit_head union select chain from audit order by chain";
    OF_CHAIN = "select chain, sequence, at, actor_kind, actor_id, actor_name, address, request_id,
            action, subject, summary, tenant_id, was, became, previous, hash, form, why, folded
        from audit where chain = $1 and sequence < $2
            and at >= $3 and at < $4
            and ($5 = '' or actor_id = $5 or actor_name = $5 or actor_kind = $5)
            and ($6 = '' or substr(action, 1, length($6)) = $6)
            and ($7 = '' or subject = $7 or substr(subject, 1, length($7) + 1) = $7 || ' '
                or substr(subject, length(subject) - length($7)) = ' ' || $7)
            and (folded like $8 escape '\\' or (form = 1 and lower(summary) like $8 escape '\\'))
        order by sequence desc limit $9";
    UPWARDS = "select chain, sequence, at, actor_kind, actor_id, actor_name, address, request_id,
            action, subject, summary, tenant_id, was, became, previous, hash, form, why, folded
        from audit where chain = $1 and sequence > $2 order by sequence limit $3";
    BEFORE = "select chain, sequence, at, actor_kind, actor_id, actor_name, address, request_id,
            action, subject, summary, tenant_id, was, became, previous, hash, form, why, folded
        from audit where (at, chain, sequence) < ($1, $2, $3)
            and at >= $4 and at < $5
            and ($6 = '' or actor_id = $6 or actor_name = $6 or actor_kind = $6)
            and ($7 = '' or substr(action, 1, length($7)) = $7)
            and ($8 = '' or subject = $8 or substr(subject, 1, length($8) + 1) = $8 || ' '
                or substr(subject, length(subject) - length($8)) = ' ' || $8)
            and (folded like $9 escape '\\' or (form = 1 and lower(summary) like $9 escape '\\'))
        order by at desc, chain desc, sequence desc limit $10";
}

/// What the first row of a chain follows.
pub const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The chain.
    pub chain: String,
    /// Place in the chain, from 1.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: ActorRef,
    /// From which client address.
    pub address: String,
    /// In which request.
    pub request_id: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// In a sentence.
    pub summary: String,
    /// The tenant it belongs to.
    pub tenant: Option<TenantId>,
    /// Before, as masked JSON; empty for nothing.
    pub was: String,
    /// After, as masked JSON; empty for nothing.
    pub became: String,
    /// Hash of the row before.
    pub previous: String,
    /// Hash of this row.
    pub hash: String,
    /// Which bytes were hashed.
    pub form: i64,
    /// Why, as `operation <id>`, `consent <id>` or `reason <text>`; empty for nothing.
    pub why: String,
    /// What is searched: summary, subject and actor, folded.
    pub folded: String,
}

/// Which rows of a list; [`Filter::default`] lets all of them through.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Rows of that time and later.
    pub from: Timestamp,
    /// Rows before that time.
    pub to: Timestamp,
    /// Id, name or kind of the actor; empty for any.
    pub actor: String,
    /// How the action begins; empty for any.
    pub action: String,
    /// The subject, its noun or its key; empty for any.
    pub subject: String,
    /// Pattern for `like` over what is searched; `%` for any.
    pub pattern: String,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            from: Timestamp::from_micros(i64::MIN),
            to: Timestamp::from_micros(i64::MAX),
            actor: String::new(),
            action: String::new(),
            subject: String::new(),
            pattern: "%".to_owned(),
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    chain: String,
    sequence: i64,
    at: i64,
    actor_kind: String,
    actor_id: String,
    actor_name: String,
    address: String,
    request_id: String,
    action: String,
    subject: String,
    summary: String,
    tenant_id: Option<String>,
    was: String,
    became: String,
    previous: String,
    hash: String,
    form: i64,
    why: String,
    folded: String,
}

impl TryFrom<Row> for Record {
    type Error = crate::Error;
    fn try_from(r: Row) -> Result<Self> {
        let tenant = r
            .tenant_id
            .map(|text| row::read("audit", &format!("{} {}", r.chain, r.sequence), &text));
        Ok(Self {
            tenant: tenant.transpose()?,
            chain: r.chain,
            sequence: r.sequence,
            at: Timestamp::from_micros(r.at),
            actor: ActorRef {
                kind: r.actor_kind,
                id: r.actor_id,
                name: r.actor_name,
            },
            address: r.address,
            request_id: r.request_id,
            action: r.action,
            subject: r.subject,
            summary: r.summary,
            was: r.was,
            became: r.became,
            previous: r.previous,
            hash: r.hash,
            form: r.form,
            why: r.why,
            folded: r.folded,
        })
    }
}

/// Takes the next place in a chain: its number and the hash of the row before. Locks the chain.
///
/// # Errors
/// When the database fails.
pub async fn next(tx: &mut Tx, chain: &str) -> Result<(i64, String)> {
    Ok(on!(tx.handle(), (c, sql) = NEXT => {
        sqlx::query_as(sql).bind(chain).bind(FIRST).fetch_one(c).await?
    }))
}

/// Writes the row for a place that [`next`] gave, and makes it the head.
///
/// # Errors
/// When the database fails.
pub async fn append(tx: &mut Tx, record: &Record) -> Result<()> {
    on!(tx.handle(), (c, sql) = INSERT => {
        sqlx::query(sql)
            .bind(&record.chain)
            .bind(record.sequence)
            .bind(record.at.micros())
            .bind(&record.actor.kind)
            .bind(&record.actor.id)
            .bind(&record.actor.name)
            .bind(&record.address)
            .bind(&record.request_id)
            .bind(&record.action)
            .bind(&record.subject)
            .bind(&record.summary)
            .bind(record.tenant.map(|id| id.to_string()))
            .bind(&record.was)
            .bind(&record.became)
            .bind(&record.previous)
            .bind(&record.hash)
            .bind(record.form)
            .bind(&record.why)
            .bind(&record.folded)
            .execute(c).await?;
    });
    on!(tx.handle(), (c, sql) = SEAL => {
        sqlx::query(sql).bind(&record.chain).bind(&record.hash).execute(c).await?;
    });
    Ok(())
}

/// Number and hash of the newest row of a chain.
///
/// # Errors
/// When the database fails.
pub async fn head(db: &Db, chain: &str) -> Result<Option<(i64, String)>> {
    Ok(on!(db.read(), (c, sql) = HEAD => {
        sqlx::query_as(sql).bind(chain).fetch_optional(c).await?
    }))
}

/// Every chain with number and hash of its newest row.
///
/// # Errors
/// When the database fails.
pub async fn heads(db: &Db) -> Result<Vec<(String, i64, String)>> {
    Ok(on!(db.read(), (c, sql) = HEADS => sqlx::query_as(sql).fetch_all(c).await?))
}

/// Names of all chains, also of those that have rows and no head.
///
/// # Errors
/// When the database fails.
pub async fn chains(db: &Db) -> Result<Vec<String>> {
    Ok(on!(db.read(), (c, sql) = CHAINS => sqlx::query_scalar(sql).fetch_all(c).await?))
}

/// Rows of a chain below a number, newest first.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn of_chain(
    db: &Db,
    chain: &str,
    below: i64,
    filter: &Filter,
    limit: u32,
) -> Result<Vec<Record>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = OF_CHAIN => sqlx::query_as(sql)
        .bind(chain).bind(below)
        .bind(filter.from.micros()).bind(filter.to.micros())
        .bind(&filter.actor).bind(&filter.action).bind(&filter.subject).bind(&filter.pattern)
        .bind(i64::from(limit)).fetch_all(c).await?);
    rows.into_iter().map(Record::try_from).collect()
}

/// Rows of a chain above a number, oldest first.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn upwards(db: &Db, chain: &str, above: i64, limit: u32) -> Result<Vec<Record>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = UPWARDS => sqlx::query_as(sql)
        .bind(chain).bind(above).bind(i64::from(limit)).fetch_all(c).await?);
    rows.into_iter().map(Record::try_from).collect()
}

/// Rows of all chains before a place in time, newest first.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn before(
    db: &Db,
    (at, chain, sequence): (Timestamp, &str, i64),
    filter: &Filter,
    limit: u32,
) -> Result<Vec<Record>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = BEFORE => sqlx::query_as(sql)
        .bind(at.micros()).bind(chain).bind(sequence)
        .bind(filter.from.micros()).bind(filter.to.micros())
        .bind(&filter.actor).bind(&filter.action).bind(&filter.subject).bind(&filter.pattern)
        .bind(i64::from(limit)).fetch_all(c).await?);
    rows.into_iter().map(Record::try_from).collect()
}
