//! What stands behind `Comforts`: the listeners. Each is put on the page as a whole, once, and acts by
//! the marks that it finds on the markup, so that markup which arrives later is served as well.

use std::cell::Cell;
use std::rc::Rc;

use leptos::prelude::{RwSignal, Set};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Element, Event, FormData, HtmlFormElement, HtmlInputElement, KeyboardEvent, SubmitEvent,
    UrlSearchParams,
};

use super::{dom, page};

/// Installs every listener.
pub fn start(said: RwSignal<String>) {
    let (Some(document), Some(window)) = (dom::document(), dom::window()) else {
        return;
    };
    super::secret::guard();
    dom::on(&document, "click", move |event| copy(&event, said));
    dom::on(&document, "keydown", |event| search(&event));
    super::dialog::listen(&document);
    dom::on(&document, "submit", |event| guard(&event));
    dom::on(&document, "input", |event| touched(&event));
    let wishes = Rc::new(Cell::new(0_u32));
    dom::on(&document, "input", move |event| preview(&event, &wishes));
    // A page that comes back from the browser's memory can be sent again, and must not show a secret.
    dom::on(&window, "pageshow", |_| release());
    open_target();
    dom::on(&window, "hashchange", |_| open_target());
}

fn copy(event: &Event, said: RwSignal<String>) {
    let button = dom::origin(event).and_then(|at| at.closest("[data-copy]").ok().flatten());
    let Some(button) = button else { return };
    let Some(text) = button.get_attribute("data-copy") else {
        return;
    };
    let Some(window) = dom::window() else { return };
    let copying = JsFuture::from(window.navigator().clipboard().write_text(&text));
    spawn_local(async move {
        let done = copying.await.is_ok();
        said.set(
            if done {
                "Copied."
            } else {
                "Copying was refused: select the text and copy it."
            }
            .to_owned(),
        );
        let mark = if done { "data-copied" } else { "data-refused" };
        let _ = button.set_attribute(mark, "");
        dom::after(2_000, move || {
            let _ = button.remove_attribute(mark);
            said.set(String::new());
        });
    });
}

/// `/` goes to the search, unless somebody is writing.
fn search(event: &Event) {
    let Some(key) = event.dyn_ref::<KeyboardEvent>() else {
        return;
    };
    let writing = dom::origin(event).is_some_and(|at| {
        at.matches("input, textarea, select, [contenteditable]")
            .unwrap_or(false)
    });
    if key.key() != "/" || writing || key.ctrl_key() || key.meta_key() || key.alt_key() {
        return;
    }
    if let Some(field) = dom::document().and_then(|page| page.get_element_by_id("search")) {
        event.prevent_default();
        dom::focus(&field);
    }
}

/// A form that was sent is not sent again while its answer is awaited. The server would not do it
/// twice either; this only saves a confusing answer.
fn guard(event: &Event) {
    let Some(form) = dom::origin(event).and_then(|at| at.dyn_into::<HtmlFormElement>().ok()) else {
        return;
    };
    if event.default_prevented() {
        return;
    }
    let submitter = event
        .dyn_ref::<SubmitEvent>()
        .and_then(SubmitEvent::submitter);
    let asks = submitter
        .as_ref()
        .and_then(|by| by.get_attribute("formmethod"))
        .unwrap_or_else(|| form.method());
    if asks != "post" {
        return;
    }
    if form.has_attribute("data-sent") {
        event.prevent_default();
        return;
    }
    let _ = form.set_attribute("data-sent", "");
    if let Some(button) = submitter {
        let _ = button.set_attribute("aria-busy", "true");
    }
}

fn release() {
    let Some(root) = dom::root() else { return };
    for form in dom::all(&root, "form[data-sent]") {
        let _ = form.remove_attribute("data-sent");
    }
    for button in dom::all(&root, "[aria-busy]") {
        let _ = button.remove_attribute("aria-busy");
    }
}

/// Marks what was typed into, so that an update leaves it alone.
fn touched(event: &Event) {
    if let Some(field) = dom::origin(event) {
        let _ = field.set_attribute("data-touched", "");
    }
}

/// Shows what follows from the choices of a form a moment after they were made.
fn preview(event: &Event, wishes: &Rc<Cell<u32>>) {
    let Some(form) =
        dom::origin(event).and_then(|at| at.closest("form[data-preview]").ok().flatten())
    else {
        return;
    };
    wishes.set(wishes.get().wrapping_add(1));
    let (mine, wishes) = (wishes.get(), Rc::clone(wishes));
    dom::after(300, move || {
        if wishes.get() == mine
            && let Some(address) = with_choices(&form)
        {
            spawn_local(async move { page::preview(&address).await });
        }
    });
}

fn with_choices(form: &Element) -> Option<String> {
    let path = form.get_attribute("data-preview")?;
    let data = FormData::new_with_form(form.dyn_ref::<HtmlFormElement>()?).ok()?;
    // Long texts do not belong into an address; their preview is their own validation.
    data.delete("overrides");
    let query = UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
    Some(format!("{path}?{}", String::from(query.to_string())))
}

/// A link to a folded part unfolds it.
fn open_target() {
    let Some(window) = dom::window() else { return };
    let Ok(hash) = window.location().hash() else {
        return;
    };
    let target =
        dom::document().and_then(|page| page.get_element_by_id(hash.trim_start_matches('#')));
    if let Some(details) = target.filter(|target| target.tag_name() == "DETAILS") {
        let _ = details.set_attribute("open", "");
        if let Ok(Some(summary)) = details.query_selector("summary") {
            dom::focus(&summary);
        }
    }
    // A field of a folded form that a summary of errors links to.
    if let Some(field) =
        dom::document().and_then(|page| page.get_element_by_id(hash.trim_start_matches('#')))
        && let Ok(Some(folded)) = field.closest("details:not([open])")
    {
        let _ = folded.set_attribute("open", "");
        if field.dyn_ref::<HtmlInputElement>().is_some() {
            dom::focus(&field);
        }
    }
}
