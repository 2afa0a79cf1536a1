//! `POST /tenants/{id}/invitations`.

use axum::extract::State;
use model::TenantId;
use model::user::Role;
use serde::Deserialize;
use service::user::InvitePerson;
use utoipa::ToSchema;

use super::Invitation;
use crate::http::answer::{Answer, CreatedSecret};
use crate::http::caller::Caller;
use crate::http::extract::{Body, Id};
use crate::http::state::AppState;
use crate::http::v1::words;

/// Said where the link was and is not any more.
const OMITTED: &str = "The link is shown once, in the first answer. Withdraw this invitation and send a new one if it was lost.";

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// Their address.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// `tenant_admin` or `tenant_member`.
    #[schema(schema_with = words::role)]
    pub role: Role,
}

/// Invites a person to a tenant by a one-time link.
///
/// **Permissions**: `members:write`; staff operators and owners, admins of the tenant.
///
/// **Errors**: 404; 409 when they are a member already; 422 with the field.
#[utoipa::path(post, path = "/tenants/{id}/invitations", operation_id = "create_invitation",
    tag = "members", params(("id" = String, Path, description = "Id of the tenant.")),
    request_body = NewInvitation,
    responses((status = 201, description = "Invited.", body = Invitation)))]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TenantId>,
    Body(body): Body<NewInvitation>,
) -> Answer<CreatedSecret<Invitation>> {
    let command = InvitePerson {
        email: body.email,
        role: body.role,
        tenant: Some(id),
    };
    let sent = state
        .services
        .user
        .invite(&caller.actor, command, &caller.origin)
        .await?;
    let show = |link: Option<String>, link_omitted| Invitation {
        id: sent.id,
        delivered: sent.delivered,
        link,
        link_omitted,
    };
    let omitted = sent.link.is_some().then_some(OMITTED);
    Ok(CreatedSecret {
        location: format!("/api/v1/tenants/{id}/members"),
        remembered: show(None, omitted),
        body: show(sent.link.clone(), None),
    })
}
