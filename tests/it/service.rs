//! Use cases over a real database and imagined clusters.

mod audit;
mod audit_heads;
mod audit_list;
mod audit_sink;
mod auth;
mod cancel;
mod enforcement;
mod event;
mod fault;
mod idempotency;
mod instance;
mod instance_token;
mod instance_token_crash;
mod instance_token_end;
mod instance_token_leak;
mod instance_token_time;
mod invitation;
mod operation;
mod placement;
mod release;
mod session;
mod tenant;
mod token;
mod watch;
mod worker;
