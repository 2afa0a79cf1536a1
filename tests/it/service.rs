//! Use cases over a real database and imagined clusters.

mod audit;
mod auth;
mod cancel;
mod event;
mod fault;
mod idempotency;
mod instance;
mod invitation;
mod operation;
mod placement;
mod release;
mod session;
mod tenant;
mod token;
mod watch;
mod worker;
