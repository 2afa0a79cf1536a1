//! Operations: what is and was done to instances, and one of them with its whole timeline.

use leptos::prelude::*;
use model::Timestamp;
use model::cause::CauseCode;
use model::operation::OperationState;
use model::page::Page as Rows;
use model::permission::Permission;
use model::view::OperationView;

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Choice, Form, buttons, field, select};
use crate::ui::layout::{copyable, empty, fact, header, section};
use crate::ui::list::{column, pager, table};
use crate::ui::operation;
use crate::ui::time::{ago, duration};

const PATH: &str = "/operations";

/// The list; `state` is the chosen one or empty.
pub fn list(
    caller: &Caller,
    rows: &Rows<OperationView>,
    state: &str,
    cursor: Option<&str>,
) -> Page {
    let active = rows
        .items
        .iter()
        .filter(|one| one.state.is_active())
        .count();
    let said = match (rows.items.len(), active) {
        (0, _) => "None.".to_owned(),
        (_, 0) => "Nothing is under way.".to_owned(),
        (_, 1) => "One is under way.".to_owned(),
        (_, n) => format!("{n} are under way."),
    };
    let body = view! {
        {header("Operations", said, None)}
        {bar(state)}
        {found(rows, state, cursor, caller.now)}
    };
    Page::new(Nav::Operations, "Operations", body.into_any())
        .live("operation:*")
        .wide()
}

fn bar(state: &str) -> AnyView {
    let form = Form::with(&[("state", state)]);
    let mut choices = vec![Choice::new("", "Any state")];
    choices.extend(
        OperationState::ALL
            .iter()
            .map(|s| Choice::new(s.as_str(), s.as_str())),
    );
    view! {
        <form class="filters" method="get" action=PATH aria-label="Filters">
            {select(&form, "state", "State", "", choices)}
            <div class="filters-go">
                <button class="button">"Filter"</button>
                {(!state.is_empty()).then(|| view! { <a class="button quiet" href=PATH>"Clear"</a> })}
            </div>
        </form>
    }
    .into_any()
}

fn found(rows: &Rows<OperationView>, state: &str, cursor: Option<&str>, now: Timestamp) -> AnyView {
    if rows.items.is_empty() {
        return if state.is_empty() {
            empty(
                "No operations yet",
                "An operation is a change to an instance that somebody asked for: create, upgrade, reconfigure, delete. Each keeps its steps and their times.",
                None,
            )
        } else {
            let clear = view! { <a class="button" href=PATH>"Clear filter"</a> }.into_any();
            empty(
                "No operation is in that state",
                "Choose another state.",
                Some(clear),
            )
        };
    }
    let columns = [
        column("Operation"),
        column("State"),
        column("Progress").wide(),
        column("Asked").wide().by("descending"),
        column("Took").wide(),
    ];
    let lines = rows.items.iter().map(|one| row(one, now)).collect();
    let query = [("state".to_owned(), state.to_owned())];
    view! {
        {table("Operations, newest first", &columns, lines, "operations")}
        {pager(PATH, &query, cursor, rows.next_cursor.as_deref())}
    }
    .into_any()
}

fn row(one: &OperationView, now: Timestamp) -> AnyView {
    let took = one
        .finished_at
        .map(|ended| duration(ended.since(one.created_at)));
    view! {
        <tr data-live=format!("operation-{}", one.id)>
            <th scope="row">
                <a href=format!("/operations/{}", one.id)>{operation::kind(one.kind)}" "{one.instance_name.clone()}</a>
                <span class="id">{one.summary.clone()}</span>
            </th>
            <td>{operation::state(one)}</td>
            <td class="wide-only">{operation::progress(one)}</td>
            <td class="wide-only">{ago(one.created_at, now)}<span class="id muted">{one.requested_by.clone()}</span></td>
            <td class="wide-only">{took}</td>
        </tr>
    }
    .into_any()
}

/// One operation; `form` is the refused form, if any.
pub fn show(caller: &Caller, one: &OperationView, form: &Form) -> Page {
    let now = caller.now;
    let title = format!("{} {}", operation::kind(one.kind), one.instance_name);
    let may = caller.may(Permission::ControlOperation, Some(one.tenant_id));
    let state = view! { {one.summary.clone()}". "{operation::asked(one, now)}"." };
    let heading = view! { {title.clone()}" "<span class="title-badge" data-live="badge">{operation::state(one)}</span> };
    let body = view! {
        {header(heading, state, None)}
        {form.summary()}
        <div data-live="trouble">{operation::trouble(one)}</div>
        <dl class="facts" data-live="facts">
            {fact("Instance", view! { <a href=format!("/instances/{}", one.instance_id)>{one.instance_name.clone()}</a> })}
            {fact("Progress", operation::progress(one))}
            {fact("Asked by", one.requested_by.clone())}
            {fact("Id", copyable(&one.id.to_string(), "id"))}
        </dl>
        <div data-live="unproven">{unproven(caller, one, form)}</div>
        {section("steps", "Steps", view! {
            <div class="active-operation" data-live="timeline">{operation::timeline(one, now)}{may.then(|| operation::controls(one))}</div>
        })}
    };
    Page::new(Nav::Operations, title, body.into_any())
        .under("Operations", PATH)
        .live(format!("operation:{}", one.id))
        .refused_if(form.is_refused())
}

/// A deletion that waits for a gateway which proves nothing: a staff owner may let it go on, and says
/// why.
fn unproven(caller: &Caller, one: &OperationView, form: &Form) -> Option<AnyView> {
    let overdue = one
        .error
        .as_ref()
        .is_some_and(|error| error.code == CauseCode::ProofOverdue.as_str());
    let may = caller.may(Permission::GoOnUnproven, Some(one.tenant_id));
    if !(may && overdue && one.state == OperationState::Stuck) {
        return None;
    }
    let body = view! {
        <ul class="consequences">
            <li>"The instance is taken down although a gateway has not shown that its tokens are refused."</li>
            <li>"Once its pods and routes are gone there is nothing behind that gateway to reach; until then a token may still open it."</li>
            <li>"Who decided it, and why, stays in the audit trail and in this operation."</li>
        </ul>
        <form class="form section" method="post" action=format!("{PATH}/{}/go-on-unproven", one.id) data-once>
            {field(form, "reason", "Reason").help("For whoever asks later: what was seen, who was asked.").max(300).view()}
            {buttons("destroy", "Go on unproven", "")}
        </form>
    };
    Some(section("unproven", "Go on without the proof", body))
}
