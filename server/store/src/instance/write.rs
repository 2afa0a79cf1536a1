//! Writing instances. What the proof is, differs: a permission for people, a held operation for
//! workers, the lease of the watch for health.

use model::cluster::{ClusterName, Purpose, Region};
use model::health::{Health, HealthStatus};
use model::name::InstanceName;
use model::permission::Authorised;
use model::release::Version;
use model::{InstanceId, TenantId, Timestamp, may};

use super::Instance;
use crate::lease::Lease;
use crate::operation::Held;
use crate::sql::{on, sql};
use crate::{Error, Result, Tx};

sql! {
    INSERT = "insert into instance (id, tenant_id, name, folded, purpose, region, release, overrides, state, \
        health_status, health, health_since, created_at, updated_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'creating', $9, $10, $11, $11, $11) on conflict do nothing";
    LOCK = "update instance set gate_generation = gate_generation where id = $1";
    SAVE = "update instance set cluster = $2, host = $3, release = $4, overrides = $5, state = $6, \
        grace_until = $7, running_version = $8, deleted_at = $9, updated_at = $10 where id = $1";
    RENAME = "update instance set name = $2, folded = $3, updated_at = $4 where id = $1 and state <> 'deleted'";
    SET_HEALTH = "update instance set health_status = $2, health = $3, health_since = $4 where id = $1";
    SAVE_HEALTH = "update instance set health_status = $2, health = $3, health_since = $4, \
        running_version = coalesce($5, running_version) where id = $1 \
        and state in ('creating', 'running', 'changing')";
}

/// An instance as it is asked for.
#[derive(Clone, Debug)]
pub struct NewInstance {
    /// Its id.
    pub id: InstanceId,
    /// The tenant.
    pub tenant: TenantId,
    /// What it is called.
    pub name: InstanceName,
    /// Development or production.
    pub purpose: Purpose,
    /// Region.
    pub region: Region,
    /// Release.
    pub release: Version,
    /// Console overrides, as YAML.
    pub overrides: String,
    /// When.
    pub at: Timestamp,
}

/// Whose transaction may change the wish or the state of an instance.
pub trait InstanceProof: Sync {}
impl InstanceProof for Authorised<may::ChangeInstance> {}
impl InstanceProof for Authorised<may::DeleteInstance> {}
impl InstanceProof for Authorised<may::ControlOperation> {}
impl InstanceProof for Held {}

/// A new health, and whether the status or its cause is another one than before.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthChange {
    /// Which instance.
    pub instance: InstanceId,
    /// Its health.
    pub health: Health,
    /// Version that answered; none leaves what is known.
    pub running_version: Option<String>,
    /// Whether to keep a transition.
    pub transition: bool,
}

/// Adds an instance; false when the tenant has another one of that name.
///
/// # Errors
/// As the database reports.
pub async fn insert(
    tx: &mut Tx,
    _may: &Authorised<may::CreateInstance>,
    new: &NewInstance,
) -> Result<bool> {
    let health = Health::unknown(new.at);
    let text = health_text(&new.id, &health)?;
    let added = on!(tx.handle(), (c, sql) = INSERT => {
        sqlx::query(sql)
            .bind(new.id.as_str())
            .bind(new.tenant.to_string())
            .bind(new.name.as_str())
            .bind(new.name.folded())
            .bind(new.purpose.as_str())
            .bind(new.region.as_str())
            .bind(new.release.to_string())
            .bind(&new.overrides)
            .bind(HealthStatus::Unknown.as_str())
            .bind(&text)
            .bind(new.at.micros())
            .execute(c)
            .await?
            .rows_affected()
    }) == 1;
    if added {
        crate::gate::insert(tx, &new.id, new.at).await?;
    }
    Ok(added)
}

fn health_text(id: &InstanceId, health: &Health) -> Result<String> {
    serde_json::to_string(health).map_err(|e| Error::broken("instance", id, e))
}

/// Takes the row for this transaction, so that what is read next stays true until its end.
///
/// # Errors
/// As the database reports.
pub async fn lock(tx: &mut Tx, id: &InstanceId) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = LOCK => {
        sqlx::query(sql).bind(id.as_str()).execute(c).await?.rows_affected()
    }) == 1)
}

/// Writes wish, place and state of an instance that was locked and read in this transaction; not its
/// gate's generation, which grows only by [`crate::gate::bump`].
///
/// # Errors
/// As the database reports.
pub async fn save(
    tx: &mut Tx,
    _proof: &impl InstanceProof,
    instance: &Instance,
    now: Timestamp,
) -> Result<()> {
    on!(tx.handle(), (c, sql) = SAVE => {
        sqlx::query(sql)
            .bind(instance.id.as_str())
            .bind(instance.cluster.as_ref().map(ClusterName::as_str))
            .bind(instance.host.as_deref())
            .bind(instance.release.to_string())
            .bind(&instance.overrides)
            .bind(instance.state.as_str())
            .bind(instance.grace_until.micros())
            .bind(instance.running_version.as_deref())
            .bind(instance.deleted_at.map(Timestamp::micros))
            .bind(now.micros())
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Gives an instance another name; false when it is gone.
///
/// # Errors
/// [`Error::Taken`] when the tenant has another one of that name.
pub async fn rename(
    tx: &mut Tx,
    _may: &Authorised<may::ChangeInstance>,
    id: &InstanceId,
    name: &InstanceName,
    now: Timestamp,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = RENAME => {
        sqlx::query(sql)
            .bind(id.as_str())
            .bind(name.as_str())
            .bind(name.folded())
            .bind(now.micros())
            .execute(c)
            .await?
            .rows_affected()
    }) == 1)
}

/// Sets the health that follows from what is done to the instance (its creation is cancelled, it is
/// being deleted), with a transition when the status is another one.
///
/// # Errors
/// As the database reports.
pub async fn set_health(
    tx: &mut Tx,
    _proof: &impl InstanceProof,
    id: &InstanceId,
    health: &Health,
    transition: bool,
) -> Result<()> {
    let text = health_text(id, health)?;
    on!(tx.handle(), (c, sql) = SET_HEALTH => {
        sqlx::query(sql)
            .bind(id.as_str())
            .bind(health.status.as_str())
            .bind(&text)
            .bind(health.since.micros())
            .execute(c)
            .await?;
    });
    if transition {
        crate::health::add(tx, id, health).await?;
    }
    Ok(())
}

/// Writes the health that the watch has rolled up, unless the instance is going or gone meanwhile.
/// Says whether it was written.
///
/// # Errors
/// As the database reports.
pub async fn save_health(tx: &mut Tx, _held: &Lease, change: &HealthChange) -> Result<bool> {
    let text = health_text(&change.instance, &change.health)?;
    let written = on!(tx.handle(), (c, sql) = SAVE_HEALTH => {
        sqlx::query(sql)
            .bind(change.instance.as_str())
            .bind(change.health.status.as_str())
            .bind(&text)
            .bind(change.health.since.micros())
            .bind(change.running_version.as_deref())
            .execute(c)
            .await?
            .rows_affected()
    }) == 1;
    if written && change.transition {
        crate::health::add(tx, &change.instance, &change.health).await?;
    }
    Ok(written)
}
