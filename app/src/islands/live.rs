//! The live connection: listens to what happens, brings the page up to date when it concerns it, and
//! says so when nobody hears anything any more. After 15 seconds of silence the strip appears and
//! nothing on the page stays green; once the server answers again, the page catches up by itself.

use leptos::prelude::*;

/// The strip under the top bar, and the sentence for assistive technology. Both are empty while
/// everything is as it should be.
#[island]
pub fn Live() -> impl IntoView {
    let strip = RwSignal::new(String::new());
    let spoken = RwSignal::new(String::new());
    #[cfg(feature = "hydrate")]
    super::stream::start(strip, spoken);
    view! {
        <div class="strip warn lost-line" hidden=move || strip.with(String::is_empty)>
            <p role="status">{move || strip.get()}</p>
        </div>
        <p class="sr" aria-live="polite">{move || spoken.get()}</p>
    }
}
