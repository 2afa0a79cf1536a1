//! Writing tokens. Every change of which tokens are open stands beside a gate that was moved in the
//! same transaction, whose generation the rows keep: from that one on their new state holds.

use model::name::TokenName;
use model::permission::Authorised;
use model::secret_text::PlainToken;
use model::token::EndReason;
use model::{InstanceId, TenantId, Timestamp, TokenId, UserId, may};

use super::{Row, Token};
use crate::sql::{on, sql};
use crate::{Result, Tx};

sql! {
    INSERT = "insert into token (id, instance_id, tenant_id, name, folded, note, owner_id, hint, token_hash, consumer, \
        request_token, state, state_since, created_at, created_by, expires_at, due_at, replaces) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'issuing', $12, $12, $13, $14, $14, $15)";
    MARK_WRITTEN = "update token set written = true, generation = $2 \
        where id = $1 and state = 'issuing' and written = false";
    DELETE = "delete from token where id = $1 and written = false and state in ('issuing', 'failed')";
    FAIL = "update token set state = 'failed', state_since = $2, waiting = $3, cleaned = false \
        where id = $1 and state = 'issuing' and written = false";
    END = "update token set state = 'revoking', state_since = $2, reason = $3, waiting = null, generation = $4, \
        late_ms = $5 where id = $1 and state in ('issuing', 'active')";
    RETIRE_AT = "update token set retires_at = $2, due_at = $3 where id = $1 and state in ('issuing', 'active')";
    // What a rotation that came to nothing leaves behind lives on to its own end, under its own name
    // unless another token has that by now.
    RESTORE = "update token set due_at = expires_at, retires_at = case when exists (select 1 from token o \
        where o.instance_id = token.instance_id and o.folded = token.folded and o.id <> token.id \
        and o.retires_at is null and o.state in ('issuing', 'active')) then expires_at else null end \
        where id = $1 and state in ('issuing', 'active')";
    CHANGE = "update token set name = $2, folded = $3, note = $4, owner_id = $5 where id = $1";
    COUNT_OPEN = "select count(*) from token where instance_id = $1 and state in ('issuing', 'active')";
    OPEN = "select t.id, t.instance_id, i.name as instance_name, t.tenant_id, n.name as tenant_name, t.name, t.note, \
        t.owner_id, u.name as owner_name, t.hint, t.consumer, t.request_token, t.written, t.state, t.state_since, \
        t.reason, t.waiting, t.generation, t.created_at, t.created_by, t.expires_at, t.retires_at, t.due_at, \
        t.late_ms, t.replaces, t.receipt, t.cleaned, t.last_used_at, t.uses, t.usage_at, g.progress, \
        (select max(r.id) from token r where r.replaces = t.id and r.state <> 'failed') as replaced_by \
        from token t join instance i on i.id = t.instance_id join tenant n on n.id = t.tenant_id \
        left join app_user u on u.id = t.owner_id left join gate g on g.instance_id = t.instance_id \
        where t.instance_id = $1 and t.state in ('issuing', 'active') order by t.id";
}

/// Whose transaction may end tokens.
pub trait TokenProof: Sync {}
impl TokenProof for Authorised<may::IssueToken> {}
impl TokenProof for Authorised<may::RevokeToken> {}
impl TokenProof for Authorised<may::DeleteInstance> {}
impl TokenProof for crate::operation::Held {}

/// A token to be written.
pub struct NewToken<'a> {
    /// Its id.
    pub id: TokenId,
    /// The instance it opens.
    pub instance: &'a InstanceId,
    /// The tenant.
    pub tenant: TenantId,
    /// What it is called.
    pub name: &'a TokenName,
    /// What it is for.
    pub note: &'a str,
    /// Who answers for it; none for the tenant as a whole.
    pub owner: Option<UserId>,
    /// Its text, of which the hash and a hint are kept.
    pub token: &'a PlainToken,
    /// Its consumer at the gateway: `[a-z0-9]` only, never used before.
    pub consumer: &'a str,
    /// What its entry is written with.
    pub request_token: &'a str,
    /// Who issues it.
    pub by: &'a str,
    /// Now.
    pub at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The token whose place it takes.
    pub replaces: Option<TokenId>,
}

/// How an open token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Why.
    pub reason: EndReason,
    /// The gate's generation that refuses it.
    pub generation: i64,
    /// How late that is, in milliseconds, when it was due before.
    pub late_ms: Option<u64>,
    /// Now.
    pub at: Timestamp,
}

/// Writes a token that is being issued; nothing lets it pass yet.
///
/// # Errors
/// [`crate::Error::Taken`] when the instance has another open token of that name.
pub async fn insert(
    tx: &mut Tx,
    _: &Authorised<may::IssueToken>,
    new: &NewToken<'_>,
) -> Result<()> {
    on!(tx.handle(), (c, sql) = INSERT => {
        sqlx::query(sql)
            .bind(new.id.to_string())
            .bind(new.instance.as_str())
            .bind(new.tenant.to_string())
            .bind(new.name.as_str())
            .bind(new.name.folded())
            .bind(new.note)
            .bind(new.owner.map(|id| id.to_string()))
            .bind(new.token.hint())
            .bind(new.token.hash().as_str())
            .bind(new.consumer)
            .bind(new.request_token)
            .bind(new.at.micros())
            .bind(new.by)
            .bind(new.expires_at.micros())
            .bind(new.replaces.map(|id| id.to_string()))
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Notes that Secrets Manager has the token, which the gate lets pass from that generation on. False
/// when it was revoked or given up meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn mark_written(
    tx: &mut Tx,
    _: &Authorised<may::IssueToken>,
    id: TokenId,
    generation: i64,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = MARK_WRITTEN => {
        sqlx::query(sql).bind(id.to_string()).bind(generation).execute(c).await?.rows_affected()
    }) == 1)
}

/// Drops a token that never came into being; false when it is another one.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, _: &impl TokenProof, id: TokenId) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = DELETE => {
        sqlx::query(sql).bind(id.to_string()).execute(c).await?.rows_affected()
    }) == 1)
}

/// Gives a token up of which nobody knows whether Secrets Manager has it; what may be left of it is
/// still to be removed. False when it is not in that state any more.
///
/// # Errors
/// When the database fails.
pub async fn fail(
    tx: &mut Tx,
    _: &impl TokenProof,
    id: TokenId,
    why: &str,
    at: Timestamp,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = FAIL => {
        sqlx::query(sql).bind(id.to_string()).bind(at.micros()).bind(why).execute(c).await?.rows_affected()
    }) == 1)
}

/// Begins to end an open token; false when it has ended or ends already.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Tx, _: &impl TokenProof, id: TokenId, how: End) -> Result<bool> {
    let late = how.late_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
    Ok(on!(tx.handle(), (c, sql) = END => {
        sqlx::query(sql)
            .bind(id.to_string())
            .bind(how.at.micros())
            .bind(how.reason.as_str())
            .bind(how.generation)
            .bind(late)
            .execute(c)
            .await?
            .rows_affected()
    }) == 1)
}

/// Says when a rotation retires an open token; not later than it expires.
///
/// # Errors
/// When the database fails.
pub async fn retire_at(
    tx: &mut Tx,
    _: &Authorised<may::IssueToken>,
    token: &Token,
    at: Timestamp,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = RETIRE_AT => {
        sqlx::query(sql)
            .bind(token.id.to_string())
            .bind(at.micros())
            .bind(at.min(token.expires_at).micros())
            .execute(c)
            .await?
            .rows_affected()
    }) == 1)
}

/// Lets a token live on that was to be retired for another one which never came into being.
///
/// # Errors
/// When the database fails.
pub async fn restore(tx: &mut Tx, _: &impl TokenProof, id: TokenId) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = RESTORE => {
        sqlx::query(sql).bind(id.to_string()).execute(c).await?.rows_affected()
    }) == 1)
}

/// Writes what is noted of a token.
///
/// # Errors
/// [`crate::Error::Taken`] when the instance has another open token of that name.
pub async fn change(
    tx: &mut Tx,
    _: &Authorised<may::IssueToken>,
    id: TokenId,
    name: &TokenName,
    note: &str,
    owner: Option<UserId>,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = CHANGE => {
        sqlx::query(sql)
            .bind(id.to_string())
            .bind(name.as_str())
            .bind(name.folded())
            .bind(note)
            .bind(owner.map(|id| id.to_string()))
            .execute(c)
            .await?
            .rows_affected()
    }) == 1)
}

/// The open tokens of an instance, the earliest first.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn open_of(tx: &mut Tx, instance: &InstanceId) -> Result<Vec<Token>> {
    let rows: Vec<Row> = on!(tx.handle(), (c, sql) = OPEN => {
        sqlx::query_as(sql).bind(instance.as_str()).fetch_all(c).await?
    });
    rows.into_iter().map(Token::try_from).collect()
}

/// How many tokens of an instance are open.
///
/// # Errors
/// When the database fails.
pub async fn count_open(tx: &mut Tx, instance: &InstanceId) -> Result<u32> {
    let number: i64 = on!(tx.handle(), (c, sql) = COUNT_OPEN => {
        sqlx::query_scalar(sql).bind(instance.as_str()).fetch_one(c).await?
    });
    Ok(crate::row::count(number))
}
