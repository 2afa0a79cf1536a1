//! The wiring: which implementation stands behind which port, where the data lies, and who holds it.
//! Built from the configuration and from nothing else, so that two processes with the same
//! configuration are the same server.

pub mod assets;
pub mod audit;
pub mod clock;
pub mod clusters;
pub mod database;
pub mod entropy;
pub mod folder;
pub mod github;
pub mod key;
pub mod logging;
pub mod mailer;
pub mod process;
pub mod sandbox;
pub mod services;
pub mod stop;
