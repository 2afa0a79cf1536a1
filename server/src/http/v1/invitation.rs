//! Invitations as the API shows them.

pub mod create;
pub mod withdraw;

use model::InvitationId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(withdraw::withdraw))
}

/// An invitation that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invitation {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: InvitationId,
    /// Whether a mail server took the mail.
    pub delivered: bool,
    /// The one-time link, where there is no mail server and the inviter must hand it over. A repeated
    /// request with the same Idempotency-Key gets null here.
    pub link: Option<String>,
    /// Why `link` is left out, when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_omitted: Option<&'static str>,
}
