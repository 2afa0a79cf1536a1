//! Who asks, as the API shows it.

pub mod read;

use model::permission::Scope;
use model::user::Role;
use model::view::MeView;
use model::{TenantId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::words;
use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read::read))
}

/// A tenant and the caller's role in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Membership {
    /// The tenant.
    #[schema(value_type = String, format = "uuid")]
    pub tenant_id: TenantId,
    /// The role in it.
    #[schema(schema_with = words::role)]
    pub role: Role,
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// `user` or `access_token`.
    pub kind: String,
    /// The user; null for tokens.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub user_id: Option<UserId>,
    /// What they, or the token, are called.
    pub name: String,
    /// Address; empty for tokens.
    pub email: String,
    /// Role among the staff; null when there is none.
    #[schema(schema_with = words::role_or_null)]
    pub staff: Option<Role>,
    /// Tenants and the role in each.
    pub tenants: Vec<Membership>,
    /// Scopes of an access token; empty for people.
    #[schema(value_type = Vec<String>)]
    pub scopes: Vec<Scope>,
}

impl From<MeView> for Me {
    fn from(view: MeView) -> Self {
        let tenants = view.tenants.into_iter();
        Self {
            kind: view.kind,
            user_id: view.user_id,
            name: view.name,
            email: view.email,
            staff: view.staff,
            tenants: tenants
                .map(|(tenant_id, role)| Membership { tenant_id, role })
                .collect(),
            scopes: view.scopes,
        }
    }
}
