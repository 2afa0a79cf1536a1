//! What a search found, when it was not one thing only.

use leptos::prelude::*;
use model::view::{InstanceView, TenantView};

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::health;
use crate::ui::layout::{empty, header, section};

/// The page.
pub fn page(caller: &Caller, q: &str, tenants: &[TenantView], instances: &[InstanceView]) -> Page {
    let said = match tenants.len() + instances.len() {
        0 => format!("Nothing matches “{q}”."),
        1 => format!("One thing matches “{q}”."),
        n => format!("{n} things match “{q}”."),
    };
    let tenant_rows: Vec<_> = tenants
        .iter()
        .map(|one| view! { <li><a href=format!("/tenants/{}", one.id)>{one.name.clone()}</a></li> })
        .collect();
    let instance_rows: Vec<_> = instances
        .iter()
        .map(|one| {
            view! {
                <li>
                    <a href=format!("/instances/{}", one.id)>{one.name.clone()}</a>" "
                    <span class="muted">{one.tenant_name.clone()}" "<code>{one.id.to_string()}</code></span>" "
                    {health::of_instance(&one.health, caller.now)}
                </li>
            }
        })
        .collect();
    let none = tenants.is_empty() && instances.is_empty();
    let body = view! {
        {header("Search", said, None)}
        {none.then(|| empty("Nothing found", "Search by part of a tenant's or instance's name, by an instance id, or by a host name.", None))}
        {(!tenants.is_empty()).then(|| section("tenants", "Tenants", view! { <ul class="result-list">{tenant_rows}</ul> }))}
        {(!instances.is_empty()).then(|| section("instances", "Instances", view! { <ul class="result-list">{instance_rows}</ul> }))}
    };
    Page::new(Nav::Elsewhere, "Search", body.into_any())
}
