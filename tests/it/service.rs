//! Use cases over a real database and imagined clusters.

mod cancel;
mod fault;
mod instance;
mod operation;
mod placement;
mod watch;
mod worker;
