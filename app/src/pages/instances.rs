//! Instances as a list with filters that live in the address, so that a view can be sent to somebody.

use leptos::prelude::*;
use model::Timestamp;
use model::health::HealthStatus;
use model::page::Page as Rows;
use model::permission::Permission;
use model::view::InstanceView;

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Choice, Form, field, select};
use crate::ui::health;
use crate::ui::icon::Icon;
use crate::ui::layout::{empty, header, primary};
use crate::ui::list::{address, column, pager, table};
use crate::ui::operation;
use crate::ui::time::ago;

const PATH: &str = "/instances";

/// The filters as they stand in the address, with what can be chosen.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// `tenant`, `cluster`, `purpose`, `release`, `health` and `q`, as typed.
    pub chosen: Vec<(String, String)>,
    /// Where this page of the list begins.
    pub cursor: Option<String>,
    /// Tenants to choose from: id and name.
    pub tenants: Vec<(String, String)>,
    /// Clusters to choose from; empty for tenants' people.
    pub clusters: Vec<String>,
    /// Releases to choose from.
    pub releases: Vec<String>,
}

impl Filters {
    fn any(&self) -> bool {
        self.chosen.iter().any(|(_, value)| !value.is_empty())
    }
}

/// The page.
pub fn page(caller: &Caller, rows: &Rows<InstanceView>, filters: &Filters) -> Page {
    let create = caller
        .may(Permission::CreateInstance, None)
        .then(|| primary("/instances/new", "Create instance", Icon::Plus));
    let body = if rows.items.is_empty() && !filters.any() && filters.cursor.is_none() {
        let text = "An instance is one organisation's own deployment of PRISM, with its own host name and database.";
        view! {
            {header("Instances", "None yet.", None)}
            {empty("No instances yet", text, create)}
        }
        .into_any()
    } else {
        view! {
            {header("Instances", state(rows, filters), create)}
            {bar(filters, caller.is_staff())}
            {list(caller, rows, filters)}
        }
        .into_any()
    };
    Page::new(Nav::Instances, "Instances", body)
        .live("instance:* operation:*")
        .wide()
}

fn state(rows: &Rows<InstanceView>, filters: &Filters) -> String {
    let shown = rows.items.len();
    let more = if rows.next_cursor.is_some() {
        ", and more on the next page"
    } else {
        ""
    };
    let which = if filters.any() { " that match" } else { "" };
    match shown {
        0 => "None match.".to_owned(),
        1 => format!("One{which}{more}."),
        n => format!("{n}{which}{more}."),
    }
}

fn choices(any: &str, values: impl IntoIterator<Item = (String, String)>) -> Vec<Choice> {
    let mut out = vec![Choice::new("", any)];
    out.extend(
        values
            .into_iter()
            .map(|(value, text)| Choice::new(value, text)),
    );
    out
}

fn bar(filters: &Filters, staff: bool) -> AnyView {
    let form = Form::sent(filters.chosen.clone());
    let plain = |words: &[String]| -> Vec<(String, String)> {
        words.iter().map(|w| (w.clone(), w.clone())).collect()
    };
    let statuses = HealthStatus::ALL
        .iter()
        .map(|s| (s.to_string(), s.to_string()));
    let purposes = ["development", "production"].map(|p| (p.to_owned(), p.to_owned()));
    let tenant = (filters.tenants.len() > 1).then(|| {
        select(
            &form,
            "tenant",
            "Tenant",
            "",
            choices("Any tenant", filters.tenants.clone()),
        )
    });
    let cluster = staff.then(|| {
        select(
            &form,
            "cluster",
            "Cluster",
            "",
            choices("Any cluster", plain(&filters.clusters)),
        )
    });
    view! {
        <form class="filters" method="get" action=PATH aria-label="Filters">
            {field(&form, "q", "Name, id or host").kind("search").optional().view()}
            {tenant}
            {cluster}
            {select(&form, "purpose", "Purpose", "", choices("Any purpose", purposes))}
            {select(&form, "release", "Release", "", choices("Any release", plain(&filters.releases)))}
            {select(&form, "health", "Health", "", choices("Any health", statuses))}
            <div class="filters-go">
                <button class="button">"Filter"</button>
                {filters.any().then(|| view! { <a class="button quiet" href=PATH>"Clear"</a> })}
            </div>
        </form>
    }
    .into_any()
}

fn list(caller: &Caller, rows: &Rows<InstanceView>, filters: &Filters) -> AnyView {
    if rows.items.is_empty() {
        let clear = view! { <a class="button" href=PATH>"Clear filters"</a> }.into_any();
        return empty(
            "No instance matches",
            "Try fewer filters, or another part of the name, id or host.",
            Some(clear),
        );
    }
    let staff = caller.is_staff();
    let mut columns = vec![column("Instance"), column("Health")];
    columns.extend(staff.then(|| column("Tenant")));
    columns.extend([column("Purpose").wide(), column("Release").wide()]);
    columns.push(column(if staff { "Cluster" } else { "Region" }).wide());
    columns.push(column("Operation").wide());
    columns.push(column("Created").wide());
    let lines = rows
        .items
        .iter()
        .map(|one| row(one, staff, caller.now))
        .collect();
    view! {
        {table("Instances", &columns, lines, "instances")}
        {pager(PATH, &filters.chosen, filters.cursor.as_deref(), rows.next_cursor.as_deref())}
    }
    .into_any()
}

fn row(one: &InstanceView, staff: bool, now: Timestamp) -> AnyView {
    let tenant = staff.then(|| {
        view! { <td data-label="Tenant"><a href=format!("/tenants/{}", one.tenant_id)>{one.tenant_name.clone()}</a></td> }
    });
    let place = match (&one.cluster, staff) {
        (Some(cluster), true) => {
            let name = cluster.to_string();
            view! { <a href=format!("/clusters/{cluster}")>{name}</a> }.into_any()
        }
        (None, true) => view! { <span class="muted">"not placed yet"</span> }.into_any(),
        (_, false) => one.region.to_string().into_any(),
    };
    let under_way = one.operation.as_ref().map(|active| {
        view! {
            <a href=format!("/operations/{}", active.id)>{operation::kind(active.kind)}</a>" "{active.percent}" %"
        }
    });
    view! {
        <tr data-live=format!("instance-{}", one.id)>
            <th scope="row">
                <a href=address(&format!("/instances/{}", one.id), &[], None)>{one.name.clone()}</a>
                <code class="id">{one.id.to_string()}</code>
            </th>
            <td data-label="Health">{health::of_instance(&one.health, now)}</td>
            {tenant}
            <td class="wide-only">{one.purpose.as_str()}</td>
            <td class="wide-only num-ish">{one.release.to_string()}</td>
            <td class="wide-only">{place}</td>
            <td class="wide-only">{under_way}</td>
            <td class="wide-only">{ago(one.created_at, now)}</td>
        </tr>
    }
    .into_any()
}
