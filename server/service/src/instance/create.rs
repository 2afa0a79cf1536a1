//! Creating an instance: by purpose and region, at the default release unless one is named. Whether
//! any cluster could take it is asked at once, so that the answer says why none fits; which one does
//! is decided by the operation's first step.

use model::cluster::{Purpose, Region, place};
use model::instance::InstanceState;
use model::name::{InstanceName, fold};
use model::operation::{OperationKind, Wish};
use model::release::{Channel, Release, Version, default_release};
use model::view::{InstanceView, OperationView};
use model::{Actor, ActorRef, Authorised, InstanceId, OperationId, TenantId, Timestamp, may};
use serde_json::json;
use store::Wake;
use store::cluster::Cluster;
use store::instance::NewInstance;
use store::operation::NewOperation;

use super::{InstanceService, WHAT, announce, name_taken, values, view};
use crate::audit::{Entry, Why};
use crate::error::Fields;
use crate::{Error, Origin, Result, audit, target};

/// An instance to be created, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateInstance {
    /// What it is called; none for a name after its purpose.
    pub name: Option<String>,
    /// `development` or `production`.
    pub purpose: String,
    /// Region.
    pub region: String,
    /// Release; none for the newest supported one.
    pub release: Option<String>,
    /// Overrides as YAML; none needed.
    pub overrides: Option<String>,
}

/// What creating an instance answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The instance.
    pub instance: InstanceView,
    /// The operation that brings it up.
    pub operation: OperationView,
}

struct Parsed {
    name: Option<InstanceName>,
    purpose: Purpose,
    region: Region,
    release: Version,
    overrides: String,
}

impl InstanceService {
    /// Creates an instance for a tenant and begins to bring it up.
    ///
    /// # Errors
    /// [`Error::Invalid`] by field, on `region` with the reason when no cluster can take it;
    /// [`Error::Conflict`] `name_taken`; [`Error::NotFound`] for the tenant.
    pub async fn create(
        &self,
        actor: &Actor,
        tenant: TenantId,
        command: CreateInstance,
        origin: &Origin,
    ) -> Result<Created> {
        let may: Authorised<may::CreateInstance> = self
            .context
            .allow(actor, Some(tenant), "tenant", "instance.create", origin)
            .await?;
        let catalogue = target::catalogue(&self.context).await?;
        let clusters = store::cluster::list(&self.context.db).await?;
        let parsed = self.parse(&command, &catalogue, &clusters)?;
        let usual = self.history.usual(&self.context.db).await?;
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        if store::tenant::hold(&mut tx, tenant).await?.is_none() {
            return Err(Error::NotFound { what: "tenant" });
        }
        let taken = store::instance::names(&mut tx, tenant).await?;
        let (new, wish) = self.draft(tenant, parsed, &taken, now)?;
        if !store::instance::insert(&mut tx, &may, &new).await? {
            return Err(name_taken(&new.name));
        }
        store::operation::insert(&mut tx, &may, &wish).await?;
        let instance = store::instance::by_id_in(&mut tx, &new.id).await?;
        let instance = instance.ok_or(Error::NotFound { what: WHAT })?;
        let operation = store::operation::by_id_in(&mut tx, wish.id).await?;
        let operation = operation.ok_or(Error::NotFound { what: "operation" })?;
        let entry = entry(may.actor(), origin, &new).why(&Why::Operation(wish.id));
        audit::append(&mut tx, now, entry).await?;
        announce(&mut tx, &instance, now).await?;
        crate::operation::announce(&mut tx, &operation, &usual, now).await?;
        tx.wake(Wake::Work);
        tx.commit().await?;
        let operation = crate::operation::view::view(&operation, &usual, now);
        Ok(Created {
            instance: view::view(&instance, Some(operation.clone()), now),
            operation,
        })
    }

    /// The rows to be written: the instance, and the operation that brings it up.
    fn draft(
        &self,
        tenant: TenantId,
        parsed: Parsed,
        taken: &[String],
        at: Timestamp,
    ) -> Result<(NewInstance, NewOperation)> {
        let new = NewInstance {
            id: InstanceId::new(&*self.context.entropy),
            tenant,
            name: match parsed.name {
                Some(name) => name,
                None => free_name(parsed.purpose, taken)?,
            },
            purpose: parsed.purpose,
            region: parsed.region,
            release: parsed.release,
            overrides: parsed.overrides,
            at,
        };
        let wish = NewOperation {
            id: OperationId::new(&*self.context.clock, &*self.context.entropy),
            instance: new.id.clone(),
            tenant,
            kind: OperationKind::Create,
            wish: Wish {
                release: new.release,
                release_before: new.release,
                overrides: new.overrides.clone(),
                overrides_before: new.overrides.clone(),
                state_before: InstanceState::Creating,
                unproven: None,
            },
            summary: format!("At release {}", new.release),
            at,
        };
        Ok((new, wish))
    }

    fn parse(
        &self,
        command: &CreateInstance,
        catalogue: &[Release],
        clusters: &[Cluster],
    ) -> Result<Parsed> {
        let mut fields = Fields::default();
        let typed = command
            .name
            .as_deref()
            .filter(|name| !name.trim().is_empty());
        let name = typed.and_then(|name| fields.take("name", InstanceName::parse(name)));
        let purpose = fields.take("purpose", command.purpose.parse::<Purpose>());
        let region = fields.take("region", command.region.parse::<Region>());
        let release = fields.take("release", wanted(command.release.as_deref(), catalogue));
        let overrides = command.overrides.as_deref().unwrap_or("");
        if let Err(why) = values::check(overrides, self.context.settings.values_schema.as_deref()) {
            fields.add("overrides", why);
        }
        if let (Some(region), Some(purpose)) = (&region, purpose) {
            let candidates: Vec<_> = clusters.iter().map(Cluster::candidate).collect();
            fields.take("region", place(&candidates, region, purpose));
        }
        match (purpose, region, release) {
            (Some(purpose), Some(region), Some(release)) => {
                fields.done()?;
                let overrides = overrides.to_owned();
                Ok(Parsed {
                    name,
                    purpose,
                    region,
                    release,
                    overrides,
                })
            }
            _ => Err(fields.into_error()),
        }
    }
}

fn entry(actor: &ActorRef, origin: &Origin, new: &NewInstance) -> Entry {
    let wish = json!({"name": new.name, "purpose": new.purpose, "region": new.region,
        "release": new.release, "overrides": new.overrides});
    let summary = format!(
        "Created the instance {} at release {}.",
        new.name, new.release
    );
    Entry::new(actor, origin, "instance.create")
        .of(Some(new.tenant))
        .about(WHAT, &new.id)
        .summary(summary)
        .change(&json!(null), &wish)
}

/// The release that is asked for, or the default.
fn wanted(text: Option<&str>, catalogue: &[Release]) -> std::result::Result<Version, String> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        let default = default_release(catalogue).map(|release| release.version);
        return default.ok_or_else(|| {
            "The catalogue has no supported release. Name a release, or add one.".to_owned()
        });
    };
    let version: Version = text.parse().map_err(|why| format!("{why}"))?;
    match catalogue.iter().find(|release| release.version == version) {
        None => Err(format!("{version} is not in the catalogue of releases.")),
        Some(release) if release.channel == Channel::Expired => Err(format!(
            "{version} has expired. Choose a supported release."
        )),
        Some(_) => Ok(version),
    }
}

/// The purpose as a name, with the first number that is free.
fn free_name(purpose: Purpose, taken: &[String]) -> Result<InstanceName> {
    let word = match purpose {
        Purpose::Development => "Development",
        Purpose::Production => "Production",
    };
    let free = (1..=taken.len() + 1)
        .map(|n| {
            if n == 1 {
                word.to_owned()
            } else {
                format!("{word} {n}")
            }
        })
        .find(|name| !taken.contains(&fold(name)))
        .unwrap_or_default();
    InstanceName::parse(&free).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_when_none_is_given() {
        let taken = ["development".to_owned(), "development 2".to_owned()];
        assert_eq!(
            free_name(Purpose::Development, &taken).unwrap().as_str(),
            "Development 3"
        );
        assert_eq!(
            free_name(Purpose::Production, &taken).unwrap().as_str(),
            "Production"
        );
    }
}
