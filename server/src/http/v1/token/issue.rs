//! `POST /instances/{id}/tokens`.

use axum::extract::State;
use model::{InstanceId, UserId};
use serde::Deserialize;
use service::token::IssueToken;
use utoipa::ToSchema;

use super::shape::IssuedToken;
use crate::http::answer::{Answer, CreatedSecret};
use crate::http::caller::Caller;
use crate::http::extract::{Body, Id};
use crate::http::state::AppState;

/// A token to be issued.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is called; unique among the instance's live tokens.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub note: String,
    /// Who answers for it, a member of the tenant; null for the tenant as a whole.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub owner: Option<UserId>,
    /// Days until it expires, within the policy; its default unless said.
    #[serde(default)]
    pub days: Option<u32>,
}

/// Issues a token for an instance. Its text is in this answer and nowhere else, ever.
///
/// The token is `issuing` until every worker of the gateway has it, usually within seconds.
///
/// **Permissions**: `tokens:write`; admins of the tenant, staff operators and owners.
///
/// **Errors**: 404; 409 when the name is taken, the instance does not run or has too many tokens; 422
/// with the field; 503 when Secrets Manager does not take it, and then nothing is left behind.
#[utoipa::path(post, path = "/instances/{id}/tokens", operation_id = "issue_token", tag = "tokens",
    params(("id" = String, Path, description = "The instance's id.")), request_body = NewToken,
    responses((status = 201, description = "Issued; keep the text.", body = IssuedToken)))]
pub async fn issue(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InstanceId>,
    Body(body): Body<NewToken>,
) -> Answer<CreatedSecret<IssuedToken>> {
    let command = IssueToken {
        name: body.name,
        note: body.note,
        owner: body.owner,
        days: body.days,
    };
    let service = &state.services.token;
    let made = service
        .issue(&caller.actor, &id, command, &caller.origin)
        .await?;
    Ok(super::issued(made))
}
