//! From rows to what the adapters are asked for: the wish for one instance on its cluster. Whoever
//! builds one (worker, watch, detail page) builds the same one from the same rows.

use model::overrides::Overrides;
use model::release::{Release, Version};
use store::instance::Instance;

use crate::ports::Target;
use crate::{Context, Error, Result};

/// The catalogue of releases.
pub(crate) async fn catalogue(context: &Context) -> Result<Vec<Release>> {
    let all = store::release::all(&context.db).await?;
    Ok(all.into_iter().map(|view| view.release).collect())
}

/// The entry of that version, which some instance is wished at.
pub(crate) async fn release(context: &Context, version: Version) -> Result<Release> {
    let found = store::release::by_version(&context.db, version).await?;
    found
        .map(|view| view.release)
        .ok_or_else(|| Error::internal(format!("release {version} is not in the catalogue")))
}

/// The wish for an instance; none until it is placed, or when its cluster was removed.
///
/// # Errors
/// [`Error::Internal`] when a row holds overrides that cannot be read.
pub(crate) fn of(instance: &Instance, release: &Release) -> Result<Option<Target>> {
    let (Some(cluster), Some(host)) = (&instance.settings, &instance.host) else {
        return Ok(None);
    };
    let overrides = Overrides::parse(&instance.overrides).map_err(Error::internal)?;
    Ok(Some(Target {
        cluster: cluster.clone(),
        instance: instance.id.clone(),
        tenant: instance.tenant_id,
        host: host.clone(),
        purpose: instance.purpose,
        release: release.clone(),
        overrides: overrides.values().clone(),
    }))
}
