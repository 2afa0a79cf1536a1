//! `DELETE /instances/{id}`: the confirmation comes in the query or, where a client may send one with
//! a DELETE, in a body.

use std::time::Duration;

use axum::extract::State;
use model::InstanceId;
use serde::Deserialize;
use service::instance::DeleteInstance;
use utoipa::{IntoParams, ToSchema};

use super::InstanceOperation;
use crate::http::answer::{Accepted, Answer};
use crate::http::caller::Caller;
use crate::http::extract::{Id, OptionalBody, Parameters};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use crate::http::v1::operation;

/// The confirmation as parameters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeletionQuery {
    /// The instance's id or name, typed.
    pub confirm: Option<String>,
    /// How long the deletion can be undone, in seconds; the configured time unless said.
    pub grace_seconds: Option<u64>,
}

/// The confirmation as a body.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InstanceDeletion)]
pub struct Deletion {
    /// The instance's id or name, typed.
    pub confirm: String,
    /// How long the deletion can be undone, in seconds; the configured time unless said.
    pub grace_seconds: Option<u64>,
}

/// Deletes an instance: closes its door at once, keeps its data for the grace period, then takes it
/// away and proves that nothing is left.
///
/// **Permissions**: `instances:write`; staff operators and owners.
///
/// **Errors**: 404; 409 when another operation is under way; 422 when `confirm` is neither its id nor
/// its name.
#[utoipa::path(delete, path = "/instances/{id}", operation_id = "delete_instance",
    tag = "instances", params(("id" = String, Path, description = "Its id."), DeletionQuery),
    request_body = Option<Deletion>,
    responses((status = 202, description = "It is being deleted.", body = InstanceOperation)))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InstanceId>,
    Parameters(query): Parameters<DeletionQuery>,
    OptionalBody(body): OptionalBody<Deletion>,
) -> Answer<Accepted<InstanceOperation>> {
    let (confirm, grace) = confirmation(query, body)?;
    let command = DeleteInstance { confirm, grace };
    let service = &state.services.instance;
    let begun = service
        .delete(&caller.actor, &id, command, &caller.origin)
        .await?;
    let instance = service.get(&caller.actor, &id).await?.into();
    let location = operation::address(begun.id);
    Ok(Accepted {
        location,
        body: InstanceOperation {
            instance,
            operation: begun.into(),
        },
    })
}

/// What was typed and how long to wait, from either place but not from both.
fn confirmation(
    query: DeletionQuery,
    body: Option<Deletion>,
) -> Answer<(String, Option<Duration>)> {
    let in_query = query.confirm.is_some() || query.grace_seconds.is_some();
    match (body, query.confirm) {
        (Some(_), _) if in_query => Err(Problem::field(
            "confirm",
            "Send the confirmation in the query or in the body, not in both.",
        )),
        (Some(body), _) => Ok((body.confirm, body.grace_seconds.map(Duration::from_secs))),
        (None, Some(confirm)) => Ok((confirm, query.grace_seconds.map(Duration::from_secs))),
        (None, None) => Err(Problem::field(
            "confirm",
            "Type the instance's id or name as confirm, in the query or in a JSON body.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_confirmation_comes_from_one_place() {
        let query = |confirm: Option<&str>| DeletionQuery {
            confirm: confirm.map(str::to_owned),
            grace_seconds: Some(5),
        };
        let body = || {
            Some(Deletion {
                confirm: "b".to_owned(),
                grace_seconds: None,
            })
        };
        let five = Some(Duration::from_secs(5));
        assert_eq!(
            confirmation(query(Some("a")), None).unwrap(),
            ("a".to_owned(), five)
        );
        let empty = DeletionQuery {
            confirm: None,
            grace_seconds: None,
        };
        assert_eq!(confirmation(empty, body()).unwrap(), ("b".to_owned(), None));
        assert!(confirmation(query(Some("a")), body()).is_err());
        assert_eq!(
            confirmation(query(None), None).unwrap_err().errors[0].field,
            "confirm"
        );
    }
}
