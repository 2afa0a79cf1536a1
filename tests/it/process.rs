//! The real program as a process: what it refuses at its start, how it ends, what a SIGKILL leaves
//! behind, what several of it share. Nothing in these tests reaches inside.

mod api;
mod away;
mod commands;
mod drain;
mod first_run;
mod kill;
mod place;
mod refusals;
mod replicas;
mod sandbox;
mod token;
