//! The integration tests: one binary, so that it is linked once.

#![expect(
    clippy::unwrap_used,
    reason = "what a test stands on may fail as the test itself does"
)]
#![expect(
    clippy::large_futures,
    clippy::similar_names,
    clippy::too_many_lines,
    reason = "a test reads as a story: as long as it takes, with the names it is about"
)]

mod api;
mod gates;
mod process;
mod service;
mod store;
