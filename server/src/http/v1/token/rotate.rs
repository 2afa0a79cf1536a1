//! `POST /tokens/{id}/rotate`.

use std::time::Duration;

use axum::extract::State;
use model::TokenId;
use serde::Deserialize;
use service::token::RotateToken;
use utoipa::ToSchema;

use super::shape::IssuedToken;
use crate::http::answer::{Answer, CreatedSecret};
use crate::http::caller::Caller;
use crate::http::extract::{Id, OptionalBody};
use crate::http::state::AppState;

/// How to rotate.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = TokenRotation)]
pub struct Rotation {
    /// How long both tokens live, in seconds: 0 to 2592000 (30 days); 86400 (a day) unless said.
    pub overlap_seconds: Option<u64>,
    /// Days until the new one expires, within the policy; its default unless said.
    pub days: Option<u32>,
}

/// Issues a token in the place of another one. Both live until the overlap is over; then the old one
/// is revoked by itself.
///
/// **Permissions**: `tokens:write`; admins of the tenant, staff operators and owners.
///
/// **Errors**: 404; 409 when it is not live or has been rotated before; 422 with the field; 503 when
/// Secrets Manager does not take the new one.
#[utoipa::path(post, path = "/tokens/{id}/rotate", operation_id = "rotate_token", tag = "tokens",
    params(("id" = String, Path, format = "uuid", description = "Id of the old one.")),
    request_body = Option<Rotation>,
    responses((status = 201, description = "The new one; keep its text.", body = IssuedToken)))]
pub async fn rotate(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TokenId>,
    OptionalBody(body): OptionalBody<Rotation>,
) -> Answer<CreatedSecret<IssuedToken>> {
    let body = body.unwrap_or_default();
    let command = RotateToken {
        overlap: body.overlap_seconds.map(Duration::from_secs),
        days: body.days,
    };
    let service = &state.services.token;
    let made = service
        .rotate(&caller.actor, id, command, &caller.origin)
        .await?;
    Ok(super::issued(made))
}
