//! Who belongs to which tenant, and as what.

use model::user::{Role, TenantRole};
use model::view::MemberView;
use model::{TenantId, Timestamp, UserId};

use crate::sql::{on, sql};
use crate::{Db, Result, Tx, row};

sql! {
    PUT = "insert into membership (user_id, tenant_id, role, created_at) values ($1, $2, $3, $4)
        on conflict (user_id, tenant_id) do nothing";
    LIST = "select u.id, u.name, u.email, m.role, m.created_at
        from membership m join app_user u on u.id = m.user_id
        where m.tenant_id = $1 and u.disabled_at is null order by m.created_at, u.id limit 500";
    HAS = "select count(*) from membership m join app_user u on u.id = m.user_id
        where m.tenant_id = $1 and u.email_folded = $2";
}

/// Makes a person a member. False when they are one already.
///
/// # Errors
/// When the database fails.
pub async fn put(
    tx: &mut Tx,
    user: UserId,
    tenant: TenantId,
    role: TenantRole,
    at: Timestamp,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = PUT => sqlx::query(sql)
        .bind(user.to_string())
        .bind(tenant.to_string())
        .bind(Role::from(role).as_str())
        .bind(at.micros())
        .execute(c).await?.rows_affected() > 0))
}

/// The members of a tenant, the earliest first, at most 500.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn list(db: &Db, tenant: TenantId) -> Result<Vec<MemberView>> {
    let rows: Vec<(String, String, String, String, i64)> = on!(db.read(), (c, sql) = LIST => {
        sqlx::query_as(sql).bind(tenant.to_string()).fetch_all(c).await?
    });
    rows.into_iter()
        .map(|(id, name, email, role, since)| {
            Ok(MemberView {
                user_id: Some(row::read("app_user", &id, &id)?),
                invitation_id: None,
                name,
                email,
                role: row::word("membership", &id, &role, Role::parse(&role))?,
                since: Timestamp::from_micros(since),
                expires_at: None,
            })
        })
        .collect()
}

/// Whether the person with that folded address is a member.
///
/// # Errors
/// When the database fails.
pub async fn has(db: &Db, tenant: TenantId, email_folded: &str) -> Result<bool> {
    let number: i64 = on!(db.read(), (c, sql) = HAS => {
        sqlx::query_scalar(sql).bind(tenant.to_string()).bind(email_folded).fetch_one(c).await?
    });
    Ok(number > 0)
}
