//! The stream of events: resumed without gaps, each hears what they may, and it ends with the right to
//! listen.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures::StreamExt as _;
use http::Method;
use serde_json::json;
use tests::app::{TestApp, Who};
use tests::client::{Client, Proof};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// One message of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Message {
    id: String,
    event: String,
    data: String,
}

/// A subscriber.
struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(client: &Client, query: &str, last: Option<&str>) -> Self {
        let mut request = client.request(Method::GET, &format!("/api/v1/events{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = client
            .open(request.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert!(!answer.headers().contains_key("content-encoding"));
        assert_eq!(answer.headers()["cache-control"], "no-store");
        Self {
            body: answer.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next message; none when the stream has ended.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let message = read(block);
                self.text = String::from(rest);
                if message != Message::default() {
                    return Some(message);
                }
                continue;
            }
            let piece = timeout(PATIENCE, self.body.next())
                .await
                .expect("the stream says something")?;
            let piece = piece.expect("the stream does not break");
            self.text
                .push_str(std::str::from_utf8(&piece).expect("UTF-8"));
        }
    }

    /// The next message that is about something that happened.
    async fn happened(&mut self) -> Message {
        loop {
            let message = self.next().await.expect("the stream goes on");
            if message.event != "clock" {
                return message;
            }
        }
    }
}

fn read(block: &str) -> Message {
    let mut message = Message::default();
    for line in block.lines() {
        match line.split_once(": ") {
            Some(("id", value)) => message.id = String::from(value),
            Some(("event", value)) => message.event = String::from(value),
            Some(("data", value)) => message.data.push_str(value),
            _ => {}
        }
    }
    message
}

#[tokio::test]
async fn it_resumes_where_it_broke_off_and_goes_on_live() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let mut first = Stream::open(&owner, "", None).await;
    assert_eq!(
        first.next().await.map(|message| message.event).as_deref(),
        Some("clock")
    );
    let name = |number: usize| json!({"name": format!("Tenant {number}")});
    let _ = owner.post("/api/v1/tenants", name(0)).await.expect(201);
    let heard = first.happened().await;
    assert_eq!(heard.event, "tenant");
    drop(first);
    // More than one batch happens while nobody listens.
    for number in 1..=250 {
        let _ = owner
            .post("/api/v1/tenants", name(number))
            .await
            .expect(201);
    }
    let mut again = Stream::open(&owner, "", Some(&heard.id)).await;
    let mut expected: i64 = heard.id.parse().expect("a number");
    for _ in 1..=250 {
        expected += 1;
        assert_eq!(again.happened().await.id, expected.to_string());
    }
    let _ = owner.post("/api/v1/tenants", name(251)).await.expect(201);
    assert_eq!(again.happened().await.id, (expected + 1).to_string());
    // The other way to say where to begin.
    let mut by_query = Stream::open(&owner, &format!("?last_event_id={expected}"), None).await;
    assert_eq!(by_query.happened().await.id, (expected + 1).to_string());
}

#[tokio::test]
async fn each_hears_what_they_may() {
    let app = TestApp::new().await;
    let begin = app
        .world
        .services
        .event
        .head()
        .await
        .expect("a head")
        .to_string();
    app.world.running("Staging").await;
    let stranger = app.client(Who::Stranger).await;
    let member = app.client(Who::Member).await;
    let owner = app.client(Who::Owner).await;
    let mut of_member = Stream::open(&member, "", Some(&begin)).await;
    let mut foreign = Stream::open(&stranger, "", Some(&begin)).await;
    let heard = of_member.happened().await;
    assert!(
        ["instance", "operation", "tenant"].contains(&heard.event.as_str()),
        "{heard:?}"
    );
    assert!(
        heard.data.contains(&app.world.tenant.to_string()),
        "{heard:?}"
    );
    // The first thing that the stranger hears is about their own tenant.
    let path = format!("/api/v1/tenants/{}", app.other);
    let _ = owner
        .patch(&path, json!({"name": "Another"}))
        .await
        .expect(200);
    let heard = foreign.happened().await;
    assert!(heard.data.contains(&app.other.to_string()), "{heard:?}");
    assert!(!heard.data.contains(&app.world.tenant.to_string()));
}

#[tokio::test]
async fn an_id_that_is_not_kept_resets() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let mut stream = Stream::open(&owner, "", Some("999999999")).await;
    let heard = stream.happened().await;
    assert_eq!(heard.event, "reset");
    assert_eq!(
        heard.id,
        app.world
            .services
            .event
            .head()
            .await
            .expect("a head")
            .to_string()
    );
    let _ = owner
        .post("/api/v1/tenants", json!({"name": "After"}))
        .await
        .expect(201);
    assert_eq!(stream.happened().await.event, "tenant");
}

#[tokio::test]
async fn it_ends_within_five_seconds_of_the_right_to_listen() {
    let app = TestApp::new().await;
    let token = app
        .bearer(Who::Member, &["instances:read", "access-tokens:write"])
        .await;
    let session = app.client(Who::Admin).await;
    let mut by_token = Stream::open(&token, "", None).await;
    let mut by_session = Stream::open(&session, "", None).await;
    assert!(by_token.next().await.is_some() && by_session.next().await.is_some());
    let id = token.get("/api/v1/access-tokens").await.expect(200)["items"][0]["id"].clone();
    let path = format!("/api/v1/access-tokens/{}", id.as_str().expect("an id"));
    assert_eq!(token.bare(Method::DELETE, &path).await.status, 204);
    assert_eq!(session.form("/sign-out", &[]).await.status, 303);
    let ended = async {
        while by_token.next().await.is_some() {}
        while by_session.next().await.is_some() {}
    };
    timeout(Duration::from_secs(5), ended)
        .await
        .expect("both have ended");
}

#[tokio::test]
async fn it_ends_when_the_server_stops() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let mut stream = Stream::open(&owner, "", None).await;
    assert!(stream.next().await.is_some());
    app.stop();
    assert_eq!(stream.next().await, None);
    let ready = app.anonymous().get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(app.anonymous().get("/healthz").await.status, 200);
}

#[tokio::test]
async fn listening_keeps_no_session_alive() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let mut stream = Stream::open(&owner, "", None).await;
    assert!(stream.next().await.is_some());
    let Proof::Session(id) = owner.proof().clone() else {
        panic!("a session")
    };
    let id = id.parse().expect("an id");
    let sessions = &app.world.services.session;
    // Asked every ten minutes of the clock, as a stream would, and used by nobody.
    for _ in 0..3 {
        app.world.db.clock.advance(Duration::from_mins(9));
        assert!(sessions.still(&id).await.expect("an answer").is_some());
    }
    app.world.db.clock.advance(Duration::from_mins(4));
    assert!(sessions.still(&id).await.expect("an answer").is_none());
    let ended = async { while stream.next().await.is_some() {} };
    timeout(Duration::from_secs(5), ended)
        .await
        .expect("it has ended");
}
