//! What a search found, when it was not one thing only.

use leptos::prelude::*;
use service::fleet::SearchHit;

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::layout::{empty, header};

/// The page.
pub fn page(_: &Caller, q: &str, hits: &[SearchHit]) -> Page {
    let said = match hits.len() {
        0 => format!("Nothing matches “{q}”."),
        1 => format!("One thing matches “{q}”."),
        n => format!("{n} things match “{q}”."),
    };
    let list = if hits.is_empty() {
        empty(
            "Nothing found",
            "Search by part of a tenant's or instance's name, by an instance id, a host name, or a token's name or hint.",
            None,
        )
    } else {
        let rows: Vec<_> = hits
            .iter()
            .map(|hit| {
                let SearchHit {
                    title,
                    detail,
                    path,
                } = hit.clone();
                view! { <li><a href=path>{title}</a>" "<span class="muted">{detail}</span></li> }
            })
            .collect();
        view! { <ul class="result-list">{rows}</ul> }.into_any()
    };
    let body = view! { {header("Search", said, None)}{list} };
    Page::new(Nav::Elsewhere, "Search", body.into_any())
}
