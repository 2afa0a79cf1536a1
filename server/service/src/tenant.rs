//! Tenants: the organisations that instances belong to. A tenant goes only when it has no instances,
//! and its row stays behind as a name for the trail.

use model::event::Subject;
use model::name::TenantName;
use model::page::Page;
use model::view::TenantView;
use model::{Actor, TenantId, may};
use serde_json::json;
use store::tenant::Place;

use crate::audit::Entry;
use crate::context::authorise;
use crate::{Context, Error, Origin, Result, audit, cursor, event};

const WHAT: &str = "tenant";

/// Creates, lists, renames and deletes tenants.
#[derive(Clone, Debug)]
pub struct TenantService {
    context: Context,
}

/// A tenant to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTenant {
    /// What the organisation is called, as typed.
    pub name: String,
}

/// Which tenants to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantFilter {
    /// Part of the name, in any case.
    pub q: Option<String>,
    /// Most rows; none for the default.
    pub limit: Option<u32>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

impl TenantService {
    pub(crate) fn new(context: Context) -> Self {
        Self { context }
    }

    /// Creates a tenant.
    ///
    /// # Errors
    /// [`Error::Conflict`] `name_taken` when another tenant has that name in any case.
    pub async fn create(
        &self,
        actor: &Actor,
        command: CreateTenant,
        origin: &Origin,
    ) -> Result<TenantView> {
        let may: model::Authorised<may::CreateTenant> = self
            .context
            .allow(actor, None, WHAT, "tenant.create", origin)
            .await?;
        let name = parse_name(&command.name)?;
        let at = self.context.now();
        let id = TenantId::new(&*self.context.clock, &*self.context.entropy);
        let mut tx = self.context.db.begin().await?;
        store::tenant::insert(&mut tx, &may, id, &name, at)
            .await
            .map_err(|e| taken(e, &name))?;
        let entry = Entry::new(may.actor(), origin, "tenant.create")
            .of(Some(id))
            .about(WHAT, id)
            .summary(format!("Created the tenant {name}."))
            .change(&json!(null), &json!({"name": name}));
        audit::append(&mut tx, at, entry).await?;
        let data = json!({"id": id, "name": name});
        event::append(
            &mut tx,
            at,
            Subject::Tenant,
            &id.to_string(),
            Some(id),
            &data,
        )
        .await?;
        tx.commit().await?;
        Ok(TenantView {
            id,
            name: name.as_str().to_owned(),
            instances: 0,
            not_healthy: 0,
            members: 0,
            created_at: at,
        })
    }

    /// Tenants by name: all of them for staff, their own for others.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a search, limit or cursor that cannot be used.
    pub async fn list(&self, actor: &Actor, filter: TenantFilter) -> Result<Page<TenantView>> {
        authorise::<may::ReadTenant>(actor, None, WHAT)?;
        let limit = cursor::limit(filter.limit)?;
        let pattern = cursor::search_pattern(filter.q.as_deref())?;
        let after = match &filter.cursor {
            None => Place::default(),
            Some(text) => {
                let [order, id] = cursor::unpack(text)?;
                Place { order, id }
            }
        };
        let db = &self.context.db;
        let rows = if actor.staff().is_some() {
            store::tenant::page(db, &pattern, &after, limit + 1).await?
        } else {
            self.own(actor, filter.q.as_deref().unwrap_or(""), &after)
                .await?
        };
        Ok(Page::cut(rows, limit, |row| {
            let place = store::tenant::place(row.id, &row.name);
            cursor::pack(&[&place.order, &place.id])
        }))
    }

    /// The few tenants that somebody belongs to, found by id.
    async fn own(&self, actor: &Actor, q: &str, after: &Place) -> Result<Vec<TenantView>> {
        let wanted = model::name::fold(q.trim());
        let mut rows = Vec::new();
        for (id, _) in actor.tenants() {
            if let Some(row) = store::tenant::by_id(&self.context.db, *id).await? {
                rows.push((store::tenant::place(row.id, &row.name), row));
            }
        }
        rows.retain(|(place, row)| {
            (&place.order, &place.id) > (&after.order, &after.id)
                && model::name::fold(&row.name).contains(&wanted)
        });
        rows.sort_by(|(a, _), (b, _)| (&a.order, &a.id).cmp(&(&b.order, &b.id)));
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// One tenant.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or not for this actor.
    pub async fn get(&self, actor: &Actor, id: TenantId) -> Result<TenantView> {
        authorise::<may::ReadTenant>(actor, Some(id), WHAT)?;
        let found = store::tenant::by_id(&self.context.db, id).await?;
        found.ok_or(Error::NotFound { what: WHAT })
    }

    /// Gives a tenant another name.
    ///
    /// # Errors
    /// [`Error::Conflict`] `name_taken`; [`Error::NotFound`].
    pub async fn rename(
        &self,
        actor: &Actor,
        id: TenantId,
        name: &str,
        origin: &Origin,
    ) -> Result<TenantView> {
        let may: model::Authorised<may::ChangeTenant> = self
            .context
            .allow(actor, Some(id), WHAT, "tenant.rename", origin)
            .await?;
        let name = parse_name(name)?;
        let at = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let before = store::tenant::hold(&mut tx, id).await?;
        let before = before.ok_or(Error::NotFound { what: WHAT })?;
        if before != name.as_str() {
            store::tenant::rename(&mut tx, &may, id, &name)
                .await
                .map_err(|e| taken(e, &name))?;
            let entry = Entry::new(may.actor(), origin, "tenant.rename")
                .of(Some(id))
                .about(WHAT, id)
                .summary(format!("Renamed {before} to {name}."))
                .change(&json!({"name": before}), &json!({"name": name}));
            audit::append(&mut tx, at, entry).await?;
            let data = json!({"id": id, "name": name});
            event::append(
                &mut tx,
                at,
                Subject::Tenant,
                &id.to_string(),
                Some(id),
                &data,
            )
            .await?;
            tx.commit().await?;
        }
        let found = store::tenant::by_id(&self.context.db, id).await?;
        found.ok_or(Error::NotFound { what: WHAT })
    }

    /// Deletes a tenant that has no instances; its people lose it at once.
    ///
    /// # Errors
    /// [`Error::Conflict`] `tenant_has_instances`; [`Error::NotFound`].
    pub async fn delete(&self, actor: &Actor, id: TenantId, origin: &Origin) -> Result<()> {
        let may: model::Authorised<may::DeleteTenant> = self
            .context
            .allow(actor, Some(id), WHAT, "tenant.delete", origin)
            .await?;
        let at = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let name = store::tenant::hold(&mut tx, id).await?;
        let name = name.ok_or(Error::NotFound { what: WHAT })?;
        let instances = store::tenant::instances(&mut tx, id).await?;
        if instances > 0 {
            let (verb, noun) = if instances == 1 {
                ("is", "instance")
            } else {
                ("are", "instances")
            };
            return Err(Error::conflict(
                "tenant_has_instances",
                format!(
                    "There {verb} still {instances} {noun} of {name}. Delete them first and wait until their deletion has ended."
                ),
            ));
        }
        store::tenant::delete(&mut tx, &may, id, at).await?;
        let entry = Entry::new(may.actor(), origin, "tenant.delete")
            .of(Some(id))
            .about(WHAT, id)
            .summary(format!("Deleted the tenant {name}."))
            .change(&json!({"name": name}), &json!(null));
        audit::append(&mut tx, at, entry).await?;
        let data = json!({"id": id, "name": name, "deleted": true});
        event::append(
            &mut tx,
            at,
            Subject::Tenant,
            &id.to_string(),
            Some(id),
            &data,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

fn parse_name(text: &str) -> Result<TenantName> {
    TenantName::parse(text).map_err(|why| Error::invalid("name", why))
}

fn taken(error: store::Error, name: &TenantName) -> Error {
    if error.is_taken() {
        Error::conflict(
            "name_taken",
            format!("There is already a tenant called {name}. Choose another name."),
        )
    } else {
        error.into()
    }
}
