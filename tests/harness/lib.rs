//! What the integration tests stand on: databases of their own, and more as it comes.

pub mod app;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod clusters;
pub mod db;
pub mod entropy;
pub mod postgres;
pub mod process;
pub mod real_cluster;
pub mod services;
pub mod world;
