//! The integration tests: one binary, so that it is linked once.

mod api;
mod gates;
mod process;
mod service;
mod store;
