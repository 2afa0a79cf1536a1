//! `POST /leaks`.

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use service::Origin;
use service::token::LeakReport;
use utoipa::ToSchema;

use super::{Thanks, thanks};
use crate::http::answer::Answer;
use crate::http::extract::Body;
use crate::http::state::AppState;

/// A token that was found somewhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundToken {
    /// The token, or any text with tokens in it.
    pub text: String,
    /// Where it was found: an address, a file, a chat.
    #[serde(default)]
    pub place: String,
}

/// Reports a token that was found where it does not belong. Live ones are revoked by policy, and their
/// owners and the admins of their tenant are told where they were found.
///
/// **Permissions**: none; anybody may.
///
/// **Errors**: 422 when `text` or `place` is too long; 429.
#[utoipa::path(post, path = "/leaks", operation_id = "report_leak", tag = "leaks",
    request_body = FoundToken,
    responses((status = 202, description = "Thank you; the same for any text.", body = Thanks)))]
pub async fn report(
    State(state): State<AppState>,
    Extension(origin): Extension<Origin>,
    Body(body): Body<FoundToken>,
) -> Answer<impl IntoResponse> {
    let found = LeakReport {
        text: body.text,
        place: body.place,
    };
    state.services.token.report_leak(found, &origin).await?;
    Ok(thanks())
}
