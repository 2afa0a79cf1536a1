//! `POST /operations/{id}/retry`.

use axum::extract::State;
use model::OperationId;

use super::{Operation, address};
use crate::http::answer::{Accepted, Answer};
use crate::http::caller::Caller;
use crate::http::extract::{Id, NoBody};
use crate::http::state::AppState;

/// Goes on from the step at which an operation failed or is stuck.
///
/// **Permissions**: `operations:write`; staff operators and owners.
///
/// **Errors**: 409 when it neither failed nor is stuck, or when its instance is being changed by
/// another operation.
#[utoipa::path(post, path = "/operations/{id}/retry", operation_id = "retry_operation",
    tag = "operations", params(("id" = String, Path, description = "Its id.")),
    responses((status = 202, description = "It goes on.", body = Operation)))]
pub async fn retry(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<OperationId>,
    NoBody: NoBody,
) -> Answer<Accepted<Operation>> {
    let view = state
        .services
        .operation
        .retry(&caller.actor, id, &caller.origin)
        .await?;
    Ok(Accepted {
        location: address(view.id),
        body: view.into(),
    })
}
