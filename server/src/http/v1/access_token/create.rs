//! `POST /access-tokens`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use service::access_token::CreateAccessToken;
use utoipa::ToSchema;

use super::AccessToken;
use crate::http::answer::{Answer, CreatedSecret};
use crate::http::caller::Caller;
use crate::http::extract::Body;
use crate::http::state::AppState;

/// Said where the text was and is not any more.
const OMITTED: &str = "The text is shown once, in the first answer. Revoke this token and make a new one if it was lost.";

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccessToken {
    /// What it is called.
    pub name: String,
    /// What it is limited to: `instances:read`, `all:write`.
    pub scopes: Vec<String>,
    /// Days until it expires, up to 366; 90 unless said.
    pub days: Option<u32>,
}

/// A token that was made, with its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedToken {
    /// The token.
    pub access_token: AccessToken,
    /// Its text, shown this once. A repeated request with the same Idempotency-Key gets null here.
    pub token: Option<String>,
    /// Why `token` is left out, when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_omitted: Option<&'static str>,
}

/// Makes an access token for this API. It can do what its owner can, within its scopes.
///
/// **Permissions**: `access-tokens:write`.
///
/// **Errors**: 422 with the field.
#[utoipa::path(post, path = "/access-tokens", operation_id = "create_access_token",
    tag = "access tokens", request_body = NewAccessToken,
    responses((status = 201, description = "Made; keep the text.", body = CreatedToken)))]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<NewAccessToken>,
) -> Answer<CreatedSecret<CreatedToken>> {
    let command = CreateAccessToken {
        name: body.name,
        scopes: body.scopes,
        days: body.days,
    };
    let service = &state.services.access_token;
    let made = service
        .create(&caller.actor, command, &caller.origin)
        .await?;
    let access_token = AccessToken::from(made.view);
    Ok(CreatedSecret {
        location: format!("/api/v1/access-tokens/{}", access_token.id),
        remembered: CreatedToken {
            access_token: access_token.clone(),
            token: None,
            token_omitted: Some(OMITTED),
        },
        body: CreatedToken {
            access_token,
            token: Some(made.token.expose().to_owned()),
            token_omitted: None,
        },
    })
}
