//! The public page on which anybody reports a token that was found somewhere. The answer is the same
//! whether the token is known or not, so that nothing can be tried out here, and what was pasted is
//! never put back into a page.

use leptos::prelude::*;

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Form, area, buttons, field};

/// What is said to every report that could be read.
pub const RECEIVED: &str = "Thank you, the report is received. Every text in it that is a token of an instance here is revoked or looked at, as its organisation has decided, and its people are told where it was found. Whether there was one is not said.";

/// The page.
pub fn page(caller: &Caller, form: &Form) -> Page {
    // A refused report is pasted anew: a page must not carry a token.
    let mut form = form.clone();
    form.set("text", "");
    let body = view! {
        <h1>"Report a leaked token"</h1>
        <p class="lead">"Found a text that begins with "<code>"prism_"</code>" where it does not belong: in a repository, a log, a chat? Paste it here. Anybody may; no account is needed."</p>
        {form.summary()}
        <form class="form" method="post" action="/leaks" data-once>
            {area(&form, "text", "What you found", "The token, or the lines around it. At most 20 tokens are looked for in it; nothing else of it is kept.", 5)}
            {field(&form, "place", "Where you found it").help("An address, a file, a channel. Its owner is told.").max(400).view()}
            {buttons("primary", "Report token", "")}
        </form>
        <div class="lead leak-next">
            <h2>"What happens then"</h2>
            <ul class="consequences">
                <li>"A token that is real is revoked within seconds, or its organisation is asked, as it has decided before."</li>
                <li>"The owner and the admins of the organisation are told, with the place."</li>
                <li>"The answer here is always the same, so that it tells nobody whether a text was a token."</li>
            </ul>
        </div>
    };
    let nav = if caller.me.is_some() {
        Nav::Elsewhere
    } else {
        Nav::None
    };
    Page::new(nav, "Report a leaked token", body.into_any()).refused_if(form.is_refused())
}
