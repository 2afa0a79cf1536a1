//! Tenants: the list with its search, and creating one.

use leptos::prelude::*;
use model::Timestamp;
use model::page::Page as Rows;
use model::permission::Permission;
use model::view::TenantView;

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Form, buttons, field};
use crate::ui::icon::Icon;
use crate::ui::layout::{empty, grouped, header, primary};
use crate::ui::list::{column, number, pager, table};
use crate::ui::time::on;

const PATH: &str = "/tenants";

/// The list.
pub fn list(caller: &Caller, rows: &Rows<TenantView>, q: &str, cursor: Option<&str>) -> Page {
    let create = caller
        .may(Permission::CreateTenant, None)
        .then(|| primary("/tenants/new", "Create tenant", Icon::Plus));
    let body = if rows.items.is_empty() && q.is_empty() && cursor.is_none() {
        let text = "A tenant is an organisation and what belongs to it: its people, its instances, its tokens.";
        view! { {header("Tenants", "None yet.", None)}{empty("No tenants yet", text, create)} }
            .into_any()
    } else {
        view! {
            {header("Tenants", state(rows, q), create)}
            {bar(q)}
            {found(rows, q, cursor, caller.now)}
        }
        .into_any()
    };
    Page::new(Nav::Tenants, "Tenants", body)
        .live("tenant:* instance:*")
        .wide()
}

fn state(rows: &Rows<TenantView>, q: &str) -> String {
    let more = if rows.next_cursor.is_some() {
        ", and more on the next page"
    } else {
        ""
    };
    let which = if q.is_empty() { "" } else { " that match" };
    match rows.items.len() {
        0 => "None match.".to_owned(),
        1 => format!("One{which}{more}."),
        n => format!("{n}{which}{more}."),
    }
}

fn bar(q: &str) -> AnyView {
    let form = Form::with(&[("q", q)]);
    view! {
        <form class="filters" method="get" action=PATH aria-label="Search">
            {field(&form, "q", "Name").kind("search").optional().view()}
            <div class="filters-go">
                <button class="button">"Search"</button>
                {(!q.is_empty()).then(|| view! { <a class="button quiet" href=PATH>"Clear"</a> })}
            </div>
        </form>
    }
    .into_any()
}

fn found(rows: &Rows<TenantView>, q: &str, cursor: Option<&str>, now: Timestamp) -> AnyView {
    if rows.items.is_empty() {
        let clear = view! { <a class="button" href=PATH>"Clear search"</a> }.into_any();
        return empty(
            "No tenant matches",
            "Try another part of the name.",
            Some(clear),
        );
    }
    let columns = [
        column("Tenant"),
        number("Instances"),
        number("Not healthy"),
        number("Members"),
        column("Created").wide(),
    ];
    let lines = rows.items.iter().map(|one| row(one, now)).collect();
    let query = [("q".to_owned(), q.to_owned())];
    view! {
        {table("Tenants", &columns, lines, "tenants")}
        {pager(PATH, &query, cursor, rows.next_cursor.as_deref())}
    }
    .into_any()
}

fn row(one: &TenantView, _: Timestamp) -> AnyView {
    let bad = if one.not_healthy > 0 {
        "num warn-text"
    } else {
        "num"
    };
    view! {
        <tr data-live=format!("tenant-{}", one.id)>
            <th scope="row"><a href=format!("/tenants/{}", one.id)>{one.name.clone()}</a></th>
            <td class="num">{grouped(u64::from(one.instances))}</td>
            <td class=bad>{grouped(u64::from(one.not_healthy))}</td>
            <td class="num">{grouped(u64::from(one.members))}</td>
            <td class="wide-only">{on(one.created_at)}</td>
        </tr>
    }
    .into_any()
}

/// Creating one.
pub fn new(_: &Caller, form: &Form) -> Page {
    let body = view! {
        {header("Create tenant", "An organisation that gets instances of its own.", None)}
        {form.summary()}
        <form class="form" method="post" action=PATH data-once>
            {field(form, "name", "Name").help("As the organisation calls itself. It can be changed later.").autocomplete("organization").max(80).view()}
            {field(form, "admin_email", "Email address of its first admin")
                .help("Gets a one-time link. Can be left out and done later on the tenant's page.")
                .kind("email")
                .optional()
                .max(254)
                .view()}
            {buttons("primary", "Create tenant", PATH)}
        </form>
    };
    Page::new(Nav::Tenants, "Create tenant", body.into_any())
        .under("Tenants", PATH)
        .refused_if(form.is_refused())
}
