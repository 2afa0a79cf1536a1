//! Bringing the page up to date: its own address is fetched again and what differs is put in place,
//! region by region. What a person is using is left alone; new rows wait behind a link, so that
//! nothing moves under a pointer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Document, DomParser, Element, RequestInit, Response, SupportedType};

use super::{clock, dom};

thread_local! {
    /// When somebody last did something on the page, by this machine's clock.
    static TOUCHED: Cell<f64> = Cell::new(dom::now());
    /// What the server said last of each region, with its times left out: they always differ.
    static SEEN: RefCell<HashMap<String, String>> = RefCell::new(HashMap::new());
}

/// After so long without a hand on the page, new rows are put in place: nobody can miss a press.
const LEFT_ALONE: f64 = 60_000.0;

/// Somebody is there.
pub fn touched() {
    TOUCHED.set(dom::now());
}

/// How fetching the page went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The page is up to date.
    Fresh,
    /// The session has ended.
    SignedOut,
    /// No answer, or not one of ours.
    Lost,
}

/// Remembers what the page looked like when it arrived.
pub fn remember() {
    let Some(root) = dom::root() else { return };
    SEEN.with_borrow_mut(|seen| {
        for region in dom::all(&root, "[data-live]") {
            if let Some(key) = region.get_attribute("data-live") {
                seen.insert(key, timeless(&region));
            }
        }
    });
}

/// The markup of a region without the texts of its times.
fn timeless(region: &Element) -> String {
    let Ok(copy) = region.clone_node_with_deep(true) else {
        return region.inner_html();
    };
    let Ok(copy) = copy.dyn_into::<Element>() else {
        return region.inner_html();
    };
    for time in dom::all(&copy, "time[data-time]") {
        time.set_text_content(None);
    }
    for open in dom::all(&copy, "details[open]") {
        let _ = open.remove_attribute("open");
    }
    copy.inner_html()
}

/// Where the page is fetched from: its own address, unless it says another one, since what answers a
/// form has none.
fn address() -> Option<String> {
    let main = dom::root()?.query_selector("main").ok()??;
    main.get_attribute("data-live-address")
        .or_else(|| dom::window()?.location().href().ok())
}

/// Fetches the page again and puts in place what differs.
pub async fn refresh() -> Outcome {
    let Some(address) = address() else {
        return Outcome::Lost;
    };
    match fetch(&address).await {
        Ok(page) => {
            merge(&page, false);
            Outcome::Fresh
        }
        Err(outcome) => outcome,
    }
}

/// Fetches the page at another address and puts its regions in place, for previews.
pub async fn preview(address: &str) {
    if let Ok(page) = fetch(address).await {
        merge(&page, true);
    }
}

/// Fetches and parses a page.
pub async fn fetch(address: &str) -> Result<Document, Outcome> {
    let window = dom::window().ok_or(Outcome::Lost)?;
    let options = RequestInit::new();
    options.set_cache(web_sys::RequestCache::NoStore);
    options.set_signal(Some(&AbortSignal::timeout_with_u32(10_000)));
    let answer = JsFuture::from(
        window.fetch_with_str_and_init(address.split('#').next().unwrap_or_default(), &options),
    );
    let answer: Response = answer
        .await
        .map_err(|_| Outcome::Lost)?
        .dyn_into()
        .map_err(|_| Outcome::Lost)?;
    if answer.status() == 401 || (answer.redirected() && answer.url().contains("/sign-in")) {
        return Err(Outcome::SignedOut);
    }
    // A page that is gone says so itself: the person sees it by reloading.
    if answer.status() >= 400 {
        return Err(Outcome::Lost);
    }
    let text = JsFuture::from(answer.text().map_err(|_| Outcome::Lost)?)
        .await
        .map_err(|_| Outcome::Lost)?;
    text.as_string()
        .and_then(|text| parse(&text))
        .ok_or(Outcome::Lost)
}

/// Parses a page without running anything in it.
pub fn parse(text: &str) -> Option<Document> {
    DomParser::new()
        .ok()?
        .parse_from_string(text, SupportedType::TextHtml)
        .ok()
}

fn merge(page: &Document, forced: bool) {
    let (Some(old), Some(new)) = (dom::root(), page.document_element()) else {
        return;
    };
    clock::adopt(&new);
    for region in dom::all(&old, "[data-live]") {
        let Some(key) = region.get_attribute("data-live") else {
            continue;
        };
        match new.query_selector(&format!("[data-live=\"{key}\"]")) {
            Ok(Some(fresh)) => update(&key, &region, &fresh, forced),
            _ if region.closest("[data-live-rows]").ok().flatten().is_some() => {
                let _ = region.set_attribute("data-gone", "");
            }
            _ => {}
        }
    }
    if !forced {
        for list in dom::all(&new, "[data-live-rows]") {
            offer_new_rows(&old, &list);
        }
    }
    clock::tick();
}

fn update(key: &str, region: &Element, fresh: &Element, forced: bool) {
    let text = timeless(fresh);
    let same = SEEN.with_borrow(|seen| seen.get(key) == Some(&text));
    let _ = region.remove_attribute("data-gone");
    if same {
        adopt_times(region, fresh);
        return;
    }
    if in_use(region, forced) {
        return;
    }
    let open: Vec<String> = dom::all(region, "details[open][id]")
        .iter()
        .map(Element::id)
        .collect();
    region.set_inner_html(&fresh.inner_html());
    region.set_class_name(&fresh.class_name());
    for details in dom::all(region, "details[id]") {
        if open.contains(&details.id()) {
            let _ = details.set_attribute("open", "");
        }
    }
    SEEN.with_borrow_mut(|seen| seen.insert(key.to_owned(), text));
}

/// Nothing but times has moved on.
fn adopt_times(region: &Element, fresh: &Element) {
    let (old, new) = (
        dom::all(region, "time[data-time]"),
        dom::all(fresh, "time[data-time]"),
    );
    for (old, new) in old.iter().zip(&new) {
        for name in ["datetime", "title"] {
            if let Some(value) = new.get_attribute(name) {
                let _ = old.set_attribute(name, &value);
            }
        }
    }
}

/// Whether a person is busy in it: the focus is inside, or something was typed.
fn in_use(region: &Element, forced: bool) -> bool {
    let focused = dom::focused().is_some_and(|active| region.contains(Some(&active)));
    let touched = region
        .query_selector("[data-touched]")
        .ok()
        .flatten()
        .is_some();
    focused || (touched && !forced)
}

fn offer_new_rows(old: &Element, fresh: &Element) {
    let Some(name) = fresh.get_attribute("data-live-rows") else {
        return;
    };
    let Ok(Some(list)) = old.query_selector(&format!("[data-live-rows=\"{name}\"]")) else {
        return;
    };
    let known = |key: &str| {
        list.query_selector(&format!("[data-live=\"{key}\"]"))
            .ok()
            .flatten()
            .is_some()
    };
    let new = dom::all(fresh, "[data-live]")
        .iter()
        .filter_map(|row| row.get_attribute("data-live"))
        .filter(|key| !known(key))
        .count();
    let Some(around) = list.parent_element() else {
        return;
    };
    let gone = list.query_selector("[data-gone]").ok().flatten().is_some();
    // A list without rows says so in words, and these would not be true any more.
    let empty = dom::all(&list, "[data-live]").is_empty();
    let left_alone = empty || dom::now() - TOUCHED.get() >= LEFT_ALONE;
    if (new > 0 || gone) && left_alone && !in_use(&list, false) {
        list.set_inner_html(&fresh.inner_html());
        remember();
    }
    let new = if list.inner_html() == fresh.inner_html() {
        0
    } else {
        new
    };
    let waiting = around
        .query_selector(":scope > .waiting-rows")
        .ok()
        .flatten();
    match (new, waiting) {
        (0, Some(link)) => link.remove(),
        (0, None) => {}
        (new, Some(link)) => link.set_text_content(Some(&format!("{new} new"))),
        (new, None) => {
            let Some(link) = dom::document().and_then(|d| d.create_element("a").ok()) else {
                return;
            };
            link.set_class_name("button waiting-rows");
            let _ = link.set_attribute("href", "");
            link.set_text_content(Some(&format!("{new} new")));
            let _ = around.prepend_with_node_1(&link);
        }
    }
}

/// The sentence of state, for an announcement when it changes.
pub fn state() -> Option<String> {
    let sentence = dom::root()?.query_selector("p.state").ok()??;
    sentence.text_content()
}
