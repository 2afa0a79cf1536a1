//! Being told to stop: what was accepted is answered, streams end, nothing new is accepted, and a
//! second signal ends it at once.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tests::process::{Server, until};

use super::api::Api;
use super::place::here;
use super::sandbox::QUICK;

/// A request of which the server has half: it was accepted, and is not answered yet.
struct Half(TcpStream, &'static str);

impl Half {
    fn begin(server: &Server, token: &str) -> Self {
        let address = server.at("").replace("http://", "");
        let mut stream = TcpStream::connect(&address).expect("a connection");
        let body = "{\"name\":\"Half\"}";
        let (first, rest) = body.split_at(4);
        write!(
            stream,
            "POST /api/v1/tenants HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{first}",
            body.len()
        )
        .expect("half a request");
        stream.flush().expect("half a request");
        Self(stream, rest)
    }

    fn end(mut self) -> String {
        self.0.write_all(self.1.as_bytes()).expect("the other half");
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_answered_and_then_it_ends() {
    let here = here().await;
    let token = here.place.token("tenants:write");
    let mut server = Server::start(&here.place, &QUICK).await;
    let stream = reqwest::Client::new()
        .get(server.at("/api/v1/events"))
        .bearer_auth(&token);
    let events = stream.send().await.expect("a stream");
    assert!(events.status().is_success(), "{}", events.status());
    let half = Half::begin(&server, &token);
    server.signal("TERM");
    until("it stops", || async { server.said().contains("Stopping:") }).await;
    let answer = tokio::task::spawn_blocking(move || half.end())
        .await
        .expect("no panic");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    // The stream of events ends by itself.
    events.bytes().await.expect("the rest of the stream");
    let status = server.ended().await;
    assert!(status.success(), "{status}:\n{}", server.said());
    assert!(TcpStream::connect(server.at("").replace("http://", "")).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn work_in_progress_is_handed_back_and_goes_on_at_once() {
    let here = here().await;
    let api = Api::new(&here.place);
    let server = Server::start(&here.place, &["--sandbox", "--sandbox-pace", "0.3"]).await;
    let tenant = api.tenant(&server, "Acme").await;
    let created = api.instance(&server, &tenant, "One").await;
    let path = format!("/operations/{}", created.operation);
    until("it is carried out", || async {
        matches!(
            api.get(&server, &path).await["state"].as_str(),
            Some("running" | "waiting")
        )
    })
    .await;
    server.stop().await;
    let begun = Instant::now();
    let server = Server::start(&here.place, &QUICK).await;
    api.succeeds(&server, &created.operation).await;
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let here = here().await;
    let token = here.place.token("tenants:write");
    let mut server = Server::start(&here.place, &[]).await;
    let half = Half::begin(&server, &token);
    server.signal("INT");
    until("it stops", || async { server.said().contains("Stopping:") }).await;
    server.signal("INT");
    assert_eq!(server.ended().await.code(), Some(130), "{}", server.said());
    drop(half);
}
