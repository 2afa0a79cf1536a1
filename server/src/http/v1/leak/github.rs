//! `POST /leaks/github`: GitHub's secret scanning, as a partner receives it. The body is believed only
//! with GitHub's signature over exactly its bytes (ECDSA on P-256 with SHA-256), by a key of GitHub's
//! published list.
//! Source: docs.github.com, "Secret scanning partner program".

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;
use service::Origin;
use service::token::LeakReport;
use utoipa::ToSchema;

use super::{Thanks, thanks};
use crate::http::answer::Answer;
use crate::http::problem::Problem;
use crate::http::state::AppState;

/// Names the key of the signature.
const IDENTIFIER: &str = "github-public-key-identifier";
/// The signature, in base64.
const SIGNATURE: &str = "github-public-key-signature";
/// Most tokens of one message.
const MOST: usize = 1_000;

/// A token that GitHub found.
#[derive(Deserialize, ToSchema)]
pub struct GithubFinding {
    /// The token.
    pub token: String,
    /// What GitHub calls its kind.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// Where it was found.
    #[serde(default)]
    pub url: Option<String>,
    /// In what: content, a commit, a comment.
    #[serde(default)]
    pub source: Option<String>,
}

/// Takes the tokens that GitHub's secret scanning found. They are dealt with as any reported token.
///
/// **Permissions**: none; the body must carry GitHub's signature in `Github-Public-Key-Signature` by
/// the key that `Github-Public-Key-Identifier` names.
///
/// **Errors**: 400 for a body that is no list of findings; 403 without a valid signature; 503 when
/// GitHub's keys cannot be read.
#[utoipa::path(post, path = "/leaks/github", operation_id = "report_github_leaks", tag = "leaks",
    request_body = Vec<GithubFinding>,
    responses((status = 202, description = "Taken; the same for any token.", body = Thanks)))]
pub async fn report(
    State(state): State<AppState>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<impl IntoResponse> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(identifier), Some(signature)) = (header(IDENTIFIER), header(SIGNATURE)) else {
        return Err(unsigned());
    };
    let signed = state.github_keys.verify(identifier, signature, &body).await;
    if !signed.map_err(|error| {
        tracing::warn!(%error, "The keys of GitHub's secret scanning could not be read.");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "keys_unavailable",
            "The keys that signatures are checked by cannot be read now. Send it again later.",
        )
    })? {
        return Err(unsigned());
    }
    let findings: Vec<GithubFinding> = serde_json::from_slice(&body)
        .map_err(|_| Problem::bad_request("malformed_json", "The body is no list of findings."))?;
    if findings.len() > MOST {
        return Err(Problem::bad_request(
            "too_many",
            "Send at most 1,000 findings in one message.",
        ));
    }
    for finding in findings {
        let place = finding
            .url
            .or(finding.source)
            .unwrap_or_else(|| "GitHub".to_owned());
        let found = LeakReport {
            text: finding.token,
            place: format!("GitHub: {place}"),
        };
        state
            .services
            .token
            .report_leak_from(found, "GitHub secret scanning", &origin)
            .await?;
    }
    Ok(thanks())
}

fn unsigned() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "bad_signature",
        "This message does not carry a valid signature of GitHub's secret scanning.",
    )
}
