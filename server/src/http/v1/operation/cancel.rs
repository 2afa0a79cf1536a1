//! `POST /operations/{id}/cancel`.

use axum::extract::State;
use model::OperationId;

use super::{Operation, address};
use crate::http::answer::{Accepted, Answer};
use crate::http::caller::Caller;
use crate::http::extract::{Id, NoBody};
use crate::http::state::AppState;

/// Asks an operation to stop. It has stopped when its state says `cancelled`; until then
/// `cancelling` is true.
///
/// **Permissions**: `operations:write`; staff operators and owners.
///
/// **Errors**: 409 when it has ended, or is past the point where it can be stopped.
#[utoipa::path(post, path = "/operations/{id}/cancel", operation_id = "cancel_operation",
    tag = "operations", params(("id" = String, Path, description = "Its id.")),
    responses((status = 202, description = "It will stop.", body = Operation)))]
pub async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<OperationId>,
    NoBody: NoBody,
) -> Answer<Accepted<Operation>> {
    let view = state
        .services
        .operation
        .cancel(&caller.actor, id, &caller.origin)
        .await?;
    Ok(Accepted {
        location: address(id),
        body: view.into(),
    })
}
