//! The server's HTTP side through the real router: who may what, what is refused and how, and what is
//! answered.

mod access;
mod assets;
mod audit;
mod bad_input;
mod csrf;
mod document;
mod events;
mod idempotency;
mod journey;
mod leak;
mod pages;
mod safety;
mod secrets;
mod shapes;
mod table;
mod token;
