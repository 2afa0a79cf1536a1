//! People who sign in. Addresses are unique by their folded form; a disabled user keeps the row.

use model::email::Email;
use model::name::PersonName;
use model::user::{Role, StaffRole};
use model::{Timestamp, UserId};

use crate::session::staff_role;
use crate::sql::{on, sql};
use crate::{Db, Result, Tx, row};

sql! {
    INSERT = "insert into app_user (id, email, email_folded, name, password_hash, staff_role, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    BY_EMAIL = "select u.id, u.email, u.name, u.password_hash, u.staff_role, u.created_at, u.disabled_at,
            (select min(m.tenant_id) from membership m where m.user_id = u.id) as home
        from app_user u where u.email_folded = $1";
    BY_ID = "select u.id, u.email, u.name, u.password_hash, u.staff_role, u.created_at, u.disabled_at,
            (select min(m.tenant_id) from membership m where m.user_id = u.id) as home
        from app_user u where u.id = $1";
    STAFF = "select u.id, u.email, u.name, u.password_hash, u.staff_role, u.created_at, u.disabled_at,
            null as home
        from app_user u where u.staff_role is not null and u.disabled_at is null
        order by u.id limit 500";
    OWNERS = "select count(*) from app_user where staff_role = 'staff_owner' and disabled_at is null";
    SET_PASSWORD = "update app_user set password_hash = $2 where id = $1 and password_hash = $3";
    SET_STAFF_ROLE = "update app_user set staff_role = $2 where id = $1";
}

/// A person as the database knows them.
#[derive(Clone)]
pub struct Account {
    /// Who.
    pub id: UserId,
    /// Address.
    pub email: String,
    /// Name.
    pub name: String,
    /// PHC string of the password's hash.
    pub password_hash: String,
    /// Role among the staff.
    pub staff: Option<StaffRole>,
    /// The first of their tenants, in whose trail their sign-ins stand; none for none.
    pub home: Option<model::TenantId>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Whether they may not sign in any more.
    pub disabled: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    email: String,
    name: String,
    password_hash: String,
    staff_role: Option<String>,
    home: Option<String>,
    created_at: i64,
    disabled_at: Option<i64>,
}

impl TryFrom<Row> for Account {
    type Error = crate::Error;
    fn try_from(r: Row) -> Result<Self> {
        let home = r.home.map(|text| row::read("membership", &r.id, &text));
        Ok(Self {
            id: row::read("app_user", &r.id, &r.id)?,
            staff: staff_role(&r.id, r.staff_role.as_deref())?,
            home: home.transpose()?,
            email: r.email,
            name: r.name,
            password_hash: r.password_hash,
            created_at: Timestamp::from_micros(r.created_at),
            disabled: r.disabled_at.is_some(),
        })
    }
}

/// A person to be added.
pub struct NewUser<'a> {
    /// Who.
    pub id: UserId,
    /// Address.
    pub email: &'a Email,
    /// Name.
    pub name: &'a PersonName,
    /// PHC string of the password's hash.
    pub password_hash: &'a str,
    /// Role among the staff.
    pub staff: Option<StaffRole>,
    /// Now.
    pub at: Timestamp,
}

/// Adds a person.
///
/// # Errors
/// [`crate::Error::Taken`] when the address is taken.
pub async fn insert(tx: &mut Tx, new: &NewUser<'_>) -> Result<()> {
    on!(tx.handle(), (c, sql) = INSERT => {
        sqlx::query(sql)
            .bind(new.id.to_string())
            .bind(new.email.as_str())
            .bind(new.email.folded())
            .bind(new.name.as_str())
            .bind(new.password_hash)
            .bind(new.staff.map(|role| Role::from(role).as_str()))
            .bind(new.at.micros())
            .execute(c).await?;
    });
    Ok(())
}

/// The person with an address, by its folded form.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn by_email(db: &Db, folded: &str) -> Result<Option<Account>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = BY_EMAIL => {
        sqlx::query_as(sql).bind(folded).fetch_optional(c).await?
    });
    row.map(Account::try_from).transpose()
}

/// A person.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn by_id(db: &Db, id: UserId) -> Result<Option<Account>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = BY_ID => {
        sqlx::query_as(sql).bind(id.to_string()).fetch_optional(c).await?
    });
    row.map(Account::try_from).transpose()
}

/// The staff who may sign in, the earliest first, at most 500.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn staff(db: &Db) -> Result<Vec<Account>> {
    let rows: Vec<Row> =
        on!(db.read(), (c, sql) = STAFF => sqlx::query_as(sql).fetch_all(c).await?);
    rows.into_iter().map(Account::try_from).collect()
}

/// How many staff owners may sign in.
///
/// # Errors
/// When the database fails.
pub async fn owners(db: &Db) -> Result<u32> {
    let number: i64 =
        on!(db.read(), (c, sql) = OWNERS => sqlx::query_scalar(sql).fetch_one(c).await?);
    Ok(row::count(number))
}

/// As [`owners`], inside a transaction.
///
/// # Errors
/// When the database fails.
pub async fn owners_in(tx: &mut Tx) -> Result<u32> {
    let number: i64 =
        on!(tx.handle(), (c, sql) = OWNERS => sqlx::query_scalar(sql).fetch_one(c).await?);
    Ok(row::count(number))
}

/// Replaces the hash of a password, if it is still the one that was checked.
///
/// # Errors
/// When the database fails.
pub async fn set_password(tx: &mut Tx, id: UserId, new: &str, checked: &str) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = SET_PASSWORD => sqlx::query(sql)
        .bind(id.to_string()).bind(new).bind(checked)
        .execute(c).await?.rows_affected() > 0))
}

/// Gives a person a role among the staff.
///
/// # Errors
/// When the database fails.
pub async fn set_staff_role(tx: &mut Tx, id: UserId, role: StaffRole) -> Result<()> {
    on!(tx.handle(), (c, sql) = SET_STAFF_ROLE => {
        sqlx::query(sql)
            .bind(id.to_string()).bind(Role::from(role).as_str())
            .execute(c).await?;
    });
    Ok(())
}
