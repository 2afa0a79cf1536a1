//! `POST /instances/{id}/undelete`.

use axum::extract::State;
use model::InstanceId;

use super::InstanceOperation;
use crate::http::answer::{Accepted, Answer};
use crate::http::caller::Caller;
use crate::http::extract::{Id, NoBody};
use crate::http::state::AppState;
use crate::http::v1::operation;

/// Undoes a deletion within its grace period; the operation in the answer is the deletion, which is
/// cancelled.
///
/// **Permissions**: `instances:write`; staff operators and owners.
///
/// **Errors**: 404; 409 when it is not being deleted or the grace period is over.
#[utoipa::path(post, path = "/instances/{id}/undelete", operation_id = "undelete_instance",
    tag = "instances", params(("id" = String, Path, description = "Its id.")),
    responses((status = 202, description = "It comes back.", body = InstanceOperation)))]
pub async fn undelete(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InstanceId>,
    NoBody: NoBody,
) -> Answer<Accepted<InstanceOperation>> {
    let service = &state.services.instance;
    let cancelled = service.undelete(&caller.actor, &id, &caller.origin).await?;
    let instance = service.get(&caller.actor, &id).await?.into();
    let location = operation::address(cancelled.id);
    Ok(Accepted {
        location,
        body: InstanceOperation {
            instance,
            operation: cancelled.into(),
        },
    })
}
