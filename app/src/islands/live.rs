//! stub
use leptos::prelude::*;
#[island]
pub fn Live() -> impl IntoView { view! { <div class="live"></div> } }
