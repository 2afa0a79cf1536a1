//! Sessions of browsers, by the hash of their id: a copy of this table opens none. Saving only
//! changes a row that is there, so that a request in flight cannot bring back an ended session.

use model::actor::SignedIn;
use model::secret_text::TokenHash;
use model::user::{Role, StaffRole, TenantRole};
use model::{SessionKey, TenantId, Timestamp, UserId};

use crate::sql::{on, sql};
use crate::{Db, Result, Tx, row};

sql! {
    INSERT = "insert into session (id_hash, key, user_id, data, device, address, created_at, last_used_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $7, $8) on conflict (id_hash) do nothing";
    SAVE = "update session set data = $2 where id_hash = $1 and expires_at > $3 and last_used_at > $4";
    LOAD = "select data, last_used_at, expires_at from session
        where id_hash = $1 and expires_at > $2 and last_used_at > $3";
    CALLER = "select s.key, s.last_used_at, u.id, u.name, u.email, u.staff_role, m.tenant_id, m.role
        from session s
        join app_user u on u.id = s.user_id
        left join membership m on m.user_id = u.id
        where s.id_hash = $1 and s.expires_at > $2 and s.last_used_at > $3 and u.disabled_at is null
        order by m.tenant_id";
    TOUCH = "update session set last_used_at = $2 where id_hash = $1 and last_used_at <= $3";
    DELETE = "delete from session where id_hash = $1";
    LIST = "select key, device, address, created_at, last_used_at, expires_at from session
        where user_id = $1 and expires_at > $2 and last_used_at > $3
        order by last_used_at desc, key desc limit 100";
    END = "delete from session where user_id = $1 and key = $2";
    END_OTHERS = "delete from session where user_id = $1 and key <> $2";
    PRUNE = "delete from session where expires_at <= $1 or last_used_at <= $2";
}

/// The two ends of a session's life, as times to compare with.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// Now: what expired before has ended.
    pub now: Timestamp,
    /// What was last used before has ended.
    pub idle_since: Timestamp,
}

/// A session to be begun.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// Hash of the id in the cookie.
    pub hash: &'a TokenHash,
    /// What its user sees and ends it by.
    pub key: SessionKey,
    /// Whose; none before signing in.
    pub user: Option<UserId>,
    /// What it carries, as JSON.
    pub data: &'a str,
    /// Browser and system, in words.
    pub device: &'a str,
    /// Client address.
    pub address: &'a str,
    /// Now.
    pub at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// What a session carries and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// JSON.
    pub data: String,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// A session as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What it is ended by.
    pub key: SessionKey,
    /// Browser and system, in words.
    pub device: String,
    /// Client address.
    pub address: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// Begins a session. False when the id is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, new: &NewSession<'_>) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = INSERT => sqlx::query(sql)
        .bind(new.hash.as_str())
        .bind(new.key.to_string())
        .bind(new.user.map(|id| id.to_string()))
        .bind(new.data)
        .bind(new.device)
        .bind(new.address)
        .bind(new.at.micros())
        .bind(new.expires_at.micros())
        .execute(c).await?.rows_affected() > 0))
}

/// Changes what a living session carries. False when it has ended.
///
/// # Errors
/// When the database fails.
pub async fn save(tx: &mut Tx, hash: &TokenHash, data: &str, life: Life) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = SAVE => sqlx::query(sql)
        .bind(hash.as_str())
        .bind(data)
        .bind(life.now.micros())
        .bind(life.idle_since.micros())
        .execute(c).await?.rows_affected() > 0))
}

/// What a living session carries.
///
/// # Errors
/// When the database fails.
pub async fn load(db: &Db, hash: &TokenHash, life: Life) -> Result<Option<Loaded>> {
    let row: Option<(String, i64, i64)> = on!(db.read(), (c, sql) = LOAD => sqlx::query_as(sql)
        .bind(hash.as_str()).bind(life.now.micros()).bind(life.idle_since.micros())
        .fetch_optional(c).await?);
    Ok(row.map(|(data, last_used_at, expires_at)| Loaded {
        data,
        last_used_at: Timestamp::from_micros(last_used_at),
        expires_at: Timestamp::from_micros(expires_at),
    }))
}

#[derive(sqlx::FromRow)]
struct CallerRow {
    key: String,
    last_used_at: i64,
    id: String,
    name: String,
    email: String,
    staff_role: Option<String>,
    tenant_id: Option<String>,
    role: Option<String>,
}

/// Who a living session belongs to, with every role, and when it was last used; one statement.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn caller(
    db: &Db,
    hash: &TokenHash,
    life: Life,
) -> Result<Option<(SignedIn, Timestamp)>> {
    let rows: Vec<CallerRow> = on!(db.read(), (c, sql) = CALLER => sqlx::query_as(sql)
        .bind(hash.as_str()).bind(life.now.micros()).bind(life.idle_since.micros())
        .fetch_all(c).await?);
    let mut tenants = Vec::new();
    for row in &rows {
        tenants.extend(membership(
            &row.id,
            row.tenant_id.as_deref(),
            row.role.as_deref(),
        )?);
    }
    let Some(first) = rows.into_iter().next() else {
        return Ok(None);
    };
    let user = SignedIn {
        id: row::read("app_user", &first.id, &first.id)?,
        staff: staff_role(&first.id, first.staff_role.as_deref())?,
        name: first.name,
        email: first.email,
        tenants,
        session: row::read("session", &first.key, &first.key)?,
    };
    Ok(Some((user, Timestamp::from_micros(first.last_used_at))))
}

/// The staff role in a user's row.
pub(crate) fn staff_role(user: &str, text: Option<&str>) -> Result<Option<StaffRole>> {
    let Some(text) = text else { return Ok(None) };
    let role = Role::parse(text).and_then(|role| model::permission::split_role(role).0);
    row::word("app_user", user, text, role).map(Some)
}

/// A membership joined to a user's row; none where the join found none.
pub(crate) fn membership(
    user: &str,
    tenant: Option<&str>,
    role: Option<&str>,
) -> Result<Option<(TenantId, TenantRole)>> {
    let (Some(tenant), Some(text)) = (tenant, role) else {
        return Ok(None);
    };
    let role = Role::parse(text).and_then(|role| model::permission::split_role(role).1);
    Ok(Some((
        row::read("membership", user, tenant)?,
        row::word("membership", user, text, role)?,
    )))
}

/// Notes that a session is used now, unless it was noted after `since`.
///
/// # Errors
/// When the database fails.
pub async fn touch(tx: &mut Tx, hash: &TokenHash, now: Timestamp, since: Timestamp) -> Result<()> {
    on!(tx.handle(), (c, sql) = TOUCH => {
        sqlx::query(sql)
            .bind(hash.as_str()).bind(now.micros()).bind(since.micros())
            .execute(c).await?;
    });
    Ok(())
}

/// Ends a session by its id.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, hash: &TokenHash) -> Result<()> {
    on!(tx.handle(), (c, sql) = DELETE => {
        sqlx::query(sql).bind(hash.as_str()).execute(c).await?;
    });
    Ok(())
}

/// Living sessions of a user, the last used first, at most 100.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn list(db: &Db, user: UserId, life: Life) -> Result<Vec<Listed>> {
    let rows: Vec<(String, String, String, i64, i64, i64)> = on!(db.read(), (c, sql) = LIST => {
        sqlx::query_as(sql)
            .bind(user.to_string()).bind(life.now.micros()).bind(life.idle_since.micros())
            .fetch_all(c).await?
    });
    rows.into_iter()
        .map(
            |(key, device, address, created_at, last_used_at, expires_at)| {
                Ok(Listed {
                    key: row::read("session", &key, &key)?,
                    device,
                    address,
                    created_at: Timestamp::from_micros(created_at),
                    last_used_at: Timestamp::from_micros(last_used_at),
                    expires_at: Timestamp::from_micros(expires_at),
                })
            },
        )
        .collect()
}

/// Ends one session of a user. False when the user has none with that key.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Tx, user: UserId, key: SessionKey) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = END => sqlx::query(sql)
        .bind(user.to_string()).bind(key.to_string())
        .execute(c).await?.rows_affected() > 0))
}

/// Ends all sessions of a user but one; how many.
///
/// # Errors
/// When the database fails.
pub async fn end_others(tx: &mut Tx, user: UserId, keep: SessionKey) -> Result<u32> {
    let ended = on!(tx.handle(), (c, sql) = END_OTHERS => sqlx::query(sql)
        .bind(user.to_string()).bind(keep.to_string())
        .execute(c).await?.rows_affected());
    Ok(u32::try_from(ended).unwrap_or(u32::MAX))
}

/// Drops sessions that have ended; how many.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, life: Life) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = PRUNE => sqlx::query(sql)
        .bind(life.now.micros()).bind(life.idle_since.micros())
        .execute(c).await?.rows_affected()))
}
