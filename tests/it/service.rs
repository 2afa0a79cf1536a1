//! Use cases over a real database and imagined clusters.

mod operation;
