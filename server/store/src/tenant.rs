//! Tenants. Names are unique by their folded form among those that are not deleted; lists are in the
//! order of names, by a key whose characters every collation orders alike.

use model::name::TenantName;
use model::view::TenantView;
use model::{Authorised, TenantId, Timestamp, may};

use crate::sql::{on, sql};
use crate::{Db, Result, Tx, row};

sql! {
    INSERT = "insert into tenant (id, name, name_folded, name_order, created_at) values ($1, $2, $3, $4, $5)";
    BY_ID = "select t.id, t.name, t.name_order, t.created_at,
            (select count(*) from instance i where i.tenant_id = t.id and i.state <> 'deleted') as instances,
            (select count(*) from instance i where i.tenant_id = t.id and i.state <> 'deleted'
                and i.health_status not in ('healthy', 'progressing')) as not_healthy,
            (select count(*) from membership m where m.tenant_id = t.id) as members
        from tenant t where t.id = $1 and t.deleted_at is null";
    PAGE = "select t.id, t.name, t.name_order, t.created_at,
            (select count(*) from instance i where i.tenant_id = t.id and i.state <> 'deleted') as instances,
            (select count(*) from instance i where i.tenant_id = t.id and i.state <> 'deleted'
                and i.health_status not in ('healthy', 'progressing')) as not_healthy,
            (select count(*) from membership m where m.tenant_id = t.id) as members
        from tenant t
        where t.deleted_at is null and t.name_folded like $1 escape '\\' and (t.name_order, t.id) > ($2, $3)
        order by t.name_order, t.id limit $4";
    NAME = "select name from tenant where id = $1";
    HOLD = "update tenant set name = name where id = $1 and deleted_at is null returning name";
    INSTANCES = "select count(*) from instance where tenant_id = $1 and state <> 'deleted'";
    RENAME = "update tenant set name = $2, name_folded = $3, name_order = $4 where id = $1 and deleted_at is null";
    DELETE = "update tenant set deleted_at = $2 where id = $1 and deleted_at is null";
    DROP_MEMBERS = "delete from membership where tenant_id = $1";
    DROP_INVITATIONS = "delete from invitation where tenant_id = $1";
}

/// Where a page of tenants starts: behind this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its order key; empty for the start.
    pub order: String,
    /// Its id; empty for the start.
    pub id: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    created_at: i64,
    instances: i64,
    not_healthy: i64,
    members: i64,
}

impl TryFrom<Row> for TenantView {
    type Error = crate::Error;
    fn try_from(r: Row) -> Result<Self> {
        Ok(Self {
            id: row::read("tenant", &r.id, &r.id)?,
            name: r.name,
            instances: row::count(r.instances),
            not_healthy: row::count(r.not_healthy),
            members: row::count(r.members),
            created_at: Timestamp::from_micros(r.created_at),
        })
    }
}

/// The place of a tenant in lists.
#[must_use]
pub fn place(id: TenantId, name: &str) -> Place {
    Place {
        order: order_key(&model::name::fold(name)),
        id: id.to_string(),
    }
}

/// The first 48 bytes of a text in hexadecimal: sorts like the bytes under every collation.
fn order_key(folded: &str) -> String {
    use std::fmt::Write as _;
    folded
        .bytes()
        .take(48)
        .fold(String::new(), |mut key, byte| {
            // Writing to a String cannot fail.
            let _ = write!(key, "{byte:02x}");
            key
        })
}

/// Writes a new tenant.
///
/// # Errors
/// [`crate::Error::Taken`] when the name is taken.
pub async fn insert(
    tx: &mut Tx,
    _: &Authorised<may::CreateTenant>,
    id: TenantId,
    name: &TenantName,
    at: Timestamp,
) -> Result<()> {
    let folded = name.folded();
    on!(tx.handle(), (c, sql) = INSERT => {
        sqlx::query(sql)
            .bind(id.to_string())
            .bind(name.as_str())
            .bind(&folded)
            .bind(order_key(&folded))
            .bind(at.micros())
            .execute(c).await?;
    });
    Ok(())
}

/// One tenant, unless it is deleted.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn by_id(db: &Db, id: TenantId) -> Result<Option<TenantView>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = BY_ID => {
        sqlx::query_as(sql).bind(id.to_string()).fetch_optional(c).await?
    });
    row.map(TenantView::try_from).transpose()
}

/// Tenants behind a place whose folded name is like the pattern (`\` escapes), in the order of names.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn page(db: &Db, pattern: &str, after: &Place, limit: u32) -> Result<Vec<TenantView>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = PAGE => sqlx::query_as(sql)
        .bind(pattern).bind(&after.order).bind(&after.id).bind(i64::from(limit))
        .fetch_all(c).await?);
    rows.into_iter().map(TenantView::try_from).collect()
}

/// What a tenant is or was called.
///
/// # Errors
/// When the database fails.
pub async fn name(db: &Db, id: TenantId) -> Result<Option<String>> {
    Ok(on!(db.read(), (c, sql) = NAME => {
        sqlx::query_scalar(sql).bind(id.to_string()).fetch_optional(c).await?
    }))
}

/// Locks a tenant that is not deleted until the transaction ends and gives its name, so that nothing
/// is added to a tenant that is just being deleted.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, id: TenantId) -> Result<Option<String>> {
    Ok(on!(tx.handle(), (c, sql) = HOLD => {
        sqlx::query_scalar(sql).bind(id.to_string()).fetch_optional(c).await?
    }))
}

/// Instances of a tenant that are not deleted.
///
/// # Errors
/// When the database fails.
pub async fn instances(tx: &mut Tx, id: TenantId) -> Result<u32> {
    let number: i64 = on!(tx.handle(), (c, sql) = INSTANCES => {
        sqlx::query_scalar(sql).bind(id.to_string()).fetch_one(c).await?
    });
    Ok(row::count(number))
}

/// Gives a tenant another name. False when there is no such tenant.
///
/// # Errors
/// [`crate::Error::Taken`] when the name is taken.
pub async fn rename(
    tx: &mut Tx,
    _: &Authorised<may::ChangeTenant>,
    id: TenantId,
    name: &TenantName,
) -> Result<bool> {
    let folded = name.folded();
    Ok(on!(tx.handle(), (c, sql) = RENAME => sqlx::query(sql)
        .bind(id.to_string())
        .bind(name.as_str())
        .bind(&folded)
        .bind(order_key(&folded))
        .execute(c).await?.rows_affected() > 0))
}

/// Marks a tenant as deleted and drops its memberships and invitations. The row stays, because the
/// rows of its deleted instances refer to it. Hold it first and see that it has no instances.
///
/// # Errors
/// When the database fails.
pub async fn delete(
    tx: &mut Tx,
    _: &Authorised<may::DeleteTenant>,
    id: TenantId,
    at: Timestamp,
) -> Result<()> {
    on!(tx.handle(), (c, sql) = DELETE => {
        sqlx::query(sql).bind(id.to_string()).bind(at.micros()).execute(c).await?;
    });
    for statement in [DROP_MEMBERS, DROP_INVITATIONS] {
        on!(tx.handle(), (c, sql) = statement => {
            sqlx::query(sql).bind(id.to_string()).execute(c).await?;
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_keys_sort_like_their_texts() {
        let mut names = ["zebra", "acme", "école", "acme ltd", "1st"];
        names.sort_by_key(|name| order_key(name));
        assert_eq!(names, ["1st", "acme", "acme ltd", "zebra", "école"]);
        assert!(order_key(&"x".repeat(500)).len() == 96);
    }
}
