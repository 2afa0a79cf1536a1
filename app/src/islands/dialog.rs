//! A page that asks before something is destroyed, shown as a dialog over the page it was asked from.
//! The page itself is fetched, so both say the same; what it refuses stays inside the dialog, and
//! closing it gives the focus back. Without scripts the link leads to the page.

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Document, Element, Event, FormData, HtmlDialogElement, HtmlFormElement, MouseEvent,
    RequestInit, Response, SubmitEvent, UrlSearchParams,
};

use super::{dom, page};

/// Listens for links that ask for a dialog, and for what is pressed in one.
pub fn listen(document: &Document) {
    dom::on(document, "click", |event| {
        if let Some(link) = plain_click(&event, "a[data-dialog]") {
            event.prevent_default();
            let Some(address) = link.get_attribute("href") else {
                return;
            };
            spawn_local(async move {
                match page::fetch(&address).await {
                    Ok(asked) => open(&asked),
                    // The page says what is wrong better than a dialog that does not open.
                    Err(_) => go(&address),
                }
            });
        } else if let Some(cancel) = plain_click(&event, "dialog .buttons a.quiet") {
            event.prevent_default();
            if let Some(dialog) = around(&cancel) {
                dialog.close();
            }
        }
    });
    dom::on(document, "submit", |event| {
        let form = dom::origin(&event).and_then(|at| at.dyn_into::<HtmlFormElement>().ok());
        let Some((form, dialog)) = form.and_then(|form| Some((form.clone(), around(&form)?)))
        else {
            return;
        };
        event.prevent_default();
        let button = event
            .dyn_ref::<SubmitEvent>()
            .and_then(SubmitEvent::submitter);
        if let Some(button) = &button {
            let _ = button.set_attribute("aria-busy", "true");
        }
        spawn_local(async move {
            send(&form, &dialog).await;
            if let Some(button) = button {
                let _ = button.remove_attribute("aria-busy");
            }
        });
    });
}

fn plain_click(event: &Event, selector: &str) -> Option<Element> {
    let mouse = event.dyn_ref::<MouseEvent>()?;
    let plain = mouse.button() == 0 && !(mouse.ctrl_key() || mouse.meta_key() || mouse.shift_key());
    dom::origin(event)
        .filter(|_| plain)?
        .closest(selector)
        .ok()?
}

fn around(element: &Element) -> Option<HtmlDialogElement> {
    element.closest("dialog").ok()??.dyn_into().ok()
}

fn go(address: &str) {
    if let Some(window) = dom::window() {
        let _ = window.location().assign(address);
    }
}

fn open(asked: &Document) {
    let Some(document) = dom::document() else {
        return;
    };
    let dialog = document
        .create_element("dialog")
        .ok()
        .and_then(|new| new.dyn_into::<HtmlDialogElement>().ok());
    let Some(dialog) = dialog else { return };
    dialog.set_class_name("dialog");
    let _ = dialog.set_attribute("role", "alertdialog");
    fill(&dialog, asked);
    let Some(body) = document.body() else { return };
    let _ = body.append_child(&dialog);
    let closed = dialog.clone();
    dom::on(&dialog, "close", move |_| closed.remove());
    let _ = dialog.show_modal();
}

/// The content of the page, without what belongs to the frame.
fn fill(dialog: &HtmlDialogElement, asked: &Document) {
    let Some(main) = asked.query_selector("main").ok().flatten() else {
        return;
    };
    for extra in dom::all(&main, ".made, .flash") {
        extra.remove();
    }
    dialog.set_inner_html(&main.inner_html());
    if let Ok(Some(title)) = dialog.query_selector("h1") {
        title.set_id("dialog-title");
        let _ = dialog.set_attribute("aria-labelledby", "dialog-title");
    }
    if let Ok(Some(summary)) = dialog.query_selector(".summary") {
        dom::focus(&summary);
    }
}

async fn send(form: &HtmlFormElement, dialog: &HtmlDialogElement) {
    let Some((answer, text)) = post(form).await else {
        // Sent the ordinary way, the browser itself says what is wrong with the line.
        let _ = form.submit();
        return;
    };
    match answer.headers().get("x-go-on").ok().flatten() {
        Some(address) => go(&address),
        None => match page::parse(&text) {
            Some(asked) => fill(dialog, &asked),
            None => go(&answer.url()),
        },
    }
}

async fn post(form: &HtmlFormElement) -> Option<(Response, String)> {
    let data = FormData::new_with_form(form).ok()?;
    let body = UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
    let options = RequestInit::new();
    options.set_method("POST");
    options.set_body(&body);
    let headers = web_sys::Headers::new().ok()?;
    headers.set("x-in-dialog", "1").ok()?;
    options.set_headers(&headers);
    let address = form.get_attribute("action")?;
    let answer = JsFuture::from(dom::window()?.fetch_with_str_and_init(&address, &options))
        .await
        .ok()?;
    let answer: Response = answer.dyn_into().ok()?;
    let text = JsFuture::from(answer.text().ok()?)
        .await
        .ok()?
        .as_string()?;
    Some((answer, text))
}
