//! The composition root: the command line, the configuration, HTTP, and the wiring that puts the
//! rooms together. Nothing here decides what the product does; it decides what is connected to what.
//! Invariant: every door (page, REST, worker, command line) reaches the same services, built once.

pub mod cli;
pub mod config;
pub mod docs;
pub mod doctor;
pub mod failure;
pub mod http;
pub mod wiring;
pub mod worker;
