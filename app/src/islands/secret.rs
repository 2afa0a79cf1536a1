//! A page that shows a secret: it leaves the history under another address, so that neither back nor
//! reload shows it or makes another; what it shows is gone from memory once it is left; and leaving it
//! warns once, unless the text was copied or said to be stored.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use web_sys::{Element, Event};

use super::dom;

/// Looks after the secret of this page, if it shows one.
pub fn guard() {
    let found = dom::root().and_then(|root| {
        root.query_selector("[data-replace-location]")
            .ok()
            .flatten()
    });
    let Some(secret) = found else { return };
    let address = secret.get_attribute("data-replace-location");
    if let Some(history) = dom::window().and_then(|window| window.history().ok()) {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", address.as_deref());
    }
    if secret.has_attribute("data-warn-leaving") {
        warn_once(&secret);
    }
    if let Some(window) = dom::window() {
        dom::on(&window, "pagehide", move |_| secret.set_inner_html(""));
    }
}

fn warn_once(secret: &Element) {
    let (Some(window), Some(document)) = (dom::window(), dom::document()) else {
        return;
    };
    let at_rest = Rc::new(Cell::new(false));
    // By a button of ours, or by the keyboard out of a selection.
    for event in ["click", "copy"] {
        let (at_rest, secret) = (Rc::clone(&at_rest), secret.clone());
        dom::on(&document, event, move |event| {
            if taken(&event, &secret) {
                at_rest.set(true);
            }
        });
    }
    dom::on(&window, "beforeunload", move |event| {
        if !at_rest.replace(true) {
            event.prevent_default();
        }
    });
}

/// Whether the event says that the text went somewhere.
fn taken(event: &Event, secret: &Element) -> bool {
    let Some(at) = dom::origin(event).filter(|at| secret.contains(Some(at))) else {
        return false;
    };
    event.type_() == "copy"
        || at
            .closest("[data-copy], [data-stored]")
            .ok()
            .flatten()
            .is_some()
}
