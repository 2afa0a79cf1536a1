//! The caller's own account: sessions, access tokens, password. A token's text is shown once, in the
//! answer to the form that made it.

use std::time::Duration;

use leptos::prelude::*;
use model::Timestamp;
use model::permission::Scope;
use model::view::{AccessTokenView, SessionView};

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Choice, Form, buttons, checks, field, select};
use crate::ui::layout::{empty, header, section, snippet};
use crate::ui::list::{column, table};
use crate::ui::time::{ago, day, on, relative};

const PATH: &str = "/account";

/// Tokens that end sooner than this are marked.
const SOON: Duration = Duration::from_hours(14 * 24);

/// The page. Each form keeps what was typed into it; at most one of them is refused.
pub fn page(
    caller: &Caller,
    sessions: &[SessionView],
    tokens: &[AccessTokenView],
    token: &Form,
    password: &Form,
) -> Page {
    let now = caller.now;
    let me = caller.me.clone();
    let email = me.as_ref().map(|me| me.email.clone()).unwrap_or_default();
    let said = me.map_or_else(String::new, |me| {
        let role = me
            .staff
            .or_else(|| me.tenants.first().map(|(_, role)| *role))
            .map_or("", |role| role.title());
        format!("{}, {}. {role}.", me.name, me.email)
    });
    let body = view! {
        {header("Account", said, None)}
        {token.summary()}
        {password.summary()}
        {section("access-tokens", "Access tokens", access_tokens(tokens, token, now))}
        {section("sessions", "Sessions", sessions_list(sessions, now))}
        {section("password", "Password", change_password(email, password))}
    };
    Page::new(Nav::Account, "Account", body.into_any())
        .refused_if(token.is_refused() || password.is_refused())
}

fn access_tokens(tokens: &[AccessTokenView], form: &Form, now: Timestamp) -> AnyView {
    let list = if tokens.is_empty() {
        empty(
            "No access tokens yet",
            "Automation calls this control plane's API with an access token: limited by scopes, ending by itself.",
            None,
        )
    } else {
        let columns = [
            column("Token"),
            column("May"),
            column("Ends"),
            column("Last used").wide(),
            column(""),
        ];
        let rows = tokens.iter().map(|one| token_row(one, now)).collect();
        table("Access tokens", &columns, rows, "access-tokens")
    };
    view! { {list}{make(form)} }.into_any()
}

fn token_row(one: &AccessTokenView, now: Timestamp) -> AnyView {
    let scopes = one
        .scopes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ");
    let over = one.revoked_at.is_some() || one.expires_at <= now;
    let ends = match one.revoked_at {
        Some(at) => view! { <span class="tag revoked">"revoked"</span>" "{ago(at, now)} }.into_any(),
        None if one.expires_at <= now => view! { <span class="tag expired">"expired"</span>" "{ago(one.expires_at, now)} }.into_any(),
        None if one.expires_at.since(now) < SOON => {
            view! { <span class="warn-text">{relative(one.expires_at, now)}</span>", "{on(one.expires_at)} }.into_any()
        }
        None => on(one.expires_at),
    };
    let used = one
        .last_used_at
        .map_or_else(|| "never".into_any(), |at| ago(at, now));
    let revoke = (!over).then(|| {
        view! {
            <form method="post" action=format!("/account/access-tokens/{}/revoke", one.id)>
                <button class="button">"Revoke"<span class="sr">" token "{one.name.clone()}</span></button>
            </form>
        }
    });
    view! {
        <tr class=over.then_some("muted")>
            <th scope="row">{one.name.clone()}<code class="id">{one.hint.clone()}</code></th>
            <td>{scopes}</td>
            <td>{ends}</td>
            <td class="wide-only">{used}</td>
            <td><div class="actions">{revoke}</div></td>
        </tr>
    }
    .into_any()
}

fn make(form: &Form) -> AnyView {
    let mut form = form.clone();
    form.default_to("days", "90");
    form.default_to("scopes", "instances:read");
    let days = [
        ("7", "7 days"),
        ("30", "30 days"),
        ("90", "90 days"),
        ("365", "365 days"),
    ];
    let days = days
        .iter()
        .map(|(value, text)| Choice::new(*value, *text))
        .collect();
    let scopes = Scope::all()
        .iter()
        .map(|scope| Choice::new(scope.to_string(), scope.to_string()))
        .collect();
    view! {
        <details class="folded" open=form.is_refused()>
            <summary>"Make an access token"</summary>
            <form class="form" method="post" action="/account/access-tokens" data-once>
                {field(&form, "name", "Name").help("What it is for, such as the pipeline that uses it.").max(60).view()}
                {checks(&form, "scopes", "It may", "Writing includes reading. It never may more than you.", scopes)}
                {select(&form, "days", "It ends after", "", days)}
                {buttons("primary", "Make access token", "")}
            </form>
        </details>
    }
    .into_any()
}

fn sessions_list(sessions: &[SessionView], now: Timestamp) -> AnyView {
    let columns = [
        column("Where"),
        column("Begun").wide(),
        column("Last used"),
        column("Ends").wide(),
        column(""),
    ];
    let rows = sessions
        .iter()
        .map(|one| {
            let this = one.current.then(|| view! { " "<span class="tag supported">"this one"</span> });
            view! {
                <tr>
                    <th scope="row">{one.device.clone()}{this}<span class="id">{one.address.clone()}</span></th>
                    <td class="wide-only">{ago(one.created_at, now)}</td>
                    <td>{ago(one.last_used_at, now)}</td>
                    <td class="wide-only">{on(one.expires_at)}</td>
                    <td><div class="actions">
                        <form method="post" action=format!("/account/sessions/{}/end", one.key)>
                            <button class="button">"End session"</button>
                        </form>
                    </div></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let others = (sessions.len() > 1).then(|| {
        view! {
            <form class="controls" method="post" action="/account/sessions/end-others">
                <button class="button">"End all other sessions"</button>
            </form>
        }
    });
    view! { {table("Your sessions", &columns, rows, "sessions")}{others} }.into_any()
}

fn change_password(email: String, form: &Form) -> AnyView {
    view! {
        <details class="folded" open=form.is_refused()>
            <summary>"Change password"</summary>
            <form class="form" method="post" action="/account/password" data-once>
                // So that a password manager knows whose password it is.
                <input class="sr" type="text" name="username" value=email autocomplete="username" readonly tabindex="-1" aria-hidden="true"/>
                {field(form, "current_password", "Current password").kind("password").autocomplete("current-password").max(256).view()}
                {field(form, "new_password", "New password").help("At least 12 characters. Your other sessions end.").kind("password").autocomplete("new-password").max(256).view()}
                {buttons("primary", "Change password", "")}
            </form>
        </details>
    }
    .into_any()
}

/// The answer to making a token: its text, this once. `origin` is this server's address.
pub fn token_made(_: &Caller, made: &AccessTokenView, text: &str, origin: &str) -> Page {
    let curl = format!("curl -H \"Authorization: Bearer {text}\" {origin}/api/v1/me");
    let env = format!("HOSTED_INSTANCES_TOKEN={text}");
    let body = view! {
        {header(format!("Access token {}", made.name), format!("It ends on {}.", day(made.expires_at)), None)}
        <div class="secret" data-replace-location=PATH>
            <p><strong>"This is the only time its text is shown."</strong>" Store it where the automation finds it; nobody can read it from here again."</p>
            <code class="secret-text">{text.to_owned()}</code>
            {snippet(text, "token")}
            <h2>"As an environment line"</h2>
            {snippet(&env, "environment line")}
            <h2>"To try it"</h2>
            {snippet(&curl, "command")}
            <p class="buttons"><a class="button primary" href=PATH>"I have stored it"</a></p>
        </div>
    };
    Page::new(Nav::Account, "Access token made", body.into_any()).under("Account", PATH)
}
