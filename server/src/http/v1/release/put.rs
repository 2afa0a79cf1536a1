//! `POST /releases`.

use axum::extract::State;

use super::{Entry, Release};
use crate::http::answer::{Answer, Created};
use crate::http::caller::Caller;
use crate::http::extract::Body;
use crate::http::state::AppState;

/// Adds a release to the catalogue, or writes an entry anew.
///
/// **Permissions**: `releases:write`; staff operators and owners.
///
/// **Errors**: 409 when instances are at it and what they run would change; 422 with the field.
#[utoipa::path(post, path = "/releases", operation_id = "put_release", tag = "releases",
    request_body = Entry,
    responses((status = 201, description = "In the catalogue.", body = Release)))]
pub async fn put(
    State(state): State<AppState>,
    caller: Caller,
    Body(entry): Body<Entry>,
) -> Answer<Created<Release>> {
    let location = format!("/api/v1/releases/{}", entry.version);
    let view = state
        .services
        .release
        .put(&caller.actor, entry.into(), &caller.origin)
        .await?;
    Ok(Created {
        location,
        body: view.into(),
    })
}
