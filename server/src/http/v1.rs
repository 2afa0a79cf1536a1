//! REST, version 1. One module per noun with the shapes it speaks, one file per operation within it.
//! Routes are built together with their description, so that none can exist undescribed.

pub mod access_token;
pub mod audit;
pub mod cluster;
pub mod event;
pub mod fleet;
pub mod health;
pub mod instance;
pub mod invitation;
pub mod leak;
pub mod me;
pub mod member;
pub mod operation;
pub mod page;
pub mod region;
pub mod release;
pub mod tenant;
pub mod token;
pub mod words;

use utoipa_axum::router::OpenApiRouter;

use super::state::AppState;

/// Every route of version 1, without the prefix.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(tenant::routes())
        .merge(instance::routes())
        .merge(operation::routes())
        .merge(fleet::routes())
        .merge(region::routes())
        .merge(cluster::routes())
        .merge(release::routes())
        .merge(member::routes())
        .merge(invitation::routes())
        .merge(token::routes())
        .merge(leak::routes())
        .merge(access_token::routes())
        .merge(me::routes())
        .merge(audit::routes())
        .merge(event::routes())
}
