//! Ending tokens: one, one whose place was taken, or all of an instance, a tenant or a person. Each is
//! a page that says what follows before it is done, and is shown as a dialog where scripts run.

use leptos::prelude::*;
use model::token::TokenDetail;

use crate::context::Caller;
use crate::pages::token::framed;
use crate::pages::{Nav, Page};
use crate::ui::form::{Choice, Form, buttons, field, radios};
use crate::ui::layout::{count, header};
use crate::ui::token;

/// Revoking one.
pub fn revoke(caller: &Caller, view: &TokenDetail, form: &Form) -> Page {
    let (one, now) = (&view.token, caller.now);
    let mut form = form.clone();
    form.default_to("reason", "revoked");
    let back = format!("/tokens/{}", one.id);
    let title = format!("Revoke token {}", one.name);
    let reasons = vec![
        Choice::new("revoked", "It is not needed any more"),
        Choice::new("leaked", "Its text may be known to others")
            .meaning("The owner and the tenant's admins are told."),
    ];
    let body = view! {
        {header(title.clone(), "It cannot be undone: a revoked token never works again.", None)}
        {form.summary()}
        <ul class="consequences">
            <li>"At once: the gateway is told to refuse "<code>{one.hint.clone()}</code>". "{token::latency(view.latency.as_ref(), now)}</li>
            <li>"Whoever calls "{one.instance_name.clone()}" with it is answered 403, then 401. Last used: "{token::used(one.usage, now)}"."</li>
            <li>"Then: every worker of every gateway has to show that it refuses; the page of the token keeps the receipt."</li>
        </ul>
        <form class="form section" method="post" action=format!("{back}/revoke") data-once>
            {radios(&form, "reason", "Why", "", reasons)}
            {field(&form, "note", "Note").help("For the audit trail. Never the text itself.").optional().max(400).view()}
            {buttons("destroy", "Revoke token", back.clone())}
        </form>
    };
    framed(caller, one, title, body.into_any())
        .under(one.name.clone(), back)
        .refused_if(form.is_refused())
}

/// Ending the overlap of a rotation.
pub fn retire(caller: &Caller, view: &TokenDetail, form: &Form) -> Page {
    let (one, now) = (&view.token, caller.now);
    let back = format!("/tokens/{}", one.id);
    let title = format!("Retire token {}", one.name);
    let body = view! {
        {header(title.clone(), "Another token took its place; this ends the overlap now.", None)}
        {form.summary()}
        <ul class="consequences">
            <li>"Whoever still uses "<code>{one.hint.clone()}</code>" is refused. Last used: "{token::used(one.usage, now)}"."</li>
            <li>"The newer token goes on as it is."</li>
            <li>"It cannot be undone."</li>
        </ul>
        <form class="form section" method="post" action=format!("{back}/retire") data-once>
            {buttons("destroy", "Retire token", back.clone())}
        </form>
    };
    framed(caller, one, title, body.into_any())
        .under(one.name.clone(), back)
        .refused_if(form.is_refused())
}

/// Whose tokens are all to be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Everything {
    /// "instance", "tenant" or "person".
    pub what: &'static str,
    /// What it is called; typed to confirm.
    pub name: String,
    /// Where the form is sent.
    pub to: String,
    /// Where it came from.
    pub back: String,
    /// What to call that place.
    pub back_name: String,
    /// Tokens that would be revoked; the first ones, with whether there are more.
    pub names: Vec<(String, String)>,
    /// Whether there are more than are named.
    pub more: bool,
}

/// Ending all of them.
pub fn revoke_all(_: &Caller, all: &Everything, form: &Form) -> Page {
    let Everything {
        what,
        name,
        to,
        back,
        back_name,
        names,
        more,
    } = all.clone();
    let title = format!("Revoke all tokens of {name}");
    let number = count(
        u32::try_from(names.len()).unwrap_or(u32::MAX),
        "token",
        "tokens",
    );
    let said = match (names.len(), more) {
        (0, _) => "There is none to revoke.".to_owned(),
        (_, false) => format!("{number} would be refused from then on. It cannot be undone."),
        (_, true) => {
            format!("{number} and more would be refused from then on. It cannot be undone.")
        }
    };
    let lines: Vec<_> = names
        .iter()
        .take(12)
        .map(|(name, hint)| view! { <li>{name.clone()}" "<code class="muted">{hint.clone()}</code></li> })
        .collect();
    let rest = names.len().saturating_sub(12);
    let rest = (rest > 0 || more).then(|| view! { <li class="muted">"and "{if more { "more".to_owned() } else { rest.to_string() }}</li> });
    let way = if names.is_empty() {
        view! { <p class="buttons"><a class="button quiet" href=back.clone()>"Back"</a></p> }
            .into_any()
    } else {
        view! {
            <ul class="consequences">
                <li>"Whoever uses one of them is refused at once, at every gateway; each ends with its own receipt."</li>
                <li>"Programs that depend on them stop until they are given new ones."</li>
            </ul>
            <details class="folded"><summary>"Which ones"</summary><ul class="consequences">{lines}{rest}</ul></details>
            <form class="form section" method="post" action=to data-once>
                {field(form, "confirm", confirm(what)).help("Exactly as it stands in the title.").max(80).view()}
                {buttons("destroy", "Revoke all tokens", back.clone())}
            </form>
        }
        .into_any()
    };
    let body = view! {
        {header(title.clone(), said, None)}
        {form.summary()}
        {way}
    };
    Page::new(Nav::Tokens, title, body.into_any())
        .under(back_name, back)
        .refused_if(form.is_refused())
}

fn confirm(what: &str) -> &'static str {
    match what {
        "instance" => "Type the instance's name to go on",
        "tenant" => "Type the tenant's name to go on",
        _ => "Type the person's name to go on",
    }
}
