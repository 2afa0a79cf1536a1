//! Access tokens of this API as the API shows them. The text is in one answer and nowhere else.

pub mod create;
pub mod list;
pub mod revoke;

use model::permission::Scope;
use model::view::AccessTokenView;
use model::{AccessTokenId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(revoke::revoke))
}

/// An access token, without its text.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccessToken {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: AccessTokenId,
    /// What it is called.
    pub name: String,
    /// What pages show of its text.
    pub hint: String,
    /// What it is limited to.
    #[schema(value_type = Vec<String>)]
    pub scopes: Vec<Scope>,
    /// Who owns it.
    pub owner: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When it was revoked; null while it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

impl From<AccessTokenView> for AccessToken {
    fn from(view: AccessTokenView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            hint: view.hint,
            scopes: view.scopes,
            owner: view.owner,
            created_at: view.created_at,
            expires_at: view.expires_at,
            revoked_at: view.revoked_at,
            last_used_at: view.last_used_at,
        }
    }
}
