//! stub
use leptos::prelude::*;
#[island]
pub fn Comforts() -> impl IntoView { view! { <div class="sr" role="status" aria-live="polite"></div> } }
