//! `GET /tokens`.

use axum::Json;
use axum::extract::State;
use model::token::TokenState;
use model::{InstanceId, TenantId, UserId};
use serde::Deserialize;
use service::token::TokenFilter;
use utoipa::IntoParams;

use super::Token;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::http::v1::page::Page;
use crate::http::v1::words;

/// Which tokens.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TokensQuery {
    /// Only this tenant's.
    #[param(value_type = Option<String>, format = "uuid")]
    pub tenant: Option<TenantId>,
    /// Only this instance's.
    #[param(value_type = Option<String>)]
    pub instance: Option<InstanceId>,
    /// Only those this person answers for.
    #[param(value_type = Option<String>, format = "uuid")]
    pub owner: Option<UserId>,
    /// Only in this state.
    #[param(schema_with = words::token_state)]
    pub state: Option<TokenState>,
    /// Part of the name or of the hint, in any case.
    pub q: Option<String>,
    /// Most rows, up to 200.
    pub limit: Option<u32>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

impl From<TokensQuery> for TokenFilter {
    fn from(query: TokensQuery) -> Self {
        Self {
            tenant: query.tenant,
            instance: query.instance,
            owner: query.owner,
            state: query.state,
            q: query.q,
            limit: query.limit,
            cursor: query.cursor,
        }
    }
}

/// Lists tokens, the newest first.
///
/// **Permissions**: `tokens:read`; people of a tenant see their own tenant's.
///
/// **Errors**: 404 for a tenant or instance that is not yours; 422 for a filter that cannot be used.
#[utoipa::path(get, path = "/tokens", operation_id = "list_tokens", tag = "tokens",
    params(TokensQuery),
    responses((status = 200, description = "Tokens.", body = Page<Token>)))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Parameters(query): Parameters<TokensQuery>,
) -> Answer<Json<Page<Token>>> {
    let service = &state.services.token;
    let page = service.list(&caller.actor, query.into()).await?;
    Ok(Json(Page::of(page)))
}
