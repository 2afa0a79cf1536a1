//! People of a tenant as the API shows them.

pub mod list;

use model::user::Role;
use model::view::MemberView;
use model::{InvitationId, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::words;
use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list::list))
}

/// A member of a tenant, or an invitation to be one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    /// The user; null while invited.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub user_id: Option<UserId>,
    /// The open invitation; null for members.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub invitation_id: Option<InvitationId>,
    /// What they are called; empty while invited.
    pub name: String,
    /// Address.
    pub email: String,
    /// Role.
    #[schema(schema_with = words::role)]
    pub role: Role,
    /// Since when, or when invited.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When the invitation expires; null for members.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

impl From<MemberView> for Member {
    fn from(view: MemberView) -> Self {
        Self {
            user_id: view.user_id,
            invitation_id: view.invitation_id,
            name: view.name,
            email: view.email,
            role: view.role,
            since: view.since,
            expires_at: view.expires_at,
        }
    }
}
