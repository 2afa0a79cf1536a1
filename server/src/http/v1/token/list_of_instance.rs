//! `GET /instances/{id}/tokens`.

use axum::Json;
use axum::extract::State;
use model::InstanceId;
use model::token::TokenState;
use serde::Deserialize;
use service::token::TokenFilter;
use utoipa::IntoParams;

use super::Token;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::{Id, Parameters};
use crate::http::state::AppState;
use crate::http::v1::page::Page;
use crate::http::v1::words;

/// Which of them.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InstanceTokensQuery {
    /// Only in this state.
    #[param(schema_with = words::token_state)]
    pub state: Option<TokenState>,
    /// Most rows, up to 200.
    pub limit: Option<u32>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// Lists the tokens of an instance, the newest first.
///
/// **Permissions**: `tokens:read`.
///
/// **Errors**: 404; 422 for a filter that cannot be used.
#[utoipa::path(get, path = "/instances/{id}/tokens", operation_id = "list_instance_tokens",
    tag = "tokens",
    params(("id" = String, Path, description = "The instance's id."), InstanceTokensQuery),
    responses((status = 200, description = "Its tokens.", body = Page<Token>)))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InstanceId>,
    Parameters(query): Parameters<InstanceTokensQuery>,
) -> Answer<Json<Page<Token>>> {
    let filter = TokenFilter {
        instance: Some(id),
        state: query.state,
        limit: query.limit,
        cursor: query.cursor,
        ..TokenFilter::default()
    };
    let page = state.services.token.list(&caller.actor, filter).await?;
    Ok(Json(Page::of(page)))
}
