//! Get and list.
//!
//! A list is written from the stored texts without parsing them. Pages continue by place: a later
//! page is read from the present state but keeps the first page's version, so a watch begun there
//! repeats what moved meanwhile instead of missing it.

use super::selector::Selector;
use super::{Call, json, table, watch};
use crate::failure::Failure;
use crate::store::Entry;
use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// Answers a GET.
pub fn answer(call: Call) -> Result<Response<Body>, Failure> {
    if call.target.name.is_some() {
        return one(&call);
    }
    let selector = Selector::parse(
        call.target.kind,
        call.query.get("labelSelector"),
        call.query.get("fieldSelector"),
    )?;
    if call.query.flag("watch") {
        return watch::answer(call, selector);
    }
    list(&call, &selector)
}

fn one(call: &Call) -> Result<Response<Body>, Failure> {
    let name = call.target.name.as_deref().unwrap_or("");
    let entry = call
        .cluster
        .store
        .get(call.target.kind, call.target.space(), name)
        .ok_or_else(|| Failure::not_found(call.target.kind, name))?;
    if table::wanted(&call.accept) {
        let page = table::of(
            call.target.kind,
            &[entry],
            "",
            call.query.get("includeObject"),
        );
        return Ok(json(StatusCode::OK, page.to_string()));
    }
    Ok(json(StatusCode::OK, entry.json.to_string()))
}

/// Where a list goes on.
struct Continue {
    version: u64,
    namespace: String,
    name: String,
}

impl Continue {
    fn write(version: u64, entry: &Entry) -> String {
        let place = json!({"rv": version, "ns": &*entry.key.namespace, "name": &*entry.key.name});
        URL_SAFE_NO_PAD.encode(place.to_string())
    }

    fn read(text: &str) -> Result<Option<Self>, Failure> {
        if text.is_empty() {
            return Ok(None);
        }
        let read = || -> Option<Self> {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let place: Value = serde_json::from_slice(&bytes).ok()?;
            Some(Self {
                version: place["rv"].as_u64()?,
                namespace: place["ns"].as_str()?.to_owned(),
                name: place["name"].as_str()?.to_owned(),
            })
        };
        read().map(Some).ok_or_else(|| {
            Failure::bad_request("continue key is not valid: it was not made by this server")
        })
    }
}

fn list(call: &Call, selector: &Selector) -> Result<Response<Body>, Failure> {
    let store = &call.cluster.store;
    let kind = call.target.kind;
    let limit = usize::try_from(call.query.number("limit")?.unwrap_or(0)).unwrap_or(usize::MAX);
    let place = Continue::read(call.query.get("continue"))?;
    let asked = call.query.number("resourceVersion")?;
    if place
        .as_ref()
        .is_some_and(|place| place.version < store.oldest(kind))
    {
        return Err(Failure::expired(
            "The provided continue parameter is too old to display a consistent list result.",
        ));
    }
    let after = place
        .as_ref()
        .map(|place| (place.namespace.as_str(), place.name.as_str()));
    let (all, version) = store.page(kind, call.target.namespace.as_deref(), after);
    if let Some(asked) = asked {
        versions(asked, version, call.query.get("resourceVersionMatch"))?;
    }
    let mut found = all
        .into_iter()
        .filter(|entry| selector.is_empty() || selector.matches(entry));
    let version = place.map_or(version, |place| place.version);
    let page: Vec<Arc<Entry>> = match limit {
        0 => found.by_ref().collect(),
        limit => found.by_ref().take(limit).collect(),
    };
    let left = found.count();
    let next = match page.last() {
        Some(last) if left > 0 => Continue::write(version, last),
        _ => String::new(),
    };
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if !next.is_empty() {
        metadata["continue"] = json!(next);
        if selector.is_empty() {
            metadata["remainingItemCount"] = json!(left);
        }
    }
    if table::wanted(&call.accept) {
        let mut page = table::of(kind, &page, "", call.query.get("includeObject"));
        page["metadata"] = metadata;
        return Ok(json(StatusCode::OK, page.to_string()));
    }
    Ok(json(StatusCode::OK, written(call, &metadata, &page)))
}

fn versions(asked: u64, version: u64, how: &str) -> Result<(), Failure> {
    if asked > version {
        let mut failure = Failure::new(
            504,
            "Timeout",
            format!("Too large resource version: {asked}, current: {version}"),
        );
        failure.details = json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        });
        failure.retry_after = Some(1);
        return Err(failure);
    }
    if how == "Exact" && asked != version {
        return Err(Failure::expired(format!(
            "The resourceVersion for the provided list is too old: {asked}"
        )));
    }
    Ok(())
}

fn written(call: &Call, metadata: &Value, page: &[Arc<Entry>]) -> String {
    let kind = call.target.kind;
    let size: usize = page.iter().map(|entry| entry.json.len() + 1).sum();
    let mut text = String::with_capacity(size + 256);
    let (name, version) = (kind.definition().name, kind.api_version());
    let head = format!(
        "{{\"kind\":\"{name}List\",\"apiVersion\":\"{version}\",\"metadata\":{metadata},\"items\":["
    );
    text.push_str(&head);
    for (index, entry) in page.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&entry.json);
    }
    text.push_str("]}");
    text
}
