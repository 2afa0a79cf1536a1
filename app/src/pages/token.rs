//! One token: where it is in its life and why, the gateways one by one while its gate moves, the
//! proof that it is refused, what is known of its use, and what can be done about it. It never shows
//! the text.

use leptos::prelude::*;
use model::Timestamp;
use model::permission::Permission;
use model::token::{TokenDetail, TokenState, TokenView};

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Choice, Form, buttons, field, select};
use crate::ui::gateways::{self, Turn};
use crate::ui::icon::{Icon, icon};
use crate::ui::layout::{fact, header, primary, section, snippet};
use crate::ui::time::{ago, at, duration, exact, on, span};
use crate::ui::token;

const PATH: &str = "/tokens";

/// The page; `owners` are those whom the form may offer, empty for who may not change it.
pub fn show(caller: &Caller, view: &TokenDetail, owners: &[(String, String)], form: &Form) -> Page {
    let (one, now) = (&view.token, caller.now);
    let badge = token::state(one.state, one.unproven);
    let title =
        view! { {one.name.clone()}" "<span class="title-badge" data-live="badge">{badge}</span> };
    let body = view! {
        {header(title, said(one, now), rotate(caller, one))}
        {form.summary()}
        {story(view, now)}
        <p class="latency" data-live="latency">{token::latency(view.latency.as_ref(), now)}</p>
        {facts(one, now)}
        {try_it(view)}
        {change(caller, one, owners, form)}
        <div data-live="ways">{ways(caller, one, now)}</div>
    };
    framed(caller, one, one.name.clone(), body.into_any())
        .live(format!("token:{}", one.id))
        .lives_at(format!("{PATH}/{}", one.id))
        .refused_if(form.is_refused())
}

/// Puts a page about a token where it belongs.
pub fn framed(caller: &Caller, one: &TokenView, title: String, body: AnyView) -> Page {
    let mut page = Page::new(Nav::Tokens, title, body);
    if caller.is_staff() {
        page = page.under(
            one.tenant_name.clone(),
            format!("/tenants/{}", one.tenant_id),
        );
    }
    page.under(
        one.instance_name.clone(),
        format!("/instances/{}", one.instance_id),
    )
    .under("Tokens", format!("/instances/{}/tokens", one.instance_id))
}

fn said(one: &TokenView, now: Timestamp) -> AnyView {
    let end = if one.state.is_open() {
        let (word, end) = match one.retires_at {
            Some(retires) => ("; it retires ", retires),
            None => ("; it ends ", one.expires_at),
        };
        view! { {word}{ago(end, now)}", on "{on(end)} }.into_any()
    } else {
        ().into_any()
    };
    view! {
        "Token of "{one.instance_name.clone()}" of "{one.tenant_name.clone()}", "
        {one.state.as_str()}" since "{at(one.since, now)}" UTC"{end}"."
    }
    .into_any()
}

fn rotate(caller: &Caller, one: &TokenView) -> Option<AnyView> {
    let may = caller.may(Permission::IssueToken, Some(one.tenant_id));
    (may && one.state == TokenState::Active && one.replaced_by.is_none()).then(|| {
        primary(
            format!("{PATH}/{}/rotate", one.id),
            "Rotate token",
            Icon::Releases,
        )
    })
}

/// What is so, why, and what follows; with the gateways one by one while something moves.
pub fn story(view: &TokenDetail, now: Timestamp) -> AnyView {
    let one = &view.token;
    let class = if one.unproven {
        "cause unproven".to_owned()
    } else {
        format!("cause token-{}", one.state)
    };
    let next = next(one).map(|text| view! { <p class="cause-next">{text}</p> });
    view! {
        <div class="story" data-live="story">
            <div class=class>
                <p class="cause-what">{what(view, now)}</p>
                {next}
                {drawn(view)}
            </div>
        </div>
    }
    .into_any()
}

fn what(view: &TokenDetail, now: Timestamp) -> AnyView {
    let one = &view.token;
    let waiting = one.waiting.clone().unwrap_or_default();
    let why = one.reason.map(token::reason).unwrap_or_default();
    match one.state {
        TokenState::Issuing => {
            let waiting = if waiting.is_empty() {
                "It is on its way from Secrets Manager to the gateway.".to_owned()
            } else {
                waiting
            };
            view! { <strong>"Issuing since "{at(one.since, now)}"."</strong>" "{waiting} }.into_any()
        }
        TokenState::Active => view! { <strong>"Active since "{at(one.since, now)}"."</strong>" Every gateway knows it, and its key has arrived."{retiring(one, now)} }.into_any(),
        TokenState::Revoking => {
            let so_far = view.progress.as_ref().map(|it| format!("{}. ", gateways::so_far(it, Turn::Closes)));
            let word = if one.unproven { "Not proven for " } else { "Revoking for " };
            let length = view! { <time datetime=one.since.to_string() title=exact(one.since) data-time="span">{span(now.since(one.since))}</time> };
            view! { <strong>{word}{length}"."</strong>" "{so_far}{waiting}" "{why} }.into_any()
        }
        TokenState::Revoked => match &one.receipt {
            Some(proof) => {
                let took = duration(std::time::Duration::from_millis(proof.millis));
                view! { <strong>"Revoked, "{token::refused_by(proof)}" after "{took}"."</strong>" "{why}{late(one)} }.into_any()
            }
            None => view! { <strong>"Revoked since "{at(one.since, now)}", without a proof."</strong>" "{why}{late(one)} }.into_any(),
        },
        TokenState::Failed => view! { <strong>"It never came into being."</strong>" "{waiting} }.into_any(),
    }
}

fn retiring(one: &TokenView, now: Timestamp) -> Option<AnyView> {
    let end = one.retires_at?;
    Some(
        view! { " Another one took its place; this one works until "{at(end, now)}" UTC." }
            .into_any(),
    )
}

fn late(one: &TokenView) -> Option<String> {
    one.late_ms.map(|ms| {
        let late = duration(std::time::Duration::from_millis(ms));
        format!(
            " It was carried out {late} late: nothing of this control plane ran when it fell due."
        )
    })
}

fn next(one: &TokenView) -> Option<AnyView> {
    match one.state {
        TokenState::Issuing => Some("Until it is active a call with it is refused. This page follows by itself.".into_any()),
        TokenState::Active => None,
        TokenState::Revoking if one.unproven => Some(view! {
            "A gateway that has not shown that it refuses may still let the token pass. The proof goes on by itself; the staff have been told which one is silent. "
            <span class="cause-who">"Atala acts."</span>
        }.into_any()),
        TokenState::Revoking => Some("It counts as revoked once every worker of every gateway has shown that it refuses. This page follows by itself.".into_any()),
        TokenState::Revoked => one.receipt.as_ref().map(|proof| token::receipt(proof).into_any()),
        TokenState::Failed => Some("Nothing of it opens anything. Issue another one.".into_any()),
    }
}

fn drawn(view: &TokenDetail) -> Option<AnyView> {
    let one = &view.token;
    match (one.state, &view.progress, &one.receipt) {
        (TokenState::Issuing, Some(progress), _) => {
            Some(gateways::replicas(progress, Turn::Opens, false))
        }
        (TokenState::Revoking, Some(progress), _) => {
            Some(gateways::replicas(progress, Turn::Closes, one.unproven))
        }
        (TokenState::Revoked, Some(progress), Some(_)) if progress.is_proven() => {
            Some(gateways::replicas(progress, Turn::Closes, false))
        }
        (TokenState::Revoked, _, Some(receipt)) => Some(gateways::all_refuse(receipt)),
        _ => None,
    }
}

fn facts(one: &TokenView, now: Timestamp) -> AnyView {
    let linked = |id: model::TokenId, text: &'static str| {
        view! { <a href=format!("{PATH}/{id}")>{text}</a> }.into_any()
    };
    let proven = one
        .receipt
        .as_ref()
        .map(|proof| fact("Proven", view! { {at(proof.at, now)}" UTC" }));
    let note = (!one.note.is_empty()).then(|| fact("Note", one.note.clone()));
    let older = one
        .replaces
        .map(|id| fact("Took the place of", linked(id, "an older token")));
    let newer = one
        .replaced_by
        .map(|id| fact("Replaced by", linked(id, "a newer token")));
    view! {
        <dl class="facts" data-live="facts">
            {fact("Text", view! { <code>{one.hint.clone()}</code>" "<small class="muted">"shown once, when it was issued"</small> })}
            {fact("Instance", view! { <a href=format!("/instances/{}", one.instance_id)>{one.instance_name.clone()}</a> })}
            {fact("Owner", one.owner.clone())}
            {fact("Last used", token::last_used(one.usage, now))}
            {fact("Requests", token::uses(one.usage, now))}
            {fact("Ends", token::ends(one, now))}
            {fact("Issued", view! { {ago(one.created_at, now)}" by "{one.created_by.clone()} })}
            {proven}
            {older}
            {newer}
            {note}
        </dl>
    }
    .into_any()
}

/// The line that tries a token, with the text left to whoever holds it.
fn try_it(view: &TokenDetail) -> Option<AnyView> {
    let url = view.url.as_ref().filter(|_| view.token.state.is_open())?;
    let line = format!("curl -i -H \"apikey: $PRISM_TOKEN\" {url}{TRIED}");
    let body = view! {
        <p class="lead">"With the text in the variable PRISM_TOKEN; 200 says that it passes, 401 that the gateway does not know it, 403 that it is another instance's or was revoked a moment ago."</p>
        {snippet(&line, "command")}
    };
    Some(section("try", "To try it", body))
}

/// A path behind the gate that every instance answers.
pub const TRIED: &str = "/cloud-agent/_system/health";

fn change(
    caller: &Caller,
    one: &TokenView,
    owners: &[(String, String)],
    form: &Form,
) -> Option<AnyView> {
    let may = caller.may(Permission::IssueToken, Some(one.tenant_id));
    if !may {
        return None;
    }
    let mut form = form.clone();
    if !form.is_refused() {
        form.set("name", one.name.clone());
        form.set("note", one.note.clone());
        form.set(
            "owner",
            one.owner_id.map(|id| id.to_string()).unwrap_or_default(),
        );
    }
    let fields = view! {
        <details class="folded" id="change" open=form.is_refused()>
            <summary>"Change name, note or owner"</summary>
            <form class="form" method="post" action=format!("{PATH}/{}/change", one.id) data-once>
                {described(&form, owners)}
                {buttons("", "Save", "")}
            </form>
        </details>
    };
    Some(fields.into_any())
}

/// Name, owner and note, as every form about a token asks for them.
pub fn described(form: &Form, owners: &[(String, String)]) -> AnyView {
    let mut choices = vec![Choice::new(
        "",
        "Nobody in particular: the tenant as a whole",
    )];
    choices.extend(owners.iter().map(|(id, name)| Choice::new(id, name)));
    view! {
        {field(form, "name", "Name").help("What uses it, such as “Diploma portal, production”. Lists and mails say it.").max(60).view()}
        {select(form, "owner", "Owner", "Who answers for it and is reminded before it ends.", choices)}
        {field(form, "note", "Note").help("Where it is kept, whom to ask. Never the text itself.").optional().max(400).view()}
    }
    .into_any()
}

fn ways(caller: &Caller, one: &TokenView, now: Timestamp) -> Option<AnyView> {
    let may = caller.may(Permission::RevokeToken, Some(one.tenant_id));
    if !may || !one.state.is_open() {
        return None;
    }
    let retire = one.retires_at.map(|end| {
        view! {
            <li>
                <div>
                    <p class="danger-what">"Retire now"</p>
                    <p class="muted">"Another token took its place; the overlap would last until "{at(end, now)}" UTC. Last used: "{token::used(one.usage, now)}"."</p>
                </div>
                <a class="button danger" data-dialog href=format!("{PATH}/{}/retire", one.id)>"Retire token"</a>
            </li>
        }
    });
    let zone = view! {
        <ul class="danger-zone">
            {retire}
            <li>
                <div><p class="danger-what">"Revoke"</p><p class="muted">"Refused everywhere from then on, and proven to be. It cannot be undone."</p></div>
                <a class="button danger" data-dialog href=format!("{PATH}/{}/revoke", one.id)>{icon(Icon::Cross)}"Revoke token"</a>
            </li>
        </ul>
    };
    Some(section("danger", "End it", zone))
}
