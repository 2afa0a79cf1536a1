//! `GET /tenants/{id}/members`.

use axum::Json;
use axum::extract::State;
use model::TenantId;

use super::Member;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::http::v1::page::Page;

/// Lists the people of a tenant and the open invitations.
///
/// **Permissions**: `members:read`.
///
/// **Errors**: 404 when there is no such tenant or it is not the caller's.
#[utoipa::path(get, path = "/tenants/{id}/members", operation_id = "list_members", tag = "members",
    params(("id" = String, Path, description = "Id of the tenant.")),
    responses((status = 200, description = "All of them.", body = Page<Member>)))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TenantId>,
) -> Answer<Json<Page<Member>>> {
    let members = state.services.user.members(&caller.actor, id).await?;
    Ok(Json(Page::whole(members)))
}
