//! The product on a real Kubernetes with Argo CD: what `cargo xtask test --suite cluster` runs. The
//! operators that cannot be had are stand-ins, and what rests on one says so.

#![expect(
    clippy::unwrap_used,
    reason = "what a test stands on may fail as the test itself does"
)]

mod conformance;
mod faults;
mod parts;
mod places;
mod rights;
mod secrets;
mod story;
