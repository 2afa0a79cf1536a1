//! Access tokens of this control plane's own API, by the hash of their text. Without a user a token
//! was made at the command line and acts for a staff owner.

use std::collections::BTreeSet;

use model::actor::TokenBearer;
use model::name::AccessTokenName;
use model::permission::Scope;
use model::secret_text::PlainToken;
use model::user::StaffRole;
use model::view::AccessTokenView;
use model::{AccessTokenId, Authorised, Grant, Timestamp, UserId, may};

use crate::session::{membership, staff_role};
use crate::sql::{on, sql};
use crate::{Db, Result, Tx, row};

sql! {
    INSERT = "insert into access_token (id, name, hint, token_hash, scopes, user_id, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    BEARER = "select a.id, a.name, a.scopes, a.user_id, a.last_used_at, u.staff_role, m.tenant_id, m.role
        from access_token a
        left join app_user u on u.id = a.user_id
        left join membership m on m.user_id = u.id
        where a.token_hash = $1 and a.revoked_at is null and a.expires_at > $2 and u.disabled_at is null
        order by m.tenant_id";
    ALL = "select a.id, a.name, a.hint, a.scopes, a.user_id, u.name as owner, a.created_at, a.expires_at, a.revoked_at, a.last_used_at
        from access_token a left join app_user u on u.id = a.user_id
        order by a.id desc limit 1000";
    OF_USER = "select a.id, a.name, a.hint, a.scopes, a.user_id, u.name as owner, a.created_at, a.expires_at, a.revoked_at, a.last_used_at
        from access_token a left join app_user u on u.id = a.user_id
        where a.user_id = $1 order by a.id desc limit 1000";
    BY_ID = "select a.id, a.name, a.hint, a.scopes, a.user_id, u.name as owner, a.created_at, a.expires_at, a.revoked_at, a.last_used_at
        from access_token a left join app_user u on u.id = a.user_id where a.id = $1";
    COUNT_LIVE = "select count(*) from access_token where user_id = $1 and revoked_at is null and expires_at > $2";
    REVOKE = "update access_token set revoked_at = $2 where id = $1 and revoked_at is null";
    TOUCH = "update access_token set last_used_at = $2
        where id = $1 and (last_used_at is null or last_used_at <= $3)";
    PRUNE = "delete from access_token where expires_at < $1";
}

/// An access token with its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// What pages show.
    pub view: AccessTokenView,
    /// Whose; none for one made at the command line.
    pub user: Option<UserId>,
}

/// A token that was presented and found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// What it may.
    pub bearer: TokenBearer,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// An access token to be written.
pub struct NewAccessToken<'a> {
    /// Its id.
    pub id: AccessTokenId,
    /// What it is called.
    pub name: &'a AccessTokenName,
    /// Its text, of which the hash and a hint are kept.
    pub token: &'a PlainToken,
    /// What it is limited to.
    pub scopes: &'a BTreeSet<Scope>,
    /// Whose; none for one made at the command line.
    pub user: Option<UserId>,
    /// Now.
    pub at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    hint: String,
    scopes: String,
    user_id: Option<String>,
    owner: Option<String>,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl TryFrom<Row> for Owned {
    type Error = crate::Error;
    fn try_from(r: Row) -> Result<Self> {
        let user = r
            .user_id
            .map(|text| row::read("access_token", &r.id, &text));
        Ok(Self {
            user: user.transpose()?,
            view: AccessTokenView {
                id: row::read("access_token", &r.id, &r.id)?,
                scopes: scopes(&r.id, &r.scopes)?.into_iter().collect(),
                name: r.name,
                hint: r.hint,
                owner: r.owner.unwrap_or_else(|| "Command line".to_owned()),
                created_at: Timestamp::from_micros(r.created_at),
                expires_at: Timestamp::from_micros(r.expires_at),
                revoked_at: r.revoked_at.map(Timestamp::from_micros),
                last_used_at: r.last_used_at.map(Timestamp::from_micros),
            },
        })
    }
}

fn scopes(id: &str, text: &str) -> Result<BTreeSet<Scope>> {
    text.split_whitespace()
        .map(|word| row::read("access_token", id, word))
        .collect()
}

/// Writes an access token.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut Tx,
    _: &Authorised<may::ManageAccessTokens>,
    new: &NewAccessToken<'_>,
) -> Result<()> {
    let scopes: Vec<String> = new.scopes.iter().map(ToString::to_string).collect();
    on!(tx.handle(), (c, sql) = INSERT => {
        sqlx::query(sql)
            .bind(new.id.to_string())
            .bind(new.name.as_str())
            .bind(new.token.hint())
            .bind(new.token.hash().as_str())
            .bind(scopes.join(" "))
            .bind(new.user.map(|id| id.to_string()))
            .bind(new.at.micros())
            .bind(new.expires_at.micros())
            .execute(c).await?;
    });
    Ok(())
}

#[derive(sqlx::FromRow)]
struct BearerRow {
    id: String,
    name: String,
    scopes: String,
    user_id: Option<String>,
    last_used_at: Option<i64>,
    staff_role: Option<String>,
    tenant_id: Option<String>,
    role: Option<String>,
}

/// Whom a text belongs to, with the owner's roles at this moment; one statement. None when it is
/// unknown, revoked or expired, or when its owner may not sign in.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn bearer(db: &Db, token: &PlainToken, now: Timestamp) -> Result<Option<Bearer>> {
    let rows: Vec<BearerRow> = on!(db.read(), (c, sql) = BEARER => sqlx::query_as(sql)
        .bind(token.hash().as_str()).bind(now.micros()).fetch_all(c).await?);
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
    let staff = if first.user_id.is_some() {
        staff_role(&first.id, first.staff_role.as_deref())?
    } else {
        Some(StaffRole::Owner)
    };
    Ok(Some(Bearer {
        bearer: TokenBearer {
            id: row::read("access_token", &first.id, &first.id)?,
            scopes: scopes(&first.id, &first.scopes)?,
            name: first.name,
            staff,
            tenants,
        },
        last_used_at: first.last_used_at.map(Timestamp::from_micros),
    }))
}

/// Everybody's access tokens, the newest first, at most 1,000.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn all(db: &Db, _: &Authorised<may::ManageAllAccessTokens>) -> Result<Vec<Owned>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = ALL => sqlx::query_as(sql).fetch_all(c).await?);
    rows.into_iter().map(Owned::try_from).collect()
}

/// A user's access tokens, the newest first, at most 1,000.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn of_user(db: &Db, user: UserId) -> Result<Vec<Owned>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = OF_USER => {
        sqlx::query_as(sql).bind(user.to_string()).fetch_all(c).await?
    });
    rows.into_iter().map(Owned::try_from).collect()
}

/// An access token.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn by_id(db: &Db, id: AccessTokenId) -> Result<Option<Owned>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = BY_ID => {
        sqlx::query_as(sql).bind(id.to_string()).fetch_optional(c).await?
    });
    row.map(Owned::try_from).transpose()
}

/// How many access tokens of a user work now.
///
/// # Errors
/// When the database fails.
pub async fn live(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<u32> {
    let number: i64 = on!(tx.handle(), (c, sql) = COUNT_LIVE => sqlx::query_scalar(sql)
        .bind(user.to_string()).bind(now.micros()).fetch_one(c).await?);
    Ok(row::count(number))
}

/// Revokes an access token. False when it was revoked before.
///
/// # Errors
/// When the database fails.
pub async fn revoke<P: Grant>(
    tx: &mut Tx,
    _: &Authorised<P>,
    id: AccessTokenId,
    now: Timestamp,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = REVOKE => sqlx::query(sql)
        .bind(id.to_string()).bind(now.micros())
        .execute(c).await?.rows_affected() > 0))
}

/// Notes that a token is used now, unless it was noted after `since`.
///
/// # Errors
/// When the database fails.
pub async fn touch(tx: &mut Tx, id: AccessTokenId, now: Timestamp, since: Timestamp) -> Result<()> {
    on!(tx.handle(), (c, sql) = TOUCH => {
        sqlx::query(sql)
            .bind(id.to_string()).bind(now.micros()).bind(since.micros())
            .execute(c).await?;
    });
    Ok(())
}

/// Drops access tokens that expired before a time; how many.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = PRUNE => {
        sqlx::query(sql).bind(before.micros()).execute(c).await?.rows_affected()
    }))
}
