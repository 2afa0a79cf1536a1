//! The entry of the islands bundle: the page's script loads it, calls [`hydrate`], and hands every
//! island element to the function that the framework generated for it.

use wasm_bindgen::prelude::wasm_bindgen;

// Islands are found by name from JavaScript only, so the compiler must be told that they are used.
pub use app::islands;

/// Prepares the framework; the islands follow.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
