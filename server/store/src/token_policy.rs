//! What tenants demand of their tokens beyond the staff: one row for a tenant that does, none for one
//! that follows the staff.

use model::token::{OnLeak, TokenPolicy};
use model::{Authorised, TenantId, may};

use crate::sql::{on, sql};
use crate::{Db, Result, Tx, row};

sql! {
    GET = "select default_days, max_days, on_leak from token_policy where tenant_id = $1";
    PUT = "insert into token_policy (tenant_id, default_days, max_days, on_leak) values ($1, $2, $3, $4) \
        on conflict (tenant_id) do update set default_days = $2, max_days = $3, on_leak = $4";
    REMOVE = "delete from token_policy where tenant_id = $1";
}

type Row = (i64, i64, String);

fn policy(tenant: TenantId, found: Option<Row>) -> Result<Option<TokenPolicy>> {
    let Some((default_days, max_days, on_leak)) = found else {
        return Ok(None);
    };
    let id = tenant.to_string();
    Ok(Some(TokenPolicy {
        default_days: row::count(default_days),
        max_days: row::count(max_days),
        on_leak: row::word("token_policy", &id, &on_leak, OnLeak::parse(&on_leak))?,
    }))
}

/// A tenant's own policy; none when it follows the staff's.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn get(db: &Db, tenant: TenantId) -> Result<Option<TokenPolicy>> {
    let found: Option<Row> = on!(db.read(), (c, sql) = GET => {
        sqlx::query_as(sql).bind(tenant.to_string()).fetch_optional(c).await?
    });
    policy(tenant, found)
}

/// As [`get`], as this transaction sees it.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn get_in(tx: &mut Tx, tenant: TenantId) -> Result<Option<TokenPolicy>> {
    let found: Option<Row> = on!(tx.handle(), (c, sql) = GET => {
        sqlx::query_as(sql).bind(tenant.to_string()).fetch_optional(c).await?
    });
    policy(tenant, found)
}

/// Writes a tenant's own policy, or takes it away.
///
/// # Errors
/// When the database fails.
pub async fn set(
    tx: &mut Tx,
    _: &Authorised<may::ChangeTokenPolicy>,
    tenant: TenantId,
    policy: Option<TokenPolicy>,
) -> Result<()> {
    match policy {
        Some(own) => on!(tx.handle(), (c, sql) = PUT => {
            sqlx::query(sql)
                .bind(tenant.to_string())
                .bind(i64::from(own.default_days))
                .bind(i64::from(own.max_days))
                .bind(own.on_leak.as_str())
                .execute(c)
                .await?;
        }),
        None => on!(tx.handle(), (c, sql) = REMOVE => {
            sqlx::query(sql).bind(tenant.to_string()).execute(c).await?;
        }),
    }
    Ok(())
}
