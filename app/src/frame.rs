//! The frame of every page: document, rail, top bar, strip, flash, and the script that wakes the
//! islands. Pages are rendered whole and at once, so a page either arrives complete or as an error.
//! Invariant: no `style` attribute, and every script carries the response's nonce.

use std::fmt::Write as _;

use leptos::prelude::*;
use leptos::reactive::owner::Owner;
use model::permission::Permission;
use model::user::Role;

use crate::context::{Caller, Theme};
use crate::islands::comforts::Comforts;
use crate::islands::live::Live;
use crate::pages::{Nav, Page};
use crate::ui::icon::{Icon, icon, mark};
use crate::ui::time;

/// What the product is called in titles.
pub const PRODUCT: &str = "Hosted Instances";

/// Renders a page into its frame. `page` is built inside the reactive owner that islands need.
pub fn document(caller: &Caller, page: impl FnOnce(&Caller) -> Page) -> (u16, String) {
    let owner = Owner::new_root(None);
    let rendered = owner.with(|| {
        let page = page(caller);
        let status = page.status;
        (status, whole(caller, page))
    });
    owner.unset_with_forced_cleanup();
    rendered
}

fn whole(caller: &Caller, page: Page) -> String {
    let mut out = String::with_capacity(32 * 1024);
    let prefix = if page.failed { "Error: " } else { "" };
    let theme = match caller.theme {
        Theme::System => String::new(),
        chosen => format!(" data-theme=\"{}\"", chosen.as_str()),
    };
    let head = view! {
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content="light dark"/>
        <meta name="referrer" content="same-origin"/>
        <title>{format!("{prefix}{} – {PRODUCT}", page.title)}</title>
        <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
        {caller.assets.style.as_ref().map(|name| view! { <link rel="stylesheet" href=format!("/pkg/{name}")/> })}
    }
    .to_html();
    let script = islands_script(caller).unwrap_or_default();
    let body = if page.nav == Nav::None {
        plain(caller, page)
    } else {
        framed(caller, page)
    };
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<!DOCTYPE html><html lang=\"en\"{theme}><head>{head}{script}</head>{}</html>",
        body.to_html()
    );
    out
}

/// Loads the islands, then hands each element of one to its function. Written here because the
/// framework's own script preloads with the nonce in `crossorigin`, which browsers refuse.
fn islands_script(caller: &Caller) -> Option<String> {
    let (js, wasm) = (
        caller.assets.client_js.as_ref()?,
        caller.assets.client_wasm.as_ref()?,
    );
    Some(format!(
        "<script type=\"module\" nonce=\"{nonce}\">\
         import(\"/pkg/{js}\").then(async m=>{{\
         await m.default({{module_or_path:\"/pkg/{wasm}\"}});m.hydrate();\
         for(const el of document.querySelectorAll(\"leptos-island\")){{\
         const wake=m[el.dataset.component];if(wake)wake(el)}}\
         document.documentElement.dataset.awake=\"\"}})</script>",
        nonce = plain_word(&caller.nonce),
        js = plain_word(js),
        wasm = plain_word(wasm),
    ))
}

/// Keeps only what a nonce or a built file's name consists of, since it is written into a script.
fn plain_word(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.+/=".contains(*c))
        .collect()
}

/// Sign-in and set-up: nothing around the form that a stranger could use.
fn plain(caller: &Caller, page: Page) -> AnyView {
    view! {
        <body class="plain">
            <main id="main" class="door">
                <div class="door-brand">{mark()}<span>{PRODUCT}</span></div>
                {environment(caller)}
                {flash(caller)}
                {page.body}
            </main>
            <Comforts/>
        </body>
    }
    .into_any()
}

fn framed(caller: &Caller, page: Page) -> AnyView {
    let Page {
        nav,
        crumbs,
        live,
        lives_at,
        body,
        wide,
        ..
    } = page;
    let class = if wide { "page wide" } else { "page" };
    let lives_at = (!lives_at.is_empty()).then_some(lives_at);
    let crumbs: Vec<_> = crumbs
        .into_iter()
        .map(|(text, href)| view! { <li><a href=href>{text}</a></li> })
        .collect();
    view! {
        <body>
            <a class="skip" href="#main">"Skip to the content"</a>
            <div class="shell">
                {rail(caller, nav)}
                <div class="column">
                    <header class="topbar">
                        <nav class="crumbs" aria-label="Where am I"><ol>{crumbs}</ol></nav>
                        {search(caller)}
                        {environment(caller)}
                        {who(caller)}
                    </header>
                    <Live/>
                    {notices(caller)}
                    <main id="main" class=class tabindex="-1" data-live-subjects=live data-live-address=lives_at data-now=caller.now.to_string()>
                        {flash(caller)}
                        {body}
                        {made(caller)}
                    </main>
                    <footer class="foot"><a href="/leaks">"Report a leaked token"</a><a href="/api/docs">"API"</a></footer>
                </div>
            </div>
            <Comforts/>
        </body>
    }
    .into_any()
}

fn rail(caller: &Caller, current: Nav) -> AnyView {
    view! {
        <nav class="rail" aria-label="Main">
            <a class="brand" href="/">{mark()}<span>"Hosted "<br/>"Instances"</span></a>
            <details class="menu">
                <summary>{icon(Icon::Menu)}<span>"Menu"</span></summary>
            </details>
            <div class="rail-nav">
                <ul>{places(caller, current)}</ul>
                <ul class="rail-below">{places_below(caller, current)}</ul>
                {theme_switch(caller)}
            </div>
        </nav>
    }
    .into_any()
}

fn place(
    current: Nav,
    nav: Nav,
    href: impl Into<String>,
    which: Icon,
    text: &'static str,
) -> AnyView {
    let here = (nav == current).then_some("page");
    view! { <li><a href=href.into() aria-current=here>{icon(which)}<span>{text}</span></a></li> }
        .into_any()
}

/// What the caller may go to; staff and tenants' people come for different things.
fn places(caller: &Caller, current: Nav) -> Vec<AnyView> {
    let staff = caller.is_staff();
    let mine = caller.me.as_ref().and_then(|me| me.tenants.first());
    let members = mine
        .filter(|_| !staff)
        .map(|(tenant, _)| format!("/tenants/{tenant}"));
    let audit = caller.may(Permission::ReadAudit, None);
    let go = |shown: bool, nav, href: &str, icon, text| {
        shown.then(|| place(current, nav, href.to_owned(), icon, text))
    };
    [
        go(staff, Nav::Fleet, "/", Icon::Fleet, "Fleet"),
        go(staff, Nav::Tenants, "/tenants", Icon::Tenants, "Tenants"),
        go(
            true,
            Nav::Instances,
            "/instances",
            Icon::Instances,
            "Instances",
        ),
        go(true, Nav::Tokens, "/tokens", Icon::Token, "Tokens"),
        go(
            true,
            Nav::Operations,
            "/operations",
            Icon::Operations,
            "Operations",
        ),
        go(
            staff,
            Nav::Clusters,
            "/clusters",
            Icon::Clusters,
            "Clusters",
        ),
        members.map(|href| place(current, Nav::Tenants, href, Icon::People, "Members")),
        go(true, Nav::Releases, "/releases", Icon::Releases, "Releases"),
        go(audit, Nav::Audit, "/audit", Icon::Audit, "Audit"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn places_below(caller: &Caller, current: Nav) -> Vec<AnyView> {
    let mut all = Vec::new();
    if caller.sandbox && caller.is_staff() {
        all.push(place(
            current,
            Nav::Sandbox,
            "/sandbox",
            Icon::Sandbox,
            "Sandbox",
        ));
    }
    all.push(place(
        current,
        Nav::Account,
        "/account",
        Icon::Account,
        "Account",
    ));
    all
}

fn theme_switch(caller: &Caller) -> AnyView {
    let buttons: Vec<_> = Theme::ALL
        .iter()
        .map(|theme| {
            let (word, title) = match theme {
                Theme::System => ("Auto", "Theme as the system says"),
                Theme::Light => ("Light", "Light theme"),
                Theme::Dark => ("Dark", "Dark theme"),
            };
            let pressed = if *theme == caller.theme { "true" } else { "false" };
            view! { <button name="theme" value=theme.as_str() aria-pressed=pressed title=title>{word}</button> }
        })
        .collect();
    view! {
        <form class="theme" method="post" action="/theme" aria-label="Theme">
            <input type="hidden" name="next" value=caller.location.clone()/>
            {buttons}
        </form>
    }
    .into_any()
}

fn search(caller: &Caller) -> AnyView {
    let hint = if caller.is_staff() {
        "Tenant, id, host or token"
    } else {
        "Id, host or token"
    };
    view! {
        <form class="search" role="search" method="get" action="/search">
            <label class="sr" for="search">"Search"</label>
            {icon(Icon::Search)}
            <input id="search" name="q" type="search" placeholder=hint autocomplete="off" spellcheck="false" maxlength="200"/>
            <kbd aria-hidden="true">"/"</kbd>
        </form>
    }
    .into_any()
}

fn environment(caller: &Caller) -> Option<AnyView> {
    if caller.sandbox {
        let label = view! {
            <span class="env sandbox" title="Clusters, Argo CD and gateways are simulated on this machine">
                "SANDBOX"
            </span>
        };
        return Some(label.into_any());
    }
    let name = caller.environment.clone()?;
    Some(view! { <span class="env">{name}</span> }.into_any())
}

fn who(caller: &Caller) -> Option<AnyView> {
    let me = caller.me.clone()?;
    let role = me
        .staff
        .or_else(|| me.tenants.first().map(|(_, role)| *role))
        .map(Role::title);
    let who = view! {
        <details class="who">
            <summary>{icon(Icon::Account)}<span class="who-name">{me.name}</span></summary>
            <div class="who-menu">
                <p>{me.email}<br/><small>{role}</small></p>
                <a href="/account">"Account"</a>
                <form method="post" action="/sign-out">
                    <button class="link">{icon(Icon::Leave)}"Sign out"</button>
                </form>
            </div>
        </details>
    };
    Some(who.into_any())
}

fn notices(caller: &Caller) -> AnyView {
    let lines: Vec<_> = caller
        .notices
        .iter()
        .map(|notice| {
            let more = notice
                .href
                .clone()
                .map(|href| view! { " "<a href=href>"Details"</a> });
            view! { <p>{icon(Icon::Alert)}<span>{notice.text.clone()}{more}</span></p> }
        })
        .collect();
    let strip = (!lines.is_empty())
        .then(|| view! { <div class="strip warn" role="status">{lines}</div> }.into_any());
    view! { <div data-live="notices">{strip}</div> }.into_any()
}

fn flash(caller: &Caller) -> Option<AnyView> {
    let flash = caller.flash.clone()?;
    let (class, role, which) = if flash.refused {
        ("flash refused", "alert", Icon::Alert)
    } else {
        ("flash done", "status", Icon::Check)
    };
    Some(view! { <div class=class role=role>{icon(which)}<p>{flash.text}</p></div> }.into_any())
}

/// Says when the page was made, for those whose browser runs no scripts.
fn made(caller: &Caller) -> AnyView {
    view! {
        <p class="made">
            "This page shows what was true at "{time::at(caller.now, caller.now)}" UTC. "
            <a href=caller.location.clone()>"Refresh"</a>
        </p>
    }
    .into_any()
}
