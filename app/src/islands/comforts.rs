//! Small comforts on every page: copy buttons, `/` for the search, a guard against pressing a button
//! twice, a preview that follows what is chosen, and the removal of a shown secret from the history.
//! Each listens on the page as a whole, so it works on markup that arrives later.

use leptos::prelude::*;

/// Installs them; shows nothing but the result of copying, to assistive technology.
#[island]
pub fn Comforts() -> impl IntoView {
    let said = RwSignal::new(String::new());
    #[cfg(feature = "hydrate")]
    super::listen::start(said);
    view! { <p class="sr" role="status">{move || said.get()}</p> }
}
