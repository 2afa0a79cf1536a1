//! The few calls of the browser that islands make, each in the shape in which they need it. A page
//! lives until it is left, so listeners are given to the browser for good.

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{Document, Element, Event, EventTarget, HtmlElement, Window};

/// The window; islands run in no other place.
pub fn window() -> Option<Window> {
    web_sys::window()
}

/// The page.
pub fn document() -> Option<Document> {
    window()?.document()
}

/// `<html>`, which carries the page's state for the stylesheet.
pub fn root() -> Option<Element> {
    document()?.document_element()
}

/// Listens on `target` until the page is left.
pub fn on(target: &EventTarget, event: &str, handler: impl FnMut(Event) + 'static) {
    let closure = Closure::<dyn FnMut(Event)>::new(handler);
    // Fails only when the event's name is no text.
    let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    closure.forget();
}

/// Calls back once.
pub fn after(millis: i32, once: impl FnOnce() + 'static) {
    let callback = Closure::once_into_js(once);
    if let Some(window) = window() {
        let callback = callback.unchecked_ref();
        let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(callback, millis);
    }
}

/// Calls back again and again until the page is left.
pub fn every(millis: i32, again: impl FnMut() + 'static) {
    let closure = Closure::<dyn FnMut()>::new(again);
    if let Some(window) = window() {
        let callback = closure.as_ref().unchecked_ref();
        let _ = window.set_interval_with_callback_and_timeout_and_arguments_0(callback, millis);
    }
    closure.forget();
}

/// Milliseconds since 1970 by this machine.
pub fn now() -> f64 {
    js_sys::Date::now()
}

/// The elements below `scope` that match.
pub fn all(scope: &Element, selector: &str) -> Vec<Element> {
    let Ok(list) = scope.query_selector_all(selector) else {
        return Vec::new();
    };
    (0..list.length())
        .filter_map(|at| list.get(at)?.dyn_into().ok())
        .collect()
}

/// The element that has the focus, if it is not the page itself.
pub fn focused() -> Option<Element> {
    let active = document()?.active_element()?;
    (active.tag_name() != "BODY").then_some(active)
}

/// The element that an event began at.
pub fn origin(event: &Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// Gives an element the focus.
pub fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let _ = element.focus();
    }
}

/// Reads a text property of a JavaScript object.
pub fn text_of(object: &JsValue, key: &str) -> Option<String> {
    js_sys::Reflect::get(object, &JsValue::from_str(key))
        .ok()?
        .as_string()
}

/// Reads a text property of an object within a JavaScript object.
pub fn text_in(object: &JsValue, outer: &str, key: &str) -> Option<String> {
    let inner = js_sys::Reflect::get(object, &JsValue::from_str(outer)).ok()?;
    text_of(&inner, key)
}
