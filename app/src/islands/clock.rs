//! Relative times that tick, by the server's clock: the page says when it was made, and the
//! difference to this machine's clock is taken off.

use std::cell::Cell;

use web_sys::Element;

use super::dom;
use super::words::{relative, span};

thread_local! {
    /// Milliseconds that the server's clock is ahead of this machine's.
    static AHEAD: Cell<f64> = const { Cell::new(0.0) };
}

/// Takes the time at which a page was made as now.
pub fn adopt(page: &Element) {
    let made = page
        .query_selector("[data-now]")
        .ok()
        .flatten()
        .and_then(|main| main.get_attribute("data-now"));
    if let Some(made) = made {
        let made = js_sys::Date::parse(&made);
        if made.is_finite() {
            AHEAD.set(made - dom::now());
        }
    }
}

/// Now by the server's clock, in milliseconds since 1970.
fn now() -> f64 {
    dom::now() + AHEAD.get()
}

/// Writes every relative time anew.
pub fn tick() {
    let Some(root) = dom::root() else { return };
    let now = now();
    for time in dom::all(&root, "time[data-time=\"ago\"], time[data-time=\"span\"]") {
        let Some(at) = time.get_attribute("datetime") else {
            continue;
        };
        let seconds = (now - js_sys::Date::parse(&at)) / 1_000.0;
        if !seconds.is_finite() {
            continue;
        }
        let bare = time.get_attribute("data-time").as_deref() == Some("span");
        let text = if bare {
            span(seconds)
        } else {
            relative(seconds)
        };
        if time.text_content().as_deref() != Some(&text) {
            time.set_text_content(Some(&text));
        }
    }
}
