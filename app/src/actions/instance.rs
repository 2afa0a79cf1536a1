//! Instances: the list, one of them, and creating one.

use axum::extract::{Path, Query};
use axum::response::Response;
use model::page::{MAX_LIMIT, Page};
use model::permission::Permission;
use model::view::InstanceView;
use service::Error;
use service::instance::{CreateInstance, InstanceFilter};
use service::tenant::TenantFilter;

use super::Table;
use super::desk::{Desk, id};
use super::fleet::Asked;
use super::posted::Posted;
use super::token::newest;
use crate::pages::instances::Filters;
use crate::pages::{instance, instance_new, instances};
use crate::ui::form::Form;

const FILTERS: [&str; 6] = ["q", "tenant", "cluster", "purpose", "release", "health"];
const FIELDS: [&str; 6] = [
    "tenant",
    "name",
    "purpose",
    "region",
    "release",
    "overrides",
];

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table
        .page("/instances", list)
        .form("/instances", create)
        .page("/instances/new", new)
        .page("/instances/{id}", show)
}

/// Reads a filter that was given; what is none is said beside its field.
pub fn read<T: std::str::FromStr>(
    asked: &Asked,
    name: &str,
    message: &str,
) -> Result<Option<T>, Error> {
    let value = asked
        .given(name)
        .map(|text| text.parse().map_err(|_| Error::invalid(name, message)));
    value.transpose()
}

fn filter(asked: &Asked) -> Result<InstanceFilter, Error> {
    let health = asked.given("health").map(|text| {
        model::health::HealthStatus::parse(&text)
            .ok_or_else(|| Error::invalid("health", "Choose one of the five words."))
    });
    Ok(InstanceFilter {
        tenant: read(asked, "tenant", "There is no such tenant.")?,
        cluster: read(asked, "cluster", "There is no such cluster.")?,
        purpose: read(asked, "purpose", "Choose development or production.")?,
        release: read(asked, "release", "Use a version such as 2.1.0.")?,
        health: health.transpose()?,
        q: asked.given("q"),
        cursor: asked.given("cursor"),
        ..InstanceFilter::default()
    })
}

async fn load(desk: &Desk, asked: &Asked) -> Result<(Page<InstanceView>, Filters), Error> {
    let rows = desk
        .services
        .instance
        .list(&desk.caller.actor, filter(asked)?)
        .await?;
    let mut filters = choices(desk).await?;
    filters.chosen = asked.only(&FILTERS);
    filters.cursor = asked.given("cursor");
    Ok((rows, filters))
}

async fn choices(desk: &Desk) -> Result<Filters, Error> {
    let actor = &desk.caller.actor;
    let clusters = if desk.caller.is_staff() {
        desk.services
            .cluster
            .list(actor)
            .await?
            .iter()
            .map(|one| one.settings.name.to_string())
            .collect()
    } else {
        Vec::new()
    };
    let releases = desk.services.release.list(actor).await?;
    Ok(Filters {
        tenants: tenants(desk).await?,
        clusters,
        releases: releases
            .iter()
            .map(|one| one.release.version.to_string())
            .collect(),
        ..Filters::default()
    })
}

pub async fn tenants(desk: &Desk) -> Result<Vec<(String, String)>, Error> {
    let filter = TenantFilter {
        limit: Some(MAX_LIMIT),
        ..TenantFilter::default()
    };
    let rows = desk
        .services
        .tenant
        .list(&desk.caller.actor, filter)
        .await?
        .items;
    Ok(rows
        .into_iter()
        .map(|one| (one.id.to_string(), one.name))
        .collect())
}

async fn list(desk: Desk, Query(asked): Query<Asked>) -> Response {
    let loaded = load(&desk, &asked).await;
    desk.answer(loaded, |caller, (rows, filters)| {
        instances::page(caller, &rows, &filters)
    })
}

async fn show(desk: Desk, Path(text): Path<String>) -> Response {
    let found = async {
        let id = id(&text, "instance")?;
        let view = desk
            .services
            .instance
            .detail(&desk.caller.actor, &id)
            .await?;
        Ok((view, newest(&desk, &id).await?))
    };
    let found = found.await;
    desk.answer(found, |caller, (view, tokens)| {
        instance::page(caller, &view, &tokens)
    })
}

async fn can_be_chosen(desk: &Desk) -> Result<instance_new::Choices, Error> {
    desk.allowed(Permission::CreateInstance)?;
    let actor = &desk.caller.actor;
    Ok(instance_new::Choices {
        tenants: tenants(desk).await?,
        regions: desk.services.cluster.choices(actor).await?,
        releases: desk.services.release.list(actor).await?,
    })
}

async fn new(desk: Desk, Query(asked): Query<Asked>) -> Response {
    let form = Form::sent(asked.only(&FIELDS));
    let choices = can_be_chosen(&desk).await;
    desk.answer(choices, |caller, choices| {
        instance_new::page(caller, &choices, &form)
    })
}

async fn create(desk: Desk, posted: Posted) -> Response {
    let made = match posted.get("tenant").parse() {
        Ok(tenant) => {
            let command = CreateInstance {
                name: posted.optional("name"),
                purpose: posted.get("purpose").to_owned(),
                region: posted.get("region").to_owned(),
                release: posted.optional("release"),
                overrides: posted.optional("overrides"),
            };
            desk.services
                .instance
                .create(&desk.caller.actor, tenant, command, &desk.caller.origin)
                .await
        }
        Err(_) => Err(Error::invalid("tenant", "Choose a tenant.")),
    };
    match made {
        Ok(made) => {
            let text = format!("Instance {} is being created.", made.instance.name);
            desk.done(text, &format!("/instances/{}", made.instance.id))
        }
        Err(error) => match (
            can_be_chosen(&desk).await,
            Desk::refused(error, posted.into_form()),
        ) {
            (Ok(choices), Ok(form)) => {
                desk.show(|caller| instance_new::page(caller, &choices, &form))
            }
            (Err(error), _) | (_, Err(error)) => desk.failed(&error),
        },
    }
}
