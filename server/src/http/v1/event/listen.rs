//! `GET /events`.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use super::reader::{Heard, Reader};
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Parameters;
use crate::http::problem::Problem;
use crate::http::state::AppState;

/// How soon a client connects again, in milliseconds.
const RETRY: Duration = Duration::from_secs(2);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Told to proxies that would hold events back.
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Begin {
    /// Id of the last event that was heard, for clients that cannot send the header.
    pub last_event_id: Option<i64>,
}

/// Streams what happens, as server-sent events: `tenant`, `instance`, `operation`, `cluster` and
/// `release` with their new state, from behind `Last-Event-ID` without gaps, or from now on without
/// one. `clock` tells the server's time every 10 seconds and that the stream lives. `reset` says that
/// events behind the given id are no longer kept: read everything anew and go on.
///
/// **Permissions**: anybody who has said who they are; each hears what they may read. The stream ends
/// within 5 seconds when the session or the token does.
///
/// **Errors**: 401.
#[utoipa::path(get, path = "/events", operation_id = "listen_to_events", tag = "events",
    params(Begin, ("Last-Event-ID" = Option<i64>, Header, description = "Id of the last event that was heard.")),
    responses((status = 200, description = "The stream.", body = String, content_type = "text/event-stream")))]
pub async fn listen(
    State(state): State<AppState>,
    caller: Caller,
    Parameters(begin): Parameters<Begin>,
    headers: HeaderMap,
) -> Answer<Response> {
    let after = match headers.get(LAST_EVENT_ID) {
        None => begin.last_event_id,
        Some(value) => Some(number(value.to_str().unwrap_or_default())?),
    };
    let subscriber = Reader::open(&state, caller, after).await?;
    let opening = futures::stream::iter([Ok::<_, Infallible>(Event::default().retry(RETRY))]);
    let stream = opening.chain(subscriber.into_stream().map(|heard| Ok(written(heard))));
    let headers = [(CACHE_CONTROL, "no-store"), NO_BUFFERING];
    Ok((headers, Sse::new(stream)).into_response())
}

fn number(text: &str) -> Answer<i64> {
    text.trim()
        .parse()
        .map_err(|_| Problem::field("Last-Event-ID", "Send the id of an event: a whole number."))
}

fn written(heard: Heard) -> Event {
    match heard {
        Heard::Event(event) => {
            let written = Event::default()
                .id(event.id.to_string())
                .event(event.subject.as_str());
            written.json_data(&event).unwrap_or_default()
        }
        Heard::Clock(now) => Event::default().event("clock").data(now.to_string()),
        Heard::Reset(newest) => {
            let text = "Events were missed that are no longer kept. Load everything again.";
            Event::default()
                .id(newest.to_string())
                .event("reset")
                .data(text)
        }
    }
}
