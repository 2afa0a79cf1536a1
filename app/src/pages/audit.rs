//! The audit trail: who did what to what, when and why, and what it was before. Rows are chained; the
//! number is a row's place in its chain. Filters live in the address, so that a view can be sent to
//! somebody, and are the same for what is exported.

use leptos::prelude::*;
use model::Timestamp;
use model::page::Page as Rows;
use model::view::AuditView;
use service::audit::{Change, changes};

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Choice, Form, field, select};
use crate::ui::layout::{empty, header};
use crate::ui::list::{address, column, number, pager, table};
use crate::ui::time::ago;

const PATH: &str = "/audit";
const EXPORT: &str = "/api/v1/audit/export";

/// The filters as they stand in the address, with what can be chosen.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// `q`, `tenant`, `actor`, `action`, `subject`, `from` and `to`, as typed.
    pub chosen: Vec<(String, String)>,
    /// Where this page of the list begins.
    pub cursor: Option<String>,
    /// Tenants to choose from: id and name.
    pub tenants: Vec<(String, String)>,
    /// The same filters as the API reads them.
    pub export: Vec<(String, String)>,
    /// Whether all trails can be read at once, as staff do.
    pub whole: bool,
}

impl Filters {
    fn any(&self) -> bool {
        self.chosen.iter().any(|(_, value)| !value.is_empty())
    }
}

/// The page.
pub fn page(caller: &Caller, rows: &Rows<AuditView>, filters: &Filters) -> Page {
    let nothing = rows.items.is_empty() && !filters.any() && filters.cursor.is_none();
    let body = if nothing {
        view! {
            {header("Audit", "Every change, newest first.", None)}
            {empty(
                "Nothing yet",
                "Every change writes one row here, chained to the one before it, so that a missing or altered row is noticed.",
                None,
            )}
        }
        .into_any()
    } else {
        view! {
            {header("Audit", "Every change, newest first.", Some(exports(filters)))}
            {bar(filters)}
            {list(caller, rows, filters)}
        }
        .into_any()
    };
    Page::new(Nav::Audit, "Audit", body).wide()
}

/// What is filtered now, as files.
fn exports(filters: &Filters) -> AnyView {
    let to = |format: &str| {
        let mut query = vec![("format".to_owned(), format.to_owned())];
        query.extend(filters.export.iter().cloned());
        address(EXPORT, &query, None)
    };
    view! {
        <a class="button" href=to("csv") download="audit.csv">"Export CSV"</a>
        <a class="button" href=to("jsonl") download="audit.jsonl">"Export JSON Lines"</a>
    }
    .into_any()
}

fn bar(filters: &Filters) -> AnyView {
    let form = Form::sent(filters.chosen.clone());
    let tenant = (filters.tenants.len() > 1).then(|| {
        let mut choices = Vec::new();
        choices.extend(filters.whole.then(|| Choice::new("", "All, and the staff")));
        let known = filters.tenants.iter().cloned();
        choices.extend(known.map(|(value, text)| Choice::new(value, text)));
        select(&form, "tenant", "Tenant", "", choices)
    });
    view! {
        <form class="filters" method="get" action=PATH aria-label="Filters">
            {field(&form, "q", "Text").kind("search").optional().view()}
            {tenant}
            {field(&form, "actor", "Who").optional().view()}
            {field(&form, "action", "Action begins with").mono().optional().view()}
            {field(&form, "subject", "To what").mono().optional().view()}
            {field(&form, "from", "From").kind("date").optional().view()}
            {field(&form, "to", "Until").kind("date").optional().view()}
            <div class="filters-go">
                <button class="button">"Filter"</button>
                {filters.any().then(|| view! { <a class="button quiet" href=PATH>"Clear"</a> })}
            </div>
        </form>
    }
    .into_any()
}

fn list(caller: &Caller, rows: &Rows<AuditView>, filters: &Filters) -> AnyView {
    if rows.items.is_empty() {
        let clear = view! { <a class="button" href=PATH>"Clear filters"</a> }.into_any();
        return empty(
            "No row matches",
            "Try fewer filters, or a longer time.",
            Some(clear),
        );
    }
    let columns = [
        number("Place"),
        column("When").by("descending"),
        column("Who"),
        column("What"),
        column("To what").wide(),
    ];
    let lines = rows.items.iter().map(|one| row(one, caller.now)).collect();
    view! {
        {table("Audit trail, newest first", &columns, lines, "audit")}
        {pager(PATH, &filters.chosen, filters.cursor.as_deref(), rows.next_cursor.as_deref())}
    }
    .into_any()
}

fn row(one: &AuditView, now: Timestamp) -> AnyView {
    let address = (!one.address.is_empty())
        .then(|| view! { <span class="id muted">{one.address.clone()}</span> });
    view! {
        <tr>
            <td class="num">{one.sequence}</td>
            <td>{ago(one.at, now)}</td>
            <td>{one.actor.clone()}{address}</td>
            <th scope="row">
                {one.summary.clone()}
                <code class="id">{one.action.clone()}</code>
                {why(&one.why)}
                {difference(&changes(&one.was, &one.became))}
            </th>
            <td class="wide-only"><code>{one.subject.clone()}</code></td>
        </tr>
    }
    .into_any()
}

fn why(text: &str) -> Option<AnyView> {
    let (kind, what) = text.split_once(' ')?;
    let what = what.to_owned();
    let shown = match kind {
        "operation" => {
            let to = format!("/operations/{what}");
            view! { "For "<a href=to>"this operation"</a> }.into_any()
        }
        "consent" => view! { "By consent "<code>{what}</code> }.into_any(),
        _ => view! { "Why: "{what} }.into_any(),
    };
    Some(view! { <span class="id muted">{shown}</span> }.into_any())
}

fn difference(changes: &[Change]) -> Option<AnyView> {
    if changes.is_empty() {
        return None;
    }
    let lines: Vec<_> = changes.iter().map(change).collect();
    let view = view! {
        <details>
            <summary>"Before and after"</summary>
            <ul>{lines}</ul>
        </details>
    };
    Some(view.into_any())
}

fn change(one: &Change) -> AnyView {
    let field = (!one.field.is_empty()).then(|| view! { <code>{one.field.clone()}</code>" " });
    let was = one.was.clone().map(|was| view! { <del>{was}</del>" " });
    let became = match &one.became {
        Some(became) => view! { <ins>{became.clone()}</ins> }.into_any(),
        None => view! { <span class="muted">"removed"</span> }.into_any(),
    };
    view! { <li>{field}{was}{became}</li> }.into_any()
}
