//! The product on a real Kubernetes with Argo CD: what `cargo xtask test --suite cluster` runs. The
//! operators that cannot be had are stand-ins, and what rests on one says so.

#![expect(
    clippy::too_many_lines,
    reason = "a test reads as a story: as long as it takes"
)]

mod conformance;
mod faults;
mod figures;
mod parts;
mod places;
mod rights;
mod secrets;
mod story;
mod token;
