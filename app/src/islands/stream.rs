//! What stands behind `Live`: one event stream per visible page, refreshes bundled to two a second,
//! and the watch over how old the page's knowledge is. A hidden page closes its stream, because
//! browsers allow only a handful of connections to one server.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::{RwSignal, Set};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    AbortSignal, Element, EventSource, MessageEvent, RequestInit, Response, VisibilityState,
};

use super::page::{self, Outcome};
use super::{clock, dom, words};

const ADDRESS: &str = "/api/v1/events";
/// The stream's names of events; `heartbeat` only proves that the line is open.
const EVENTS: [&str; 7] = [
    "tenant",
    "instance",
    "operation",
    "cluster",
    "release",
    "token",
    "heartbeat",
];
/// Refreshes are at least this far apart.
const PAUSE: f64 = 500.0;
/// Silence after which the line is tried, and after which the page counts as stale.
const SILENCE: f64 = 10_000.0;
const STALE: f64 = 15_000.0;
/// Announcements are at least this far apart.
const SPEAK: f64 = 5_000.0;
/// A refused stream is tried again after so long, then after twice as long, up to a limit.
const FIRST_RETRY: f64 = 1_000.0;
const LAST_RETRY: f64 = 30_000.0;

struct Stream {
    subjects: Vec<(String, String)>,
    source: RefCell<Option<EventSource>>,
    /// When the page was last known to be true.
    heard: Cell<f64>,
    refreshed: Cell<f64>,
    pending: Cell<bool>,
    signed_out: Cell<bool>,
    spoken_at: Cell<f64>,
    /// When a stream that was refused is tried again, and how much longer to wait the time after.
    retry_at: Cell<f64>,
    retry_after: Cell<f64>,
    strip: RwSignal<String>,
    spoken: RwSignal<String>,
}

/// Starts it, if the page concerns anything that happens.
pub fn start(strip: RwSignal<String>, spoken: RwSignal<String>) {
    let Some(root) = dom::root() else { return };
    clock::adopt(&root);
    page::remember();
    dom::every(1_000, clock::tick);
    let subjects = subjects(&root);
    if subjects.is_empty() {
        return;
    }
    let stream = Rc::new(Stream {
        subjects,
        source: RefCell::new(None),
        heard: Cell::new(dom::now()),
        refreshed: Cell::new(0.0),
        pending: Cell::new(false),
        signed_out: Cell::new(false),
        spoken_at: Cell::new(0.0),
        retry_at: Cell::new(0.0),
        retry_after: Cell::new(FIRST_RETRY),
        strip,
        spoken,
    });
    if let Some(page) = dom::document() {
        for event in ["pointermove", "pointerdown", "keydown", "wheel"] {
            dom::on(&page, event, |_| page::touched());
        }
    }
    stream.open();
    stream.watch_visibility();
    let watched = Rc::clone(&stream);
    dom::every(1_000, move || watched.look());
}

fn subjects(root: &Element) -> Vec<(String, String)> {
    let main = root.query_selector("[data-live-subjects]").ok().flatten();
    let words = main
        .and_then(|main| main.get_attribute("data-live-subjects"))
        .unwrap_or_default();
    words
        .split_whitespace()
        .filter_map(|word| word.split_once(':'))
        .map(|(subject, key)| (subject.to_owned(), key.to_owned()))
        .collect()
}

fn hidden() -> bool {
    dom::document().is_some_and(|page| page.visibility_state() == VisibilityState::Hidden)
}

impl Stream {
    fn open(self: &Rc<Self>) {
        if self.source.borrow().is_some() || self.signed_out.get() {
            return;
        }
        let Ok(source) = EventSource::new(ADDRESS) else {
            return;
        };
        for name in EVENTS {
            let stream = Rc::clone(self);
            dom::on(&source, name, move |event| stream.event(name, &event));
        }
        let stream = Rc::clone(self);
        // What happened while the line was down is not worth replaying: the page is fetched anyway.
        dom::on(&source, "open", move |_| {
            stream.retry_after.set(FIRST_RETRY);
            stream.want_refresh();
        });
        *self.source.borrow_mut() = Some(source);
    }

    fn close(&self) {
        if let Some(source) = self.source.borrow_mut().take() {
            source.close();
        }
    }

    fn event(self: &Rc<Self>, name: &str, event: &web_sys::Event) {
        self.heard.set(dom::now());
        let data = event
            .dyn_ref::<MessageEvent>()
            .and_then(|message| message.data().as_string());
        let Some(data) = data.and_then(|text| js_sys::JSON::parse(&text).ok()) else {
            return;
        };
        let key = dom::text_of(&data, "key").unwrap_or_default();
        // Where a page lists the tokens of one instance, those of others do not concern it.
        let within = dom::text_in(&data, "data", "instance_id").map(|id| format!("in:{id}"));
        let concerns = self.subjects.iter().any(|(subject, wanted)| {
            subject == name && (wanted == "*" || *wanted == key || within.as_ref() == Some(wanted))
        });
        if concerns {
            self.want_refresh();
        }
    }

    /// Refreshes soon; several wishes become one.
    fn want_refresh(self: &Rc<Self>) {
        if self.pending.replace(true) {
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most half a second")]
        let wait = (PAUSE - (dom::now() - self.refreshed.get())).clamp(60.0, PAUSE) as i32;
        let stream = Rc::clone(self);
        dom::after(wait, move || {
            spawn_local(async move { stream.refresh().await });
        });
    }

    async fn refresh(self: Rc<Self>) {
        self.pending.set(false);
        let before = page::state();
        let outcome = page::refresh().await;
        self.refreshed.set(dom::now());
        match outcome {
            Outcome::Fresh => {
                self.heard.set(dom::now());
                self.fresh();
                let after = page::state();
                if after != before {
                    self.say(after.unwrap_or_default());
                }
            }
            Outcome::SignedOut => self.ended(),
            Outcome::Lost => {}
        }
    }

    fn say(&self, text: String) {
        if dom::now() - self.spoken_at.get() >= SPEAK {
            self.spoken_at.set(dom::now());
            self.spoken.set(text);
        }
    }

    fn fresh(&self) {
        self.strip.set(String::new());
        if let Some(root) = dom::root() {
            let _ = root.remove_attribute("data-stale");
        }
    }

    fn ended(&self) {
        self.signed_out.set(true);
        self.close();
        self.stale("You are signed out. Reload the page to sign in again.".to_owned());
    }

    fn stale(&self, text: String) {
        self.strip.set(text);
        if let Some(root) = dom::root() {
            let _ = root.set_attribute("data-stale", "");
        }
    }

    /// Once a second: is what the page shows still known to be true?
    fn look(self: &Rc<Self>) {
        if self.signed_out.get() || hidden() {
            return;
        }
        let closed = self
            .source
            .borrow()
            .as_ref()
            .is_some_and(|source| source.ready_state() == EventSource::CLOSED);
        if closed {
            self.close();
        }
        let silent = dom::now() - self.heard.get();
        if silent >= STALE {
            let age = words::span(silent / 1_000.0);
            self.stale(format!("The live connection is lost: this page shows what was true {age} ago. It is tried again."));
        }
        // Between two of the stream's own retries, ask whether the server is there at all.
        let due = silent >= SILENCE && (silent / 1_000.0).floor() % 5.0 == 0.0;
        if due || self.may_retry() {
            let stream = Rc::clone(self);
            spawn_local(async move { stream.try_line().await });
        }
    }

    /// Whether a stream that was refused is to be tried again now; each time it takes longer.
    fn may_retry(&self) -> bool {
        if self.source.borrow().is_some() || dom::now() < self.retry_at.get() {
            return false;
        }
        let wait = self.retry_after.get();
        self.retry_after.set((wait * 2.0).min(LAST_RETRY));
        // Spread, so that many pages do not come back at the same moment.
        self.retry_at
            .set(dom::now() + wait * (1.0 + js_sys::Math::random() / 2.0));
        true
    }

    async fn try_line(self: Rc<Self>) {
        if !answers().await {
            return;
        }
        let was_stale = dom::now() - self.heard.get() >= STALE;
        let connected = self
            .source
            .borrow()
            .as_ref()
            .is_some_and(|source| source.ready_state() == EventSource::OPEN);
        if connected {
            self.heard.set(dom::now());
        }
        self.open();
        if was_stale || !connected {
            self.want_refresh();
        }
    }

    fn watch_visibility(self: &Rc<Self>) {
        let Some(page) = dom::document() else { return };
        let stream = Rc::clone(self);
        dom::on(&page, "visibilitychange", move |_| {
            if hidden() {
                stream.close();
            } else {
                stream.open();
                stream.want_refresh();
            }
        });
        let stream = Rc::clone(self);
        // What was left alone because somebody was in it.
        dom::on(&page, "focusout", move |_| stream.want_refresh());
    }
}

/// Whether the server answers at all.
async fn answers() -> bool {
    let Some(window) = dom::window() else {
        return false;
    };
    let options = RequestInit::new();
    options.set_cache(web_sys::RequestCache::NoStore);
    options.set_signal(Some(&AbortSignal::timeout_with_u32(4_000)));
    let answer = JsFuture::from(window.fetch_with_str_and_init("/healthz", &options)).await;
    answer
        .ok()
        .and_then(|answer| answer.dyn_into::<Response>().ok())
        .is_some_and(|answer| answer.ok())
}
