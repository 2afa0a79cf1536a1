//! `GET /operations/{id}`.

use axum::Json;
use axum::extract::State;
use model::OperationId;

use super::Operation;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Shows an operation with its steps.
///
/// **Permissions**: `operations:read`.
///
/// **Errors**: 404 when there is no such operation or it is another tenant's.
#[utoipa::path(get, path = "/operations/{id}", operation_id = "read_operation", tag = "operations",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The operation.", body = Operation)))]
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<OperationId>,
) -> Answer<Json<Operation>> {
    let view = state.services.operation.get(&caller.actor, id).await?;
    Ok(Json(view.into()))
}
