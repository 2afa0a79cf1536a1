//! `DELETE /tokens/{id}`.

use std::time::Duration;

use axum::extract::State;
use model::TokenId;
use model::token::EndReason;
use serde::Deserialize;
use service::token::RevokeToken;
use utoipa::IntoParams;

use super::Token;
use crate::http::answer::{Accepted, Answer};
use crate::http::caller::Caller;
use crate::http::extract::{Id, Parameters};
use crate::http::problem::Problem;
use crate::http::state::AppState;

/// Longest time to wait for a proof.
const LONGEST: Duration = Duration::from_mins(1);

/// Why, and how long to wait for the proof.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RevocationQuery {
    /// Waits so long for the proof: `10s`, up to `60s`.
    #[param(example = "10s")]
    pub wait: Option<String>,
    /// Whether its text was found where it does not belong.
    pub leaked: bool,
    /// What the audit trail notes.
    pub note: Option<String>,
}

/// Revokes a token. The answer says how it stands: `revoking` until every worker of every replica of
/// the gateway was seen to refuse it, then `revoked` with the receipt.
///
/// **Permissions**: `tokens:write`; admins of the tenant, staff operators and owners.
///
/// **Errors**: 404; 409 when it never came into being; 422 for a time that cannot be read.
#[utoipa::path(delete, path = "/tokens/{id}", operation_id = "revoke_token", tag = "tokens",
    params(("id" = String, Path, format = "uuid", description = "Its id."), RevocationQuery),
    responses((status = 202, description = "It is being revoked, or is.", body = Token)))]
pub async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TokenId>,
    Parameters(query): Parameters<RevocationQuery>,
) -> Answer<Accepted<Token>> {
    let wait = query.wait.as_deref().map(seconds).transpose()?;
    let command = RevokeToken {
        reason: if query.leaked {
            EndReason::Leaked
        } else {
            EndReason::Revoked
        },
        note: query.note.unwrap_or_default(),
    };
    let service = &state.services.token;
    let mut view = service
        .revoke(&caller.actor, id, command, &caller.origin)
        .await?;
    if let Some(within) = wait {
        view = service.wait(&caller.actor, id, within).await?;
    }
    Ok(Accepted {
        location: format!("/api/v1/tokens/{id}"),
        body: view.into(),
    })
}

/// A time such as `10s`.
fn seconds(text: &str) -> Answer<Duration> {
    let number = text.strip_suffix('s').unwrap_or(text);
    let time = number.parse().ok().map(Duration::from_secs);
    time.filter(|time| *time <= LONGEST)
        .ok_or_else(|| Problem::field("wait", "Use a number of seconds up to 60, such as 10s."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_bounded() {
        assert_eq!(seconds("10s").unwrap(), Duration::from_secs(10));
        assert_eq!(seconds("0").unwrap(), Duration::ZERO);
        for bad in ["", "s", "-1s", "61s", "10m", "1e3s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
