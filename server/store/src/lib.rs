//! SQL, and nothing else: `SQLite` and `PostgreSQL` behind one [`Db`]. Reads take `&Db`, writes take
//! `&mut Tx` and a proof that the actor was checked, so that no write happens outside a transaction
//! or unchecked.
//!
//! The portable subset all statements keep to: `$1` placeholders in order, keyset pages that start
//! from a zero id (no nullable parameters), `on conflict`, `returning`, `true`/`false`, no arrays,
//! no engine date functions, no `like` on text that was not folded before, no `sum` over `bigint`
//! without a cast. Where two texts are needed, the statement says so and a snapshot lists it.

mod db;
mod error;
mod migrate;
mod row;
mod sql;
mod wake;

pub mod access_token;
pub mod audit;
pub mod cluster;
pub mod diagnosis;
pub mod event;
pub mod gate;
pub mod health;
pub mod idempotency;
pub mod instance;
pub mod invitation;
pub mod lease;
pub mod membership;
pub mod observation;
pub mod operation;
pub mod proof;
pub mod release;
pub mod session;
pub mod setting;
pub mod sign_in;
pub mod tenant;
pub mod token;
pub mod token_policy;
pub mod user;

pub use self::db::{Db, Options, Tx};
pub use self::error::Error;
pub use self::migrate::{head, migrate, migrate_to, version};
pub use self::sql::{Statement, statements};
pub use self::wake::Wake;

/// What store functions return.
pub type Result<T> = std::result::Result<T, Error>;
