//! The integration tests: one binary, so that it is linked once.

#![expect(
    clippy::unwrap_used,
    reason = "what a test stands on may fail as the test itself does"
)]

mod api;
mod gates;
mod process;
mod service;
mod store;
