//! `POST /operations/{id}/go-on-unproven`.

use axum::extract::State;
use model::OperationId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Operation, address};
use crate::http::answer::{Accepted, Answer};
use crate::http::caller::Caller;
use crate::http::extract::{Body, Id};
use crate::http::state::AppState;

/// Why it may go on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GoingOnUnproven)]
pub struct Going {
    /// Kept in the audit trail and shown beside the step.
    pub reason: String,
}

/// Lets a deletion go on although a gateway does not prove that the instance's tokens are refused.
///
/// **Permissions**: `operations:write`; staff owners.
///
/// **Errors**: 404; 409 when it does not wait for that proof; 422 without a reason.
#[utoipa::path(post, path = "/operations/{id}/go-on-unproven", operation_id = "go_on_unproven",
    tag = "operations", params(("id" = String, Path, description = "Its id.")),
    request_body = Going,
    responses((status = 202, description = "It goes on.", body = Operation)))]
pub async fn go_on_unproven(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<OperationId>,
    Body(body): Body<Going>,
) -> Answer<Accepted<Operation>> {
    let service = &state.services.operation;
    let view = service
        .go_on_unproven(&caller.actor, id, &body.reason, &caller.origin)
        .await?;
    Ok(Accepted {
        location: address(view.id),
        body: view.into(),
    })
}
