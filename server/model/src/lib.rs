//! Pure types and rules of the product: ids, names, releases, health, operations and what to do next.
//! Nothing here reads a clock, draws randomness, or does input or output, so all of it runs in the
//! browser too and every rule can be tested as a table.

pub mod actor;
pub mod cause;
pub mod cluster;
pub mod email;
pub mod enforcement;
pub mod event;
pub mod health;
pub mod id;
pub mod instance;
pub mod name;
pub mod observation;
pub mod operation;
pub mod overrides;
pub mod page;
pub mod permission;
pub mod plan;
pub mod release;
pub mod secret_text;
pub mod time;
pub mod token;
pub mod user;
pub mod view;

pub use self::actor::{Actor, ActorRef};
pub use self::id::{
    AccessTokenId, InstanceId, InvitationId, OperationId, SessionKey, TenantId, TokenId, UserId,
};
pub use self::permission::{Authorised, Denied, Grant, Permission, may};
pub use self::time::{Clock, Entropy, Timestamp};
