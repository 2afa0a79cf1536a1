//! `Idempotency-Key` on every POST: a client that did not hear the answer asks again and gets the
//! same one, also after a restart, and the thing is done once. Keys belong to who asks and to the
//! route; the body and the exact address are part of what must be the same. 401, 429 and 5xx are not
//! remembered, and a secret never is.

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::Actor;
use model::secret_text::TokenHash;
use serde::{Deserialize, Serialize};
use service::idempotency::{Begun, IdempotencyKey, Ticket};

use super::answer::Remember;
use super::caller::Caller;
use super::extract::body;
use super::problem::{MEDIA_TYPE, Problem};
use super::state::AppState;

/// The request header.
pub const HEADER: &str = "idempotency-key";

/// Set on an answer that was remembered.
pub const REPLAYED: &str = "idempotency-replayed";

/// Longest key in characters.
const MOST: usize = 255;

/// An answer as it is remembered.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    media_type: Option<String>,
    location: Option<String>,
    body: String,
}

/// The layer over the API's routes.
pub async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if *request.method() != Method::POST || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    match once(&state, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn once(state: &AppState, request: Request, next: Next) -> Result<Response, Problem> {
    let key = read_key(request.headers())?;
    let actor = request
        .extensions()
        .get::<Caller>()
        .map(|caller| caller.actor.clone());
    let Some(actor) = actor.filter(|actor| *actor != Actor::Anonymous) else {
        // The handler refuses it, and refusals of that kind are not remembered.
        return Ok(next.run(request).await);
    };
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    let route = format!("POST {route}");
    let (parts, sent) = request.into_parts();
    let address = parts.uri.clone();
    let whole = Request::from_parts(parts.clone(), sent);
    let bytes = body::read(whole, &()).await?;
    let request = Request::from_parts(parts, Body::from(bytes.clone()));
    let key = IdempotencyKey {
        actor: actor.reference().key(),
        route,
        key,
        body_hash: hash(&address.to_string(), &bytes),
    };
    match state.services.idempotency.begin(key).await? {
        Begun::Fresh(ticket) => Ok(run(state.clone(), ticket, request, next).await),
        Begun::Replay { status, body } => replay(status, &body),
        Begun::Running => Err(still_running()),
        Begun::AnswerLost { done } => Err(Problem::new(
            StatusCode::CONFLICT,
            "idempotency_answer_lost",
            format!(
                "The first request with this Idempotency-Key was carried out ({}), but the server stopped before it could answer. Look at what it did; nothing was done again.",
                done.trim_end_matches('.')
            ),
        )),
        Begun::OtherBody => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "This Idempotency-Key was used with another request. Use a new key for a new request.",
        )),
    }
}

/// Exactly one key, of visible ASCII characters.
fn read_key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let key = values
        .next()
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let fits = (1..=MOST).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if fits && values.next().is_none() {
        return Ok(key.to_owned());
    }
    Err(Problem::bad_request(
        "invalid_idempotency_key",
        format!(
            "Send one Idempotency-Key of 1 to {MOST} visible ASCII characters, such as a UUID."
        ),
    ))
}

fn hash(address: &str, body: &Bytes) -> String {
    let mut text = address.as_bytes().to_vec();
    text.push(0);
    text.extend_from_slice(body);
    TokenHash::of(&text).as_str().to_owned()
}

fn still_running() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "idempotency_running",
        "The first request with this Idempotency-Key has not been answered yet. Try again shortly.",
    )
    .retry_after(std::time::Duration::from_secs(1))
}

/// Runs the request to its end even when the client goes away, so that the answer is remembered.
async fn run(state: AppState, ticket: Ticket, request: Request, next: Next) -> Response {
    let span = tracing::Span::current();
    let task = async move {
        let idempotency = &state.services.idempotency;
        let response = idempotency.within(&ticket, next.run(request)).await;
        remember(&state, ticket, response).await
    };
    let task = tokio::spawn(tracing::Instrument::instrument(task, span));
    match task.await {
        Ok(response) => response,
        Err(failed) => {
            tracing::error!(error = %failed, "A request with an idempotency key broke off.");
            Problem::internal().into_response()
        }
    }
}

async fn remember(state: &AppState, ticket: Ticket, response: Response) -> Response {
    let status = response.status();
    let forget = status.is_server_error()
        || matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS
        );
    let idempotency = &state.services.idempotency;
    if forget {
        if let Err(error) = idempotency.abandon(ticket).await {
            tracing::warn!(%error, "An idempotency key could not be let go; its lease will end.");
        }
        return response;
    }
    let (parts, sent) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(sent, usize::MAX).await else {
        return Problem::internal().into_response();
    };
    let header = |name| {
        parts
            .headers
            .get(name)
            .and_then(|v: &HeaderValue| v.to_str().ok())
    };
    let (media_type, text) = match (parts.extensions.get::<Problem>(), parts.extensions.get()) {
        (Some(problem), _) => (
            Some(MEDIA_TYPE),
            serde_json::to_string(problem).unwrap_or_default(),
        ),
        (None, Some(Remember(text))) => (header(CONTENT_TYPE), text.clone()),
        (None, None) => (
            header(CONTENT_TYPE),
            String::from_utf8_lossy(&bytes).into_owned(),
        ),
    };
    let remembered = Remembered {
        media_type: media_type.map(str::to_owned),
        location: header(LOCATION).map(str::to_owned),
        body: text,
    };
    let text = serde_json::to_string(&remembered).unwrap_or_default();
    if let Err(error) = idempotency.finish(ticket, status.as_u16(), &text).await {
        tracing::error!(%error, "An answer could not be remembered under its idempotency key.");
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn replay(status: u16, text: &str) -> Result<Response, Problem> {
    let remembered: Remembered = serde_json::from_str(text).map_err(|_| Problem::internal())?;
    let mut response = if remembered.media_type.as_deref() == Some(MEDIA_TYPE) {
        let problem: Problem =
            serde_json::from_str(&remembered.body).map_err(|_| Problem::internal())?;
        problem.into_response()
    } else {
        let status = StatusCode::from_u16(status).map_err(|_| Problem::internal())?;
        (status, remembered.body).into_response()
    };
    let mut set = |name: &'static str, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            response.headers_mut().insert(name, value);
        }
    };
    if let Some(media_type) = &remembered.media_type {
        set("content-type", media_type);
    }
    if let Some(location) = &remembered.location {
        set("location", location);
    }
    set(REPLAYED, "true");
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        read_key(&headers).ok()
    }

    #[test]
    fn a_key_is_one_word_of_visible_characters() {
        assert_eq!(key(&[b"a-b:c"]).as_deref(), Some("a-b:c"));
        assert!(key(&[&[b'k'; 255]]).is_some());
        for bad in [
            &[][..],
            &[b"".as_slice()],
            &[b"a b"],
            &[b"\xc3\xa9"],
            &[b"a", b"b"],
        ] {
            assert_eq!(key(bad), None);
        }
        assert_eq!(key(&[&[b'k'; 256]]), None);
    }

    #[test]
    fn another_address_is_another_request() {
        let body = Bytes::from_static(b"{}");
        assert_ne!(hash("/a", &body), hash("/b", &body));
        assert_eq!(hash("/a", &body), hash("/a", &body));
    }
}
