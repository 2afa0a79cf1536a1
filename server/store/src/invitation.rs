//! Invitations by the hash of their token. One is open per address and place at most: a new one
//! withdraws the one before it, so that an old link is dead once a new one is sent.

use model::email::Email;
use model::secret_text::TokenHash;
use model::user::Role;
use model::view::MemberView;
use model::{Authorised, Grant, InvitationId, TenantId, Timestamp};

use crate::sql::{on, sql};
use crate::{Db, Result, Tx, row};

sql! {
    INSERT = "insert into invitation (id, email, email_folded, role, tenant_id, place, inviter, token_hash, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    REPLACE = "update invitation set withdrawn_at = $3
        where place = $1 and email_folded = $2 and accepted_at is null and withdrawn_at is null";
    BY_TOKEN = "select i.id, i.email, i.role, i.tenant_id, t.name as tenant_name, i.inviter, i.created_at,
            i.expires_at, i.accepted_at, i.withdrawn_at
        from invitation i left join tenant t on t.id = i.tenant_id where i.token_hash = $1";
    BY_ID = "select i.id, i.email, i.role, i.tenant_id, t.name as tenant_name, i.inviter, i.created_at,
            i.expires_at, i.accepted_at, i.withdrawn_at
        from invitation i left join tenant t on t.id = i.tenant_id where i.id = $1";
    OPEN = "select i.id, i.email, i.role, i.tenant_id, null as tenant_name, i.inviter, i.created_at,
            i.expires_at, i.accepted_at, i.withdrawn_at
        from invitation i
        where i.place = $1 and i.accepted_at is null and i.withdrawn_at is null and i.expires_at > $2
        order by i.created_at, i.id limit 500";
    ACCEPT = "update invitation set accepted_at = $2
        where id = $1 and accepted_at is null and withdrawn_at is null and expires_at > $2";
    WITHDRAW = "update invitation set withdrawn_at = $2
        where id = $1 and accepted_at is null and withdrawn_at is null";
    PRUNE = "delete from invitation where expires_at < $1";
}

/// An invitation as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Whom it is for.
    pub email: String,
    /// As what.
    pub role: Role,
    /// To which tenant; none for the staff.
    pub tenant: Option<TenantId>,
    /// What that is called.
    pub tenant_name: Option<String>,
    /// Who invited.
    pub inviter: String,
    /// When.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    email: String,
    role: String,
    tenant_id: Option<String>,
    tenant_name: Option<String>,
    inviter: String,
    created_at: i64,
    expires_at: i64,
    accepted_at: Option<i64>,
    withdrawn_at: Option<i64>,
}

impl TryFrom<Row> for Invitation {
    type Error = crate::Error;
    fn try_from(r: Row) -> Result<Self> {
        let tenant = r
            .tenant_id
            .map(|text| row::read("invitation", &r.id, &text));
        Ok(Self {
            id: row::read("invitation", &r.id, &r.id)?,
            role: row::word("invitation", &r.id, &r.role, Role::parse(&r.role))?,
            tenant: tenant.transpose()?,
            email: r.email,
            tenant_name: r.tenant_name,
            inviter: r.inviter,
            created_at: Timestamp::from_micros(r.created_at),
            expires_at: Timestamp::from_micros(r.expires_at),
            accepted_at: r.accepted_at.map(Timestamp::from_micros),
            withdrawn_at: r.withdrawn_at.map(Timestamp::from_micros),
        })
    }
}

impl From<Invitation> for MemberView {
    fn from(invitation: Invitation) -> Self {
        Self {
            user_id: None,
            invitation_id: Some(invitation.id),
            name: String::new(),
            email: invitation.email,
            role: invitation.role,
            since: invitation.created_at,
            expires_at: Some(invitation.expires_at),
        }
    }
}

/// An invitation to be written.
#[derive(Clone, Debug)]
pub struct NewInvitation<'a> {
    /// Its id.
    pub id: InvitationId,
    /// Whom it is for.
    pub email: &'a Email,
    /// As what.
    pub role: Role,
    /// To which tenant; none for the staff.
    pub tenant: Option<TenantId>,
    /// Hash of its token.
    pub hash: &'a TokenHash,
    /// Now.
    pub at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

fn place(tenant: Option<TenantId>) -> String {
    tenant.map_or_else(|| "staff".to_owned(), |id| id.to_string())
}

/// Writes an invitation, and withdraws an open one for the same address and place. The proof is that
/// of the permission to invite there, which also names the inviter.
///
/// # Errors
/// When the database fails.
pub async fn insert<P: Grant>(
    tx: &mut Tx,
    may: &Authorised<P>,
    new: &NewInvitation<'_>,
) -> Result<()> {
    let place = place(new.tenant);
    let folded = new.email.folded();
    on!(tx.handle(), (c, sql) = REPLACE => {
        sqlx::query(sql)
            .bind(&place).bind(&folded).bind(new.at.micros())
            .execute(c).await?;
    });
    on!(tx.handle(), (c, sql) = INSERT => {
        sqlx::query(sql)
            .bind(new.id.to_string())
            .bind(new.email.as_str())
            .bind(&folded)
            .bind(new.role.as_str())
            .bind(new.tenant.map(|id| id.to_string()))
            .bind(&place)
            .bind(&may.actor().name)
            .bind(new.hash.as_str())
            .bind(new.at.micros())
            .bind(new.expires_at.micros())
            .execute(c).await?;
    });
    Ok(())
}

/// The invitation with a token.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn by_token(db: &Db, hash: &TokenHash) -> Result<Option<Invitation>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = BY_TOKEN => {
        sqlx::query_as(sql).bind(hash.as_str()).fetch_optional(c).await?
    });
    row.map(Invitation::try_from).transpose()
}

/// An invitation.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn by_id(db: &Db, id: InvitationId) -> Result<Option<Invitation>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = BY_ID => {
        sqlx::query_as(sql).bind(id.to_string()).fetch_optional(c).await?
    });
    row.map(Invitation::try_from).transpose()
}

/// Invitations to a tenant, or to the staff, that can be accepted; the earliest first, at most 500.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn open(db: &Db, tenant: Option<TenantId>, now: Timestamp) -> Result<Vec<Invitation>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = OPEN => sqlx::query_as(sql)
        .bind(place(tenant)).bind(now.micros()).fetch_all(c).await?);
    rows.into_iter().map(Invitation::try_from).collect()
}

/// Uses an invitation up. False when it is no longer open; of two at once, one is told so.
///
/// # Errors
/// When the database fails.
pub async fn accept(tx: &mut Tx, id: InvitationId, now: Timestamp) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = ACCEPT => sqlx::query(sql)
        .bind(id.to_string()).bind(now.micros())
        .execute(c).await?.rows_affected() > 0))
}

/// Takes an invitation back. False when it is no longer open.
///
/// # Errors
/// When the database fails.
pub async fn withdraw<P: Grant>(
    tx: &mut Tx,
    _: &Authorised<P>,
    id: InvitationId,
    now: Timestamp,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = WITHDRAW => sqlx::query(sql)
        .bind(id.to_string()).bind(now.micros())
        .execute(c).await?.rows_affected() > 0))
}

/// Drops invitations that expired before a time; how many.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = PRUNE => {
        sqlx::query(sql).bind(before.micros()).execute(c).await?.rows_affected()
    }))
}
