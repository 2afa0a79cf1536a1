//! The fleet page and the search.

use axum::extract::Query;
use axum::response::Response;
use model::health::HealthStatus;

use super::Table;
use super::desk::{Desk, redirect};
use crate::pages::{fleet, search};

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table.page("/", show).page("/search", find)
}

/// A query as pairs; unknown ones are ignored, as links from elsewhere add their own.
#[derive(Debug, Default)]
pub struct Asked(Vec<(String, String)>);

impl<'de> serde::Deserialize<'de> for Asked {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self)
    }
}

impl Asked {
    /// The first value of a key, or nothing.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// A value that was given and is not empty.
    pub fn given(&self, name: &str) -> Option<String> {
        let value = self.get(name).trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The pairs with these keys, in their order.
    pub fn only(&self, names: &[&str]) -> Vec<(String, String)> {
        self.0
            .iter()
            .filter(|(key, _)| names.contains(&key.as_str()))
            .cloned()
            .collect()
    }
}

async fn show(desk: Desk, Query(asked): Query<Asked>) -> Response {
    // People of tenants have no fleet; their instances are what they come for.
    if desk.caller.me.is_some() && !desk.caller.is_staff() {
        return redirect("/instances", None);
    }
    let only = HealthStatus::parse(asked.get("health"));
    let fleet = desk.services.fleet.fleet(&desk.caller.actor).await;
    desk.answer(fleet, |caller, view| fleet::page(caller, &view, only))
}

async fn find(desk: Desk, Query(asked): Query<Asked>) -> Response {
    let q = asked.given("q").unwrap_or_default();
    let found = if q.is_empty() && desk.caller.me.is_some() {
        Ok(Vec::new())
    } else {
        desk.services.fleet.search(&desk.caller.actor, &q).await
    };
    match found {
        Ok(hits) if hits.len() == 1 => redirect(&hits[0].path, None),
        found => desk.answer(found, |caller, hits| search::page(caller, &q, &hits)),
    }
}
