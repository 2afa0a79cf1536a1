//! Tokens of instances. The text is never here: its hash, and a hint. Whoever changes which tokens are
//! open does so under the lock of the instance's row, and moves the gate before the tokens, so that
//! several people at once come one after another and always in the same order of locks.

mod calendar;
mod list;
mod usage;
mod write;

use model::enforcement::{Progress, Receipt};
use model::secret_text::TokenHash;
use model::token::{EndReason, TokenState};
use model::{InstanceId, TenantId, Timestamp, TokenId, UserId};

pub use self::calendar::{due, due_of, half_written, mark, marked, to_remind, unmark};
pub use self::list::{Filter, instances_with_open, list};
pub use self::usage::{Counted, Seen, counted, refresh, see};
pub use self::write::{
    End, NewToken, TokenProof, change, count_open, delete, end, fail, insert, mark_written,
    open_of, restore, retire_at,
};
pub(crate) use self::{
    calendar::STATEMENTS as CALENDAR, list::STATEMENTS as LIST, usage::STATEMENTS as USAGE,
    write::STATEMENTS as WRITE,
};
use crate::sql::{on, sql};
use crate::{Db, Error, Result, Tx, row};

sql! {
    BY_ID = "select t.id, t.instance_id, i.name as instance_name, t.tenant_id, n.name as tenant_name, t.name, t.note, \
        t.owner_id, u.name as owner_name, t.hint, t.consumer, t.request_token, t.written, t.state, t.state_since, \
        t.reason, t.waiting, t.generation, t.created_at, t.created_by, t.expires_at, t.retires_at, t.due_at, \
        t.late_ms, t.replaces, t.receipt, t.cleaned, t.last_used_at, t.uses, t.usage_at, g.progress, \
        (select max(r.id) from token r where r.replaces = t.id and r.state <> 'failed') as replaced_by \
        from token t join instance i on i.id = t.instance_id join tenant n on n.id = t.tenant_id \
        left join app_user u on u.id = t.owner_id left join gate g on g.instance_id = t.instance_id \
        where t.id = $1";
    BY_HASH = "select t.id, t.instance_id, i.name as instance_name, t.tenant_id, n.name as tenant_name, t.name, t.note, \
        t.owner_id, u.name as owner_name, t.hint, t.consumer, t.request_token, t.written, t.state, t.state_since, \
        t.reason, t.waiting, t.generation, t.created_at, t.created_by, t.expires_at, t.retires_at, t.due_at, \
        t.late_ms, t.replaces, t.receipt, t.cleaned, t.last_used_at, t.uses, t.usage_at, g.progress, \
        (select max(r.id) from token r where r.replaces = t.id and r.state <> 'failed') as replaced_by \
        from token t join instance i on i.id = t.instance_id join tenant n on n.id = t.tenant_id \
        left join app_user u on u.id = t.owner_id left join gate g on g.instance_id = t.instance_id \
        where t.token_hash = $1";
    WRITTEN_GENERATION = "select written_generation from gate where instance_id = $1";
}

const TABLE: &str = "token";

/// A token, with the names that are shown beside it and how far the proof of its gate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// The instance it opens.
    pub instance_id: InstanceId,
    /// What the instance is called.
    pub instance_name: String,
    /// The tenant.
    pub tenant_id: TenantId,
    /// What the tenant is called.
    pub tenant_name: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub note: String,
    /// Who answers for it; none for the tenant as a whole.
    pub owner_id: Option<UserId>,
    /// What they are called.
    pub owner_name: Option<String>,
    /// What pages show of its text.
    pub hint: String,
    /// Its consumer at the gateway, and the last part of its entry's name.
    pub consumer: String,
    /// What its entry was written with.
    pub request_token: String,
    /// Whether Secrets Manager has it.
    pub written: bool,
    /// Where it is in its life.
    pub state: TokenState,
    /// Since when.
    pub since: Timestamp,
    /// Why it ended or ends.
    pub reason: Option<EndReason>,
    /// What its state waits for, as whoever carries it out said last.
    pub waiting: Option<String>,
    /// The gate's generation from which on its state holds.
    pub generation: i64,
    /// When it was issued.
    pub created_at: Timestamp,
    /// Who issued it.
    pub created_by: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When a rotation retires it, if one does.
    pub retires_at: Option<Timestamp>,
    /// The earlier of both.
    pub due_at: Timestamp,
    /// How late its end was carried out, in milliseconds.
    pub late_ms: Option<u64>,
    /// The token whose place it took.
    pub replaces: Option<TokenId>,
    /// The token that took its place.
    pub replaced_by: Option<TokenId>,
    /// The proof that it is refused.
    pub receipt: Option<Receipt>,
    /// Whether nothing of it is left on the cluster.
    pub cleaned: bool,
    /// When it was last seen used.
    pub last_used_at: Option<Timestamp>,
    /// Requests counted.
    pub uses: u64,
    /// When that was asked last; none when never.
    pub usage_at: Option<Timestamp>,
    /// How far the proof of its instance's gate is; read only while a state waits for it.
    pub progress: Option<Progress>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    id: String,
    instance_id: String,
    instance_name: String,
    tenant_id: String,
    tenant_name: String,
    name: String,
    note: String,
    owner_id: Option<String>,
    owner_name: Option<String>,
    hint: String,
    consumer: String,
    request_token: String,
    written: bool,
    state: String,
    state_since: i64,
    reason: Option<String>,
    waiting: Option<String>,
    generation: i64,
    created_at: i64,
    created_by: String,
    expires_at: i64,
    retires_at: Option<i64>,
    due_at: i64,
    late_ms: Option<i64>,
    replaces: Option<String>,
    replaced_by: Option<String>,
    receipt: Option<String>,
    cleaned: bool,
    last_used_at: Option<i64>,
    uses: i64,
    usage_at: Option<i64>,
    progress: Option<String>,
}

impl TryFrom<Row> for Token {
    type Error = Error;
    fn try_from(r: Row) -> Result<Self> {
        let at = Timestamp::from_micros;
        let id = r.id.as_str();
        let word = |text: &str| row::word(TABLE, id, text, EndReason::parse(text));
        let state = row::word(TABLE, id, &r.state, TokenState::parse(&r.state))?;
        let waits = matches!(state, TokenState::Issuing | TokenState::Revoking);
        let progress = r.progress.as_deref().filter(|_| waits);
        Ok(Self {
            instance_id: row::read(TABLE, id, &r.instance_id)?,
            tenant_id: row::read(TABLE, id, &r.tenant_id)?,
            owner_id: optional_id(id, r.owner_id.as_deref())?,
            state,
            since: at(r.state_since),
            reason: r.reason.as_deref().map(word).transpose()?,
            generation: r.generation,
            created_at: at(r.created_at),
            expires_at: at(r.expires_at),
            retires_at: r.retires_at.map(at),
            due_at: at(r.due_at),
            late_ms: r.late_ms.map(|ms| u64::try_from(ms).unwrap_or(0)),
            replaces: optional_id(id, r.replaces.as_deref())?,
            replaced_by: optional_id(id, r.replaced_by.as_deref())?,
            receipt: r
                .receipt
                .as_deref()
                .map(|text| row::json(TABLE, id, text))
                .transpose()?,
            last_used_at: r.last_used_at.map(at),
            uses: u64::try_from(r.uses).unwrap_or(0),
            usage_at: r.usage_at.map(at),
            progress: progress
                .map(|text| row::json("gate", &r.instance_id, text))
                .transpose()?,
            id: row::read(TABLE, id, id)?,
            instance_name: r.instance_name,
            tenant_name: r.tenant_name,
            name: r.name,
            note: r.note,
            owner_name: r.owner_name,
            hint: r.hint,
            consumer: r.consumer,
            request_token: r.request_token,
            written: r.written,
            waiting: r.waiting,
            created_by: r.created_by,
            cleaned: r.cleaned,
        })
    }
}

fn optional_id<T>(row_id: &str, text: Option<&str>) -> Result<Option<T>>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.map(|text| row::read(TABLE, row_id, text)).transpose()
}

/// One token.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn by_id(db: &Db, id: TokenId) -> Result<Option<Token>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = BY_ID => {
        sqlx::query_as(sql).bind(id.to_string()).fetch_optional(c).await?
    });
    row.map(Token::try_from).transpose()
}

/// One token, as this transaction sees it.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn by_id_in(tx: &mut Tx, id: TokenId) -> Result<Option<Token>> {
    let row: Option<Row> = on!(tx.handle(), (c, sql) = BY_ID => {
        sqlx::query_as(sql).bind(id.to_string()).fetch_optional(c).await?
    });
    row.map(Token::try_from).transpose()
}

/// The token of that text, by its hash.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn by_hash(db: &Db, hash: &TokenHash) -> Result<Option<Token>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = BY_HASH => {
        sqlx::query_as(sql).bind(hash.as_str()).fetch_optional(c).await?
    });
    row.map(Token::try_from).transpose()
}

/// The generation of an instance's gate that the cluster was last given; 0 before the first.
///
/// # Errors
/// When the database fails.
pub async fn written_generation(db: &Db, instance: &InstanceId) -> Result<i64> {
    let found: Option<i64> = on!(db.read(), (c, sql) = WRITTEN_GENERATION => {
        sqlx::query_scalar(sql).bind(instance.as_str()).fetch_optional(c).await?
    });
    Ok(found.unwrap_or(0))
}
