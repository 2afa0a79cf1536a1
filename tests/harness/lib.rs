//! What the integration tests stand on: databases of their own, and more as it comes.

pub mod postgres;
