//! `PATCH /tokens/{id}`.

use axum::Json;
use axum::extract::State;
use model::{TokenId, UserId};
use serde::{Deserialize, Deserializer};
use service::token::ChangeToken;
use utoipa::ToSchema;

use super::Token;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::{Body, Id};
use crate::http::state::AppState;

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenChange)]
pub struct Change {
    /// What it is called.
    pub name: Option<String>,
    /// What it is for.
    pub note: Option<String>,
    /// Who answers for it; null for the tenant as a whole.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub owner: Option<Option<UserId>>,
}

/// Tells a null from a field that is left out.
#[expect(
    clippy::option_option,
    reason = "left out and null mean different things"
)]
fn said<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<UserId>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Changes what is noted of a token. Its text, its instance and its end stay.
///
/// **Permissions**: `tokens:write`; admins of the tenant, staff operators and owners.
///
/// **Errors**: 404; 409 when the name is taken; 422 with the field.
#[utoipa::path(patch, path = "/tokens/{id}", operation_id = "change_token", tag = "tokens",
    params(("id" = String, Path, format = "uuid", description = "Its id.")), request_body = Change,
    responses((status = 200, description = "Changed.", body = Token)))]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TokenId>,
    Body(body): Body<Change>,
) -> Answer<Json<Token>> {
    let command = ChangeToken {
        name: body.name,
        note: body.note,
        owner: body.owner,
    };
    let service = &state.services.token;
    let changed = service
        .change(&caller.actor, id, command, &caller.origin)
        .await?;
    Ok(Json(changed.into()))
}
