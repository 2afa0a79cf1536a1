//! Issuing and rotating a token, and the one page that shows its text. That page leaves the history
//! under another address, so that neither back nor reload shows the text again, and leaving it warns
//! once until the text was copied or said to be stored.

use leptos::prelude::*;
use model::Timestamp;
use model::token::{LONGEST_OVERLAP, TokenDetail, TokenPolicyView, TokenView};
use model::view::InstanceView;

use crate::context::Caller;
use crate::pages::token::{TRIED, described, framed, story};
use crate::pages::{Nav, Page};
use crate::ui::form::{Choice, Form, buttons, radios, select};
use crate::ui::icon::{Icon, icon};
use crate::ui::layout::{callout, header, snippet};
use crate::ui::time::{ago, at, day, span};
use crate::ui::token;

/// What the form offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// How long tokens may live, and who says so.
    pub policy: TokenPolicyView,
    /// Who may answer for it: id and name.
    pub owners: Vec<(String, String)>,
    /// Names this one showing of the form, so that sending it twice issues once.
    pub once: String,
}

/// The form.
pub fn new(caller: &Caller, one: &InstanceView, offer: &Offer, form: &Form) -> Page {
    let mut form = form.clone();
    form.default_to("days", offer.policy.effective.default_days.to_string());
    let back = format!("/instances/{}/tokens", one.id);
    let body = view! {
        {header(format!("Issue token for {}", one.name), "Its text is shown once, on the next page; nobody can read it from here again.", None)}
        {form.summary()}
        <form class="form" method="post" action=back.clone() data-once>
            <input type="hidden" name="once" value=offer.once.clone()/>
            {described(&form, &offer.owners)}
            {lives(&form, &offer.policy, caller.now)}
            {buttons("primary", "Issue token", back.clone())}
        </form>
    };
    Page::new(
        Nav::Tokens,
        format!("Issue token for {}", one.name),
        body.into_any(),
    )
    .under(one.name.clone(), format!("/instances/{}", one.id))
    .under("Tokens", back)
    .refused_if(form.is_refused())
}

fn lives(form: &Form, policy: &TokenPolicyView, now: Timestamp) -> AnyView {
    let effective = policy.effective;
    let choices = token::lives(effective.default_days, effective.max_days, now)
        .into_iter()
        .map(|(days, text)| Choice::new(days.to_string(), text))
        .collect();
    let help = match policy.own {
        Some(_) => {
            "Default and limit come from this tenant's policy; it is never laxer than Atala's."
        }
        None => "Default and limit come from Atala's policy; the tenant can choose a stricter one.",
    };
    select(form, "days", "It lives for", help, choices)
}

/// How long the old one may go on: seconds and words.
const OVERLAPS: [(u64, &str, &str); 5] = [
    (
        0,
        "Not at all",
        "The old one is revoked as soon as the new one works.",
    ),
    (
        3_600,
        "1 hour",
        "For a program that takes the new one by hand, now.",
    ),
    (
        86_400,
        "24 hours",
        "The default: time for one round of deployments.",
    ),
    (
        604_800,
        "7 days",
        "For several programs, or people in other time zones.",
    ),
    (
        2_592_000,
        "30 days",
        "The longest; the page of the old one says whether it is still used.",
    ),
];

/// Rotating: another token takes the place of this one.
pub fn rotate(caller: &Caller, view: &TokenDetail, offer: &Offer, form: &Form) -> Page {
    let (one, now) = (&view.token, caller.now);
    let mut form = form.clone();
    form.default_to("overlap", "86400");
    form.default_to("days", offer.policy.effective.default_days.to_string());
    let back = format!("/tokens/{}", one.id);
    let overlaps = OVERLAPS
        .iter()
        .filter(|(seconds, _, _)| *seconds <= LONGEST_OVERLAP.as_secs())
        .map(|(seconds, text, meaning)| Choice::new(seconds.to_string(), *text).meaning(*meaning))
        .collect();
    let title = format!("Rotate token {}", one.name);
    let body = view! {
        {header(title.clone(), "A new token takes its place; for a while both work.", None)}
        {form.summary()}
        <p class="lead">"The old one was last used: "{token::used(one.usage, now)}"."</p>
        <form class="form" method="post" action=format!("{back}/rotate") data-once>
            <input type="hidden" name="once" value=offer.once.clone()/>
            {radios(&form, "overlap", "The old one goes on for", "", overlaps)}
            {lives(&form, &offer.policy, now)}
            {buttons("primary", "Rotate token", back.clone())}
        </form>
    };
    framed(caller, one, title, body.into_any())
        .under(one.name.clone(), back)
        .refused_if(form.is_refused())
}

/// The answer to issuing: the text, this once. `old` is the one whose place it takes.
pub fn issued(
    caller: &Caller,
    made: &TokenView,
    text: &str,
    url: Option<&str>,
    old: Option<&TokenView>,
) -> Page {
    let now = caller.now;
    let here = format!("/tokens/{}", made.id);
    let state = view! {
        "It opens "{made.instance_name.clone()}" of "{made.tenant_name.clone()}" and ends on "{day(made.expires_at)}"."
    };
    let replaced = old.map(|old| replaces(old, now));
    let detail = TokenDetail {
        token: made.clone(),
        url: None,
        progress: None,
        latency: None,
    };
    let body = view! {
        {header(format!("Token {}", made.name), state, None)}
        <div class="secret" data-replace-location=here.clone() data-warn-leaving>
            <p><strong>"This is the only time its text is shown."</strong>" Store it where the program finds it. Whoever has it can call the instance."</p>
            <div class="secret-line">
                <code class="secret-text">{text.to_owned()}</code>
                <button type="button" class="button copy-text" data-copy=text.to_owned()>{icon(Icon::Copy)}"Copy text"</button>
            </div>
            <p class="buttons"><a class="button primary" href=here.clone() data-stored>"I have stored it"</a></p>
            {url.map(|url| try_it(text, url))}
            <h2>"As lines of an .env file"</h2>
            {snippet(&env_lines(text, url), "lines")}
        </div>
        {replaced}
        <h2 class="way-title">"On its way to the gateway"</h2>
        {story(&detail, now)}
    };
    framed(caller, made, "Token issued".to_owned(), body.into_any())
        .live(format!("token:{}", made.id))
        .lives_at(here)
}

fn try_it(text: &str, url: &str) -> AnyView {
    let curl = format!("curl -i -H \"apikey: {text}\" {url}{TRIED}");
    view! {
        <h2>"To try it"</h2>
        {snippet(&curl, "command")}
    }
    .into_any()
}

fn env_lines(text: &str, url: Option<&str>) -> String {
    url.map_or_else(
        || format!("PRISM_TOKEN={text}"),
        |url| format!("PRISM_URL={url}\nPRISM_TOKEN={text}"),
    )
}

fn replaces(old: &TokenView, now: Timestamp) -> AnyView {
    let until = match old.retires_at {
        Some(end) if end > now => {
            view! { "works until "{at(end, now)}" UTC, "{ago(end, now)}" (an overlap of "{span(end.since(now))}")." }
                .into_any()
        }
        _ => "is revoked as soon as this one works.".into_any(),
    };
    callout(
        "degraded",
        view! { <p>"The old one, "<a href=format!("/tokens/{}", old.id)>{old.name.clone()}</a>" ("<code>{old.hint.clone()}</code>"), "{until}</p> },
    )
}
