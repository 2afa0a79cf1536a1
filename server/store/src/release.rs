//! The catalogue of releases, ordered by the numbers of their versions.

use model::release::{Channel, Release, Version};
use model::view::ReleaseView;
use model::{Authorised, may};

use crate::sql::{on, sql};
use crate::{Db, Error, Result, Tx, row};

sql! {
    ADD = "insert into release (version, place, channel, chart_revision, images, schema_levels, destroys, notes)
        values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (version) do nothing";
    PUT = "insert into release (version, place, channel, chart_revision, images, schema_levels, destroys, notes)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (version) do update set channel = $3, chart_revision = $4, images = $5,
            schema_levels = $6, destroys = $7, notes = $8";
    ALL = "select r.version, r.channel, r.chart_revision, r.images, r.schema_levels, r.destroys, r.notes,
            (select count(*) from instance i where i.release = r.version and i.state <> 'deleted') as instances
        from release r order by r.place desc limit 1000";
    BY_VERSION = "select r.version, r.channel, r.chart_revision, r.images, r.schema_levels, r.destroys, r.notes,
            (select count(*) from instance i where i.release = r.version and i.state <> 'deleted') as instances
        from release r where r.version = $1";
    SET_CHANNEL = "update release set channel = $2 where version = $1";
}

#[derive(sqlx::FromRow)]
struct Row {
    version: String,
    channel: String,
    chart_revision: String,
    images: String,
    schema_levels: String,
    destroys: Option<String>,
    notes: String,
    instances: i64,
}

impl TryFrom<Row> for ReleaseView {
    type Error = Error;
    fn try_from(r: Row) -> Result<Self> {
        Ok(Self {
            release: Release {
                version: row::read("release", &r.version, &r.version)?,
                channel: row::word(
                    "release",
                    &r.version,
                    &r.channel,
                    Channel::parse(&r.channel),
                )?,
                chart_revision: r.chart_revision,
                images: row::json("release", &r.version, &r.images)?,
                schema: row::json("release", &r.version, &r.schema_levels)?,
                destroys: r.destroys,
                notes: r.notes,
            },
            instances: row::count(r.instances),
        })
    }
}

/// Adds a release that is not there yet. False when it is.
///
/// # Errors
/// When the database fails.
pub async fn add(
    tx: &mut Tx,
    may: &Authorised<may::ChangeRelease>,
    release: &Release,
) -> Result<bool> {
    write(tx, may, ADD, release).await
}

/// Adds a release or replaces what the catalogue says of it.
///
/// # Errors
/// When the database fails.
pub async fn put(
    tx: &mut Tx,
    may: &Authorised<may::ChangeRelease>,
    release: &Release,
) -> Result<bool> {
    write(tx, may, PUT, release).await
}

async fn write(
    tx: &mut Tx,
    _: &Authorised<may::ChangeRelease>,
    statement: crate::Statement,
    release: &Release,
) -> Result<bool> {
    let version = release.version.to_string();
    let text = |result: std::result::Result<String, serde_json::Error>| {
        result.map_err(|error| Error::broken("release", &version, error))
    };
    let images = text(serde_json::to_string(&release.images))?;
    let schema = text(serde_json::to_string(&release.schema))?;
    Ok(on!(tx.handle(), (c, sql) = statement => sqlx::query(sql)
        .bind(&version)
        .bind(release.version.place())
        .bind(release.channel.as_str())
        .bind(&release.chart_revision)
        .bind(&images)
        .bind(&schema)
        .bind(release.destroys.as_deref())
        .bind(&release.notes)
        .execute(c).await?.rows_affected() > 0))
}

/// The catalogue, the newest first, at most 1,000.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn all(db: &Db) -> Result<Vec<ReleaseView>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = ALL => sqlx::query_as(sql).fetch_all(c).await?);
    rows.into_iter().map(ReleaseView::try_from).collect()
}

/// One release.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn by_version(db: &Db, version: Version) -> Result<Option<ReleaseView>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = BY_VERSION => {
        sqlx::query_as(sql).bind(version.to_string()).fetch_optional(c).await?
    });
    row.map(ReleaseView::try_from).transpose()
}

/// As [`by_version`], inside a transaction.
///
/// # Errors
/// When the database fails or the row is broken.
pub async fn by_version_in(tx: &mut Tx, version: Version) -> Result<Option<ReleaseView>> {
    let row: Option<Row> = on!(tx.handle(), (c, sql) = BY_VERSION => {
        sqlx::query_as(sql).bind(version.to_string()).fetch_optional(c).await?
    });
    row.map(ReleaseView::try_from).transpose()
}

/// Moves a release to another channel. False when there is no such release.
///
/// # Errors
/// When the database fails.
pub async fn set_channel(
    tx: &mut Tx,
    _: &Authorised<may::ChangeRelease>,
    version: Version,
    channel: Channel,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = SET_CHANNEL => sqlx::query(sql)
        .bind(version.to_string()).bind(channel.as_str())
        .execute(c).await?.rows_affected() > 0))
}
