//! Tokens as a list, of one instance or of everything one may see, with filters that live in the
//! address; and the few newest of an instance for its own page.

use leptos::prelude::*;
use model::instance::InstanceState;
use model::page::Page as Rows;
use model::permission::Permission;
use model::token::{TokenState, TokenView};
use model::view::InstanceView;
use model::{TenantId, Timestamp};

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Choice, Form, field, select};
use crate::ui::icon::Icon;
use crate::ui::layout::{count, empty, header, primary, secondary, section_with};
use crate::ui::list::{Column, column, pager, table};
use crate::ui::token;

const PATH: &str = "/tokens";

/// What is filtered by, and what can be chosen.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// `q`, `state`, `tenant`, `instance` and `owner`, as typed.
    pub chosen: Vec<(String, String)>,
    /// Where this page of the list begins.
    pub cursor: Option<String>,
    /// Tenants to choose from: id and name.
    pub tenants: Vec<(String, String)>,
    /// Owners to choose from: id and name; empty while there is no one tenant they could be of.
    pub owners: Vec<(String, String)>,
}

impl Filters {
    fn any(&self) -> bool {
        self.chosen.iter().any(|(_, value)| !value.is_empty())
    }
}

/// Whether the instance can be given a token now.
fn takes_tokens(one: &InstanceView) -> bool {
    one.cluster.is_some() && matches!(one.state, InstanceState::Running | InstanceState::Changing)
}

fn issue(caller: &Caller, one: &InstanceView) -> Option<AnyView> {
    let may = caller.may(Permission::IssueToken, Some(one.tenant_id)) && takes_tokens(one);
    may.then(|| {
        primary(
            format!("/instances/{}/tokens/new", one.id),
            "Issue token",
            Icon::Plus,
        )
    })
}

/// All tokens one may see.
pub fn all(caller: &Caller, rows: &Rows<TokenView>, filters: &Filters) -> Page {
    let body = if rows.items.is_empty() && !filters.any() && filters.cursor.is_none() {
        let choose = secondary("/instances", "Choose an instance");
        view! {
            {header("Tokens", "None yet.", None)}
            {empty("No tokens yet", "A token is what an organisation calls its instance with. It is issued on the page of the instance that it is to open.", Some(choose))}
        }
        .into_any()
    } else {
        view! {
            {header("Tokens", said(rows, filters), None)}
            {bar(PATH, filters, true)}
            {found(caller, PATH, rows, filters, true)}
        }
        .into_any()
    };
    Page::new(Nav::Tokens, "Tokens", body)
        .live("token:*")
        .wide()
}

/// The tokens of one instance.
pub fn of_instance(
    caller: &Caller,
    one: &InstanceView,
    rows: &Rows<TokenView>,
    filters: &Filters,
) -> Page {
    let here = format!("/instances/{}/tokens", one.id);
    let title = format!("Tokens of {}", one.name);
    let nothing = rows.items.is_empty() && !filters.any() && filters.cursor.is_none();
    let body = if nothing {
        view! {
            {header(title.clone(), "None yet.", None)}
            {no_tokens(caller, one)}
        }
        .into_any()
    } else {
        view! {
            {header(title.clone(), said(rows, filters), issue(caller, one))}
            {bar(&here, filters, false)}
            {found(caller, &here, rows, filters, false)}
            {revoke_all(caller, one.tenant_id, &here, "Revoke all tokens of this instance", "Whoever calls it is refused from then on, everywhere at once.")}
        }
        .into_any()
    };
    let mut page = Page::new(Nav::Tokens, title, body)
        .live(format!("token:in:{}", one.id))
        .wide();
    if caller.is_staff() {
        page = page.under(
            one.tenant_name.clone(),
            format!("/tenants/{}", one.tenant_id),
        );
    }
    page.under(one.name.clone(), format!("/instances/{}", one.id))
}

/// What tokens of an instance are for, and the first one.
fn no_tokens(caller: &Caller, one: &InstanceView) -> AnyView {
    let action = issue(caller, one);
    let text = if takes_tokens(one) {
        "A token opens this instance for whoever calls it with the header apikey. Give every program one of its own, so that each can be revoked alone."
    } else {
        "A token opens this instance for whoever calls it with the header apikey. The first one can be issued once the instance is running."
    };
    empty("No tokens yet", text, action)
}

/// The way to end many at once.
pub fn revoke_all(
    caller: &Caller,
    tenant: TenantId,
    under: &str,
    what: &'static str,
    meaning: &'static str,
) -> Option<AnyView> {
    let href = format!("{under}/revoke-all");
    caller.may(Permission::RevokeToken, Some(tenant)).then(|| {
        view! {
            <ul class="danger-zone section">
                <li>
                    <div><p class="danger-what">{what}</p><p class="muted">{meaning}</p></div>
                    <a class="button danger" data-dialog href=href>"Revoke all tokens"</a>
                </li>
            </ul>
        }
        .into_any()
    })
}

fn said(rows: &Rows<TokenView>, filters: &Filters) -> String {
    let number = |state| rows.items.iter().filter(|one| one.state == state).count();
    let (shown, moving) = (rows.items.len(), number(TokenState::Revoking));
    let which = if filters.any() { " that match" } else { "" };
    let more = if rows.next_cursor.is_some() {
        ", and more on the next page"
    } else {
        ""
    };
    let overdue = rows.items.iter().filter(|one| one.unproven).count();
    let now = match (moving, overdue) {
        (0, _) => String::new(),
        (n, 0) => format!("; {n} being revoked"),
        (n, late) => format!("; {n} being revoked, {late} of them unproven"),
    };
    match shown {
        0 => "None match.".to_owned(),
        1 => format!("One token{which}{more}{now}."),
        n => format!("{n} tokens{which}{more}{now}."),
    }
}

fn bar(path: &str, filters: &Filters, everywhere: bool) -> AnyView {
    let form = Form::sent(filters.chosen.clone());
    let choices = |any: &str, values: &[(String, String)]| {
        let mut all = vec![Choice::new("", any)];
        all.extend(values.iter().map(|(value, text)| Choice::new(value, text)));
        all
    };
    let states: Vec<_> = TokenState::ALL
        .iter()
        .map(|state| (state.to_string(), state.to_string()))
        .collect();
    let tenant = (everywhere && filters.tenants.len() > 1).then(|| {
        select(
            &form,
            "tenant",
            "Tenant",
            "",
            choices("Any tenant", &filters.tenants),
        )
    });
    let owner = (!filters.owners.is_empty()).then(|| {
        select(
            &form,
            "owner",
            "Owner",
            "",
            choices("Any owner", &filters.owners),
        )
    });
    let instance = everywhere.then(|| {
        field(&form, "instance", "Instance id")
            .mono()
            .optional()
            .max(12)
            .view()
    });
    let clear = filters
        .any()
        .then(|| view! { <a class="button quiet" href=path.to_owned()>"Clear"</a> });
    view! {
        <form class="filters" method="get" action=path.to_owned() aria-label="Filters">
            {field(&form, "q", "Name or end of the text").kind("search").optional().max(200).view()}
            {select(&form, "state", "State", "", choices("Any state", &states))}
            {tenant}
            {instance}
            {owner}
            <div class="filters-go"><button class="button">"Filter"</button>{clear}</div>
        </form>
    }
    .into_any()
}

fn found(
    caller: &Caller,
    path: &str,
    rows: &Rows<TokenView>,
    filters: &Filters,
    everywhere: bool,
) -> AnyView {
    if rows.items.is_empty() {
        let clear = view! { <a class="button" href=path.to_owned()>"Clear filters"</a> }.into_any();
        return empty(
            "No token matches",
            "Try fewer filters, or another part of the name.",
            Some(clear),
        );
    }
    let lines = rows
        .items
        .iter()
        .map(|one| row(caller, one, everywhere))
        .collect();
    view! {
        {table("Tokens, newest first", &columns(everywhere), lines, "tokens")}
        {pager(path, &filters.chosen, filters.cursor.as_deref(), rows.next_cursor.as_deref())}
    }
    .into_any()
}

fn columns(everywhere: bool) -> Vec<Column> {
    let mut columns = vec![column("Token"), column("State")];
    columns.extend(everywhere.then(|| column("Instance").wide()));
    columns.extend([
        column("Last used").wide(),
        column("Ends").wide(),
        column("Owner").wide(),
        column(""),
    ]);
    columns
}

fn row(caller: &Caller, one: &TokenView, everywhere: bool) -> AnyView {
    let now = caller.now;
    let may = caller.may(Permission::RevokeToken, Some(one.tenant_id)) && one.state.is_open();
    let revoke = may.then(|| {
        view! {
            <a class="button" data-dialog href=format!("{PATH}/{}/revoke", one.id)>
                "Revoke"<span class="sr">" token "{one.name.clone()}</span>
            </a>
        }
    });
    let instance = everywhere.then(|| {
        let tenant = caller.is_staff().then(|| view! { <span class="id muted">{one.tenant_name.clone()}</span> });
        view! { <td class="wide-only"><a href=format!("/instances/{}", one.instance_id)>{one.instance_name.clone()}</a>{tenant}</td> }
    });
    view! {
        <tr data-live=format!("token-{}", one.id)>
            {name(one)}
            <td>{token::state_cell(one, now)}</td>
            {instance}
            <td class="wide-only">{token::last_used(one.usage, now)}</td>
            <td class="wide-only">{token::ends(one, now)}</td>
            <td class="wide-only">{one.owner.clone()}</td>
            <td><div class="actions">{revoke}</div></td>
        </tr>
    }
    .into_any()
}

fn name(one: &TokenView) -> AnyView {
    view! {
        <th scope="row">
            <a href=format!("{PATH}/{}", one.id)>{one.name.clone()}</a>
            <code class="id">{one.hint.clone()}</code>
        </th>
    }
    .into_any()
}

/// What an instance's own page shows of its tokens.
#[derive(Clone, Debug, Default)]
pub struct Newest {
    /// The few newest.
    pub newest: Vec<TokenView>,
    /// Tokens that the gate lets pass.
    pub open: u32,
    /// Tokens that are being revoked.
    pub revoking: u32,
    /// Whether there are more than were counted.
    pub more: bool,
}

/// The part of an instance's page about its tokens.
pub fn section_of(caller: &Caller, one: &InstanceView, tokens: &Newest) -> AnyView {
    let link = secondary(format!("/instances/{}/tokens", one.id), "All tokens");
    // The page has its own primary action.
    let issue = issue(caller, one)
        .map(|_| secondary(format!("/instances/{}/tokens/new", one.id), "Issue token"));
    let body = if tokens.newest.is_empty() {
        no_tokens(caller, one)
    } else {
        let columns = [
            column("Token"),
            column("State"),
            column("Last used").wide(),
            column("Ends").wide(),
        ];
        let rows = tokens
            .newest
            .iter()
            .map(|it| short_row(it, caller.now))
            .collect();
        view! {
            <p class="muted tokens-said">{number(tokens)}</p>
            {table("Newest tokens of this instance", &columns, rows, "tokens")}
            <p class="buttons tokens-go">{issue}{link}</p>
        }
        .into_any()
    };
    section_with(
        "tokens",
        "Tokens",
        None,
        view! { <div data-live="tokens">{body}</div> },
    )
}

fn number(tokens: &Newest) -> String {
    let more = if tokens.more { "More than " } else { "" };
    let revoking = match tokens.revoking {
        0 => String::new(),
        n => format!(", {n} being revoked"),
    };
    let newest = if tokens.newest.len() > 1 {
        " The newest:"
    } else {
        ""
    };
    match tokens.open {
        0 => format!("No token opens it{revoking}.{newest}"),
        1 => format!("{more}1 token opens it{revoking}.{newest}"),
        n => format!(
            "{more}{} open it{revoking}.{newest}",
            count(n, "token", "tokens")
        ),
    }
}

fn short_row(one: &TokenView, now: Timestamp) -> AnyView {
    view! {
        <tr>
            {name(one)}
            <td>{token::state_cell(one, now)}</td>
            <td class="wide-only">{token::last_used(one.usage, now)}</td>
            <td class="wide-only">{token::ends(one, now)}</td>
        </tr>
    }
    .into_any()
}
