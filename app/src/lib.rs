//! Everything a browser can receive. The server renders whole pages from read models (`pages`),
//! plain handlers take what forms post (`actions`), and two islands, the only code that reaches
//! WebAssembly, keep a page true without reloading it and add small comforts.
//! Invariant: every page and every form works without scripts; islands only add to them.

// Views are types, and a page is a deep one.
#![recursion_limit = "256"]

pub mod islands;

#[cfg(feature = "ssr")]
mod actions;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
mod frame;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(any(test, feature = "samples"))]
#[cfg(feature = "ssr")]
pub mod samples;
#[cfg(feature = "ssr")]
pub mod ui;

#[cfg(feature = "ssr")]
pub use self::actions::{Route, error_page, in_frame, router, routes};
