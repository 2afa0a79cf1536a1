//! The audit trail with its filters, which live in the address; exports are the API's own addresses with
//! the same filters.

use axum::extract::Query;
use axum::response::Response;
use model::page::Page;
use model::view::AuditView;
use model::{TenantId, Timestamp};
use service::Error;
use service::audit::AuditFilter;

use super::Table;
use super::desk::{Desk, id};
use super::fleet::Asked;
use super::instance::tenants;
use crate::pages::audit::{self, Filters};

/// Filters as they stand in the address.
const FILTERS: [&str; 7] = ["q", "tenant", "actor", "action", "subject", "from", "to"];
const DAY: std::time::Duration = std::time::Duration::from_hours(24);

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table.page("/audit", show)
}

async fn show(desk: Desk, Query(asked): Query<Asked>) -> Response {
    let loaded = load(&desk, &asked).await;
    desk.answer(loaded, |caller, (rows, filters)| {
        audit::page(caller, &rows, &filters)
    })
}

async fn load(desk: &Desk, asked: &Asked) -> Result<(Page<AuditView>, Filters), Error> {
    let tenant = tenant(desk, asked)?;
    let filter = AuditFilter {
        tenant,
        actor: asked.given("actor"),
        action: asked.given("action"),
        subject: asked.given("subject"),
        from: time(asked, "from", false)?,
        to: time(asked, "to", true)?,
        q: asked.given("q"),
        limit: None,
        cursor: asked.given("cursor"),
    };
    let export = export(&filter);
    let rows = desk.services.audit.list(&desk.caller.actor, filter).await?;
    let filters = Filters {
        chosen: asked.only(&FILTERS),
        cursor: asked.given("cursor"),
        tenants: tenants(desk).await?,
        export,
        whole: desk.caller.is_staff(),
    };
    Ok((rows, filters))
}

/// Somebody of several tenants reads one trail at a time; the first unless they say which.
fn tenant(desk: &Desk, asked: &Asked) -> Result<Option<TenantId>, Error> {
    if let Some(text) = asked.given("tenant") {
        return id(&text, "tenant").map(Some);
    }
    let mine = desk.caller.actor.tenants().first();
    Ok(mine
        .map(|(tenant, _)| *tenant)
        .filter(|_| !desk.caller.is_staff()))
}

/// A day, or a moment as the API writes it. A day as the end is part of what is shown.
fn time(asked: &Asked, name: &'static str, end: bool) -> Result<Option<Timestamp>, Error> {
    let Some(text) = asked.given(name) else {
        return Ok(None);
    };
    if let Some(at) = Timestamp::parse(&text) {
        return Ok(Some(at));
    }
    let day = Timestamp::parse(&format!("{text}T00:00:00Z"));
    let day = day.map(|at| if end { at + DAY } else { at });
    day.map(Some)
        .ok_or_else(|| Error::invalid(name, "Use a day such as 2026-11-24."))
}

/// The same filters as the API reads them.
fn export(filter: &AuditFilter) -> Vec<(String, String)> {
    let pairs = [
        ("tenant", filter.tenant.map(|id| id.to_string())),
        ("actor", filter.actor.clone()),
        ("action", filter.action.clone()),
        ("subject", filter.subject.clone()),
        ("from", filter.from.map(|at| at.to_string())),
        ("to", filter.to.map(|at| at.to_string())),
        ("q", filter.q.clone()),
    ];
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}
