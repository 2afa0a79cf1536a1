//! `POST /tenants/{id}/instances`.

use axum::extract::State;
use model::TenantId;
use serde::Deserialize;
use service::instance::CreateInstance;
use utoipa::ToSchema;

use super::InstanceOperation;
use crate::http::answer::{Accepted, Answer};
use crate::http::caller::Caller;
use crate::http::extract::{Body, Id};
use crate::http::state::AppState;
use crate::http::v1::operation;

/// An instance to be created; what is left out is decided by rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInstance {
    /// What it is called; a name is made up when this is left out.
    pub name: Option<String>,
    /// `development` or `production`.
    #[schema(example = "production")]
    pub purpose: String,
    /// Region.
    #[schema(example = "eu-west-1")]
    pub region: String,
    /// Release; the newest supported one when this is left out.
    #[schema(example = "2.1.0")]
    pub release: Option<String>,
    /// Helm values that differ from the defaults, as YAML text; none are needed.
    pub overrides: Option<String>,
}

/// Gives a tenant an instance. The cluster is chosen by purpose, region and room.
///
/// **Permissions**: `instances:write`; staff operators and owners.
///
/// **Errors**: 404 when there is no such tenant; 409 when the name is taken; 422 with the field, and on
/// `region` when no cluster there can take it, with the reason for each.
#[utoipa::path(post, path = "/tenants/{id}/instances", operation_id = "create_instance",
    tag = "instances", params(("id" = String, Path, description = "Id of the tenant.")),
    request_body = NewInstance,
    responses((status = 202, description = "It is being created.", body = InstanceOperation)))]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Id(tenant): Id<TenantId>,
    Body(body): Body<NewInstance>,
) -> Answer<Accepted<InstanceOperation>> {
    let command = CreateInstance {
        name: body.name,
        purpose: body.purpose,
        region: body.region,
        release: body.release,
        overrides: body.overrides,
    };
    let service = &state.services.instance;
    let made = service
        .create(&caller.actor, tenant, command, &caller.origin)
        .await?;
    let location = operation::address(made.operation.id);
    let body = InstanceOperation {
        instance: made.instance.into(),
        operation: made.operation.into(),
    };
    Ok(Accepted { location, body })
}
