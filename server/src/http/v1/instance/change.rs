//! `PATCH /instances/{id}`: one change at a time, because an upgrade and new overrides are two
//! operations and an instance has one at a time.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use model::InstanceId;
use serde::Deserialize;
use service::instance::UpgradeInstance;
use utoipa::ToSchema;

use super::{Instance, InstanceOperation};
use crate::http::answer::{Accepted, Answer};
use crate::http::caller::Caller;
use crate::http::extract::{Body, Id};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use crate::http::v1::operation;

/// What to change of an instance: exactly one of `name`, `release` and `overrides`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceChange {
    /// What it is to be called.
    pub name: Option<String>,
    /// Release to upgrade to; forward only.
    pub release: Option<String>,
    /// The instance's name, typed; needed where the upgrade destroys data.
    pub confirm: Option<String>,
    /// Its new overrides as YAML text; empty for none.
    pub overrides: Option<String>,
}

/// Renames an instance, upgrades it, or gives it other overrides: one of them per request.
///
/// **Permissions**: `instances:write`; staff operators and owners.
///
/// **Errors**: 404; 409 when another operation is under way, when the release cannot be reached, or
/// when the upgrade destroys data and `confirm` is not the instance's name; 422 with the field.
#[utoipa::path(patch, path = "/instances/{id}", operation_id = "change_instance", tag = "instances",
    params(("id" = String, Path, description = "Its id.")), request_body = InstanceChange,
    responses((status = 200, description = "Renamed.", body = Instance),
        (status = 202, description = "It is being changed.", body = InstanceOperation)))]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InstanceId>,
    Body(body): Body<InstanceChange>,
) -> Answer<Response> {
    let service = &state.services.instance;
    let (actor, origin) = (&caller.actor, &caller.origin);
    let operation = match (body.name, body.release, body.overrides) {
        (Some(name), None, None) => {
            let view = service.rename(actor, &id, &name, origin).await?;
            return Ok(Json(Instance::from(view)).into_response());
        }
        (None, Some(release), None) => {
            let command = UpgradeInstance {
                release,
                confirm: body.confirm,
            };
            service.upgrade(actor, &id, command, origin).await?
        }
        (None, None, Some(overrides)) => {
            service.reconfigure(actor, &id, &overrides, origin).await?
        }
        _ => return Err(one_at_a_time()),
    };
    let instance = service.get(actor, &id).await?.into();
    let location = operation::address(operation.id);
    let body = InstanceOperation {
        instance,
        operation: operation.into(),
    };
    Ok(Accepted { location, body }.into_response())
}

fn one_at_a_time() -> Problem {
    Problem::field(
        "body",
        "Send exactly one of name, release and overrides; each is a change of its own.",
    )
}
