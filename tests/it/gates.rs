//! Rules about the tree itself, held by tests: who may depend on whom, how long a file may grow, what
//! must not stand in it, and that printed documents are what the program prints today.

mod chart;
mod documents;
mod edges;
mod hosted_stack;
mod middleware;
mod sizes;
mod source;
mod terraform;
mod text;
mod tree;
mod versions;
