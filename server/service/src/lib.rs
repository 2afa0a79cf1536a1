//! Use cases. Four front doors (page, REST, worker, command line) call the same methods here, and
//! each does the same things in the same order: authorise, parse, one transaction, write, audit row,
//! event, commit. Ports are traits only where the process ends.

pub mod ports;
