//! The error page: what is so, why, what to do, in the frame of every other page.

use leptos::prelude::*;

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::layout::header;

/// The page for a status, with a title and one or two sentences.
pub fn page(caller: &Caller, status: u16, title: &'static str, text: String) -> Page {
    let here = caller.location.clone();
    let again = (status >= 500 || status == 429)
        .then(|| view! { <a class="button primary" href=here>"Try again"</a> });
    let home = if caller.is_staff() {
        ("/", "Go to the fleet")
    } else {
        ("/instances", "Go to the instances")
    };
    let body = view! {
        <div class="problem">
            {header(title, text, None)}
            <p class="buttons">{again}<a class="button" href=home.0>{home.1}</a></p>
        </div>
    };
    let nav = if caller.me.is_some() {
        Nav::Elsewhere
    } else {
        Nav::None
    };
    let mut page = Page::new(nav, title, body.into_any());
    page.status = status;
    page
}
