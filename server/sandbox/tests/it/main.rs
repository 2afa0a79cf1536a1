//! The sandbox driven from outside: by a Kubernetes client, a browser's requests and AWS calls.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod apply;
mod bad_input;
mod console;
mod deletion;
mod fault;
mod gateway;
mod keys;
mod look;
mod restart;
mod scale;
mod secrets;
mod story;
mod trouble;
mod usage;
mod watch;
mod world;
