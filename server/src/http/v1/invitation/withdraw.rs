//! `DELETE /invitations/{id}`.

use axum::extract::State;
use axum::http::StatusCode;
use model::InvitationId;

use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Withdraws an invitation; its link opens nothing any more.
///
/// **Permissions**: `members:write`; whoever may invite there.
///
/// **Errors**: 404 when there is no such open invitation.
#[utoipa::path(delete, path = "/invitations/{id}", operation_id = "withdraw_invitation",
    tag = "members", params(("id" = String, Path, description = "Its id.")),
    responses((status = 204, description = "Withdrawn.")))]
pub async fn withdraw(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InvitationId>,
) -> Answer<StatusCode> {
    state
        .services
        .user
        .withdraw_invitation(&caller.actor, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
