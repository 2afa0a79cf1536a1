//! How a page is laid out: a header with one sentence of state and at most one primary action,
//! sections, empty states, pairs of facts, and what a person can copy.

use leptos::prelude::*;

use crate::ui::icon::{Icon, icon};

/// Title, sentence of state, and the primary action.
pub fn header(
    title: impl IntoView + 'static,
    state: impl IntoView + 'static,
    action: Option<AnyView>,
) -> AnyView {
    view! {
        <header class="head">
            <div class="head-text">
                <h1>{title.into_any()}</h1>
                <p class="state" data-live="state">{state.into_any()}</p>
            </div>
            {action.map(|action| view! { <div class="head-action">{action}</div> })}
        </header>
    }
    .into_any()
}

/// The primary action of a page as a link.
pub fn primary(href: impl Into<String>, text: &'static str, which: Icon) -> AnyView {
    view! { <a class="button primary" href=href.into()>{icon(which)}{text}</a> }.into_any()
}

/// A secondary action as a link.
pub fn secondary(href: impl Into<String>, text: &'static str) -> AnyView {
    view! { <a class="button" href=href.into()>{text}</a> }.into_any()
}

/// A titled part of a page.
pub fn section(id: &'static str, title: &'static str, body: impl IntoView + 'static) -> AnyView {
    section_with(id, title, None, body)
}

/// A titled part of a page with something at the right of its title.
pub fn section_with(
    id: &'static str,
    title: &'static str,
    beside: Option<AnyView>,
    body: impl IntoView + 'static,
) -> AnyView {
    let heading = format!("{id}-title");
    let labelled = heading.clone();
    view! {
        <section class="section" id=id aria-labelledby=labelled>
            <div class="section-head"><h2 id=heading>{title}</h2>{beside}</div>
            {body.into_any()}
        </section>
    }
    .into_any()
}

/// Nothing here yet: what this is for, and the first action.
pub fn empty(title: &'static str, text: &'static str, action: Option<AnyView>) -> AnyView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
            {action}
        </div>
    }
    .into_any()
}

/// A pair of facts in a definition list.
pub fn fact(name: &'static str, value: impl IntoView + 'static) -> AnyView {
    view! { <div class="fact"><dt>{name}</dt><dd>{value.into_any()}</dd></div> }.into_any()
}

/// A text in mono with a button that copies it; without scripts it is selected by one click.
pub fn copyable(text: &str, what: &'static str) -> AnyView {
    view! {
        <span class="copyable">
            <code>{text.to_owned()}</code>
            <button type="button" class="copy" data-copy=text.to_owned() aria-label=format!("Copy {what}")>
                {icon(Icon::Copy)}
            </button>
        </span>
    }
    .into_any()
}

/// A block of text in mono with a button that copies it.
pub fn snippet(text: &str, what: &'static str) -> AnyView {
    view! {
        <div class="snippet">
            <pre tabindex="0"><code>{text.to_owned()}</code></pre>
            <button type="button" class="copy" data-copy=text.to_owned() aria-label=format!("Copy {what}")>
                {icon(Icon::Copy)}
            </button>
        </div>
    }
    .into_any()
}

/// A sentence that needs attention inside a page.
pub fn callout(class: &'static str, body: impl IntoView + 'static) -> AnyView {
    view! { <div class=format!("callout {class}")>{icon(Icon::Alert)}<div>{body.into_any()}</div></div> }
        .into_any()
}

/// "1 instance", "2 instances".
#[must_use]
pub fn count(number: u32, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        grouped(u64::from(number)),
        if number == 1 { one } else { many }
    )
}

/// A number with thin groups of three digits.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_groups() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(count(1, "instance", "instances"), "1 instance");
        assert_eq!(count(0, "instance", "instances"), "0 instances");
    }
}
