//! Handing the trail on: every row once where nothing breaks, again where it cannot be known, in the
//! order of its chain, past crashes and refusals, over real sockets.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hosted_instances::config::{Secret, SyslogEncryption};
use hosted_instances::wiring::audit::syslog::Syslog;
use hosted_instances::wiring::audit::webhook::{SIGNATURE, Webhook};
use model::{Actor, TenantId, Timestamp};
use service::Settings;
use service::audit::{Delivered, Deliverer, Round, Sink, SinkError, signature};
use tests::services::{TestServices, origin, settings};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const SECRET: &str = "a secret of the tests";

/// A collector that keeps what it is given, and fails when told to.
#[derive(Debug, Default)]
struct Kept {
    rows: Mutex<Vec<(String, i64)>>,
    fail: Mutex<bool>,
}

#[async_trait]
impl Sink for Kept {
    fn name(&self) -> &'static str {
        "webhook"
    }

    async fn deliver(&self, rows: &[Delivered]) -> Result<(), SinkError> {
        let places = rows
            .iter()
            .map(|one| (one.row.chain.clone(), one.row.sequence));
        self.rows.lock().unwrap().extend(places);
        if *self.fail.lock().unwrap() {
            return Err(SinkError("it is away\nfor now".to_owned()));
        }
        Ok(())
    }
}

struct World {
    test: TestServices,
    services: Arc<service::Services>,
}

impl World {
    async fn new() -> Self {
        let with = Settings {
            audit_sinks: vec!["webhook".to_owned()],
            ..settings()
        };
        let test = TestServices::with(with).await;
        let services = Arc::new(test.services.clone());
        Self { test, services }
    }

    async fn rename(&self, id: TenantId, name: &str) {
        let tenants = &self.services.tenant;
        tenants
            .rename(&Actor::Operator, id, name, &origin())
            .await
            .unwrap();
    }

    fn deliverer(&self, sink: Arc<dyn Sink>) -> Deliverer {
        Deliverer::new(self.services.clone(), sink, "test")
    }
}

#[tokio::test]
async fn rows_come_in_order_and_again_after_a_failure() {
    let world = World::new().await;
    let (acme, other) = (
        world.test.tenant("Acme").await,
        world.test.tenant("Other").await,
    );
    world.rename(acme, "Acme 2").await;
    let kept = Arc::new(Kept::default());
    let deliverer = world.deliverer(kept.clone());
    *kept.fail.lock().unwrap() = true;
    assert_eq!(
        deliverer.round().await.unwrap(),
        Round::Failed("it is awayfor now".to_owned())
    );
    let lags = world.services.audit.lags(&Actor::System).await.unwrap();
    assert_eq!(
        (
            lags[0].rows,
            lags[0].failing.as_ref().map(|it| it.1.as_str())
        ),
        (3, Some("it is awayfor now"))
    );
    *kept.fail.lock().unwrap() = false;
    assert_eq!(deliverer.round().await.unwrap(), Round::Delivered(3));
    assert_eq!(deliverer.round().await.unwrap(), Round::Idle);
    let of = |id: TenantId, sequence| (id.to_string(), sequence);
    let rows = kept.rows.lock().unwrap().clone();
    assert_eq!(rows.len(), 6, "the same three came twice");
    let acmes: Vec<_> = rows[3..]
        .iter()
        .filter(|row| row.0 == acme.to_string())
        .cloned()
        .collect();
    assert_eq!(acmes, [of(acme, 1), of(acme, 2)]);
    assert!(rows[3..].contains(&of(other, 1)));
    let lags = world.services.audit.lags(&Actor::System).await.unwrap();
    assert_eq!((lags[0].rows, &lags[0].failing), (0, &None));
    assert!(lags[0].delivered_at.is_some());
    // Another process, or the same one after a restart, goes on where this one ended.
    world.rename(acme, "Acme 3").await;
    let again = world.deliverer(kept.clone());
    assert_eq!(again.round().await.unwrap(), Round::Delivered(1));
    assert_eq!(kept.rows.lock().unwrap().last(), Some(&of(acme, 3)));
}

#[tokio::test]
async fn what_is_long_comes_in_parts_and_nothing_twice() {
    let world = World::new().await;
    let acme = world.test.tenant("Acme").await;
    for number in 0..210 {
        world.rename(acme, &format!("Acme {number}")).await;
    }
    let kept = Arc::new(Kept::default());
    let deliverer = world.deliverer(kept.clone());
    let mut rounds = 0;
    while let Round::Delivered(_) = deliverer.round().await.unwrap() {
        rounds += 1;
    }
    assert!(rounds > 1, "{rounds}");
    let places: Vec<_> = kept.rows.lock().unwrap().iter().map(|row| row.1).collect();
    assert_eq!(places, (1..=211).collect::<Vec<_>>());
}

/// A collector that is still busy when it is asked to be somebody else's.
#[derive(Debug)]
struct Busy {
    begun: mpsc::Sender<()>,
    go_on: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

#[async_trait]
impl Sink for Busy {
    fn name(&self) -> &'static str {
        "webhook"
    }

    async fn deliver(&self, _: &[Delivered]) -> Result<(), SinkError> {
        self.begun.send(()).await.unwrap();
        self.go_on.lock().await.recv().await;
        Ok(())
    }
}

#[tokio::test]
async fn one_process_delivers_and_one_that_slept_moves_nothing() {
    let world = World::new().await;
    world.test.tenant("Acme").await;
    let (begun, mut has_begun) = mpsc::channel(1);
    let (release, go_on) = mpsc::channel(1);
    let busy = Busy {
        begun,
        go_on: tokio::sync::Mutex::new(go_on),
    };
    let slow = world.deliverer(Arc::new(busy));
    let slow = tokio::spawn(async move { slow.round().await.unwrap() });
    has_begun.recv().await.unwrap();
    let kept = Arc::new(Kept::default());
    let other = world.deliverer(kept.clone());
    assert_eq!(other.round().await.unwrap(), Round::Elsewhere);
    // On PostgreSQL leases run by the database's clock, which no test moves.
    if world.test.db.db.engine() == "postgres" {
        world.test.db.shell("update lease set until = 0").await;
    } else {
        world
            .test
            .db
            .clock
            .advance(std::time::Duration::from_secs(61));
    }
    assert_eq!(other.round().await.unwrap(), Round::Delivered(1));
    release.send(()).await.unwrap();
    assert_eq!(slow.await.unwrap(), Round::Elsewhere, "its lease was taken");
    assert_eq!(kept.rows.lock().unwrap().len(), 1);
}

type Posts = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A web server that answers the first post with 503 and all others with 204.
async fn web() -> (String, Posts) {
    let posts = Posts::default();
    let kept = posts.clone();
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let mut posts = kept.lock().unwrap();
        posts.push((headers, body));
        if posts.len() == 1 {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::NO_CONTENT
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/audit?x=hidden", listener.local_addr().unwrap());
    let router = Router::new().route("/audit", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, posts)
}

#[tokio::test]
async fn a_webhook_gets_signed_lines_and_decides_when_it_has_them() {
    let world = World::new().await;
    let acme = world.test.tenant("Acme").await;
    let (url, posts) = web().await;
    let sink = Webhook::new(&url, Secret::new(SECRET)).unwrap();
    let deliverer = world.deliverer(Arc::new(sink));
    let failed = deliverer.round().await.unwrap();
    assert_eq!(
        failed,
        Round::Failed("it answered with status 503 Service Unavailable".to_owned())
    );
    assert_eq!(deliverer.round().await.unwrap(), Round::Delivered(1));
    assert_eq!(deliverer.round().await.unwrap(), Round::Idle);
    let posts = posts.lock().unwrap().clone();
    assert_eq!(posts.len(), 2);
    for (headers, body) in &posts {
        let signed = headers[SIGNATURE].to_str().unwrap();
        let seconds = signed
            .strip_prefix("t=")
            .unwrap()
            .split(',')
            .next()
            .unwrap();
        let at = Timestamp::from_micros(seconds.parse::<i64>().unwrap() * 1_000_000);
        assert_eq!(signed, signature(SECRET.as_bytes(), at, body));
        assert_eq!(headers["content-type"], "application/x-ndjson");
        let row: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            (&row["chain"], &row["sequence"]),
            (&acme.to_string().into(), &1.into())
        );
        assert_eq!(row["hash"].as_str().unwrap().len(), 64);
    }
    let away = Webhook::new("http://127.0.0.1:1/audit?x=hidden", Secret::new(SECRET)).unwrap();
    world.rename(acme, "Acme 2").await;
    let Round::Failed(said) = world.deliverer(Arc::new(away)).round().await.unwrap() else {
        panic!("nobody listens there");
    };
    assert!(
        said.contains("cannot be reached") && !said.contains("hidden"),
        "{said}"
    );
}

/// Takes messages apart by the length in front of each.
fn frames(mut text: &str) -> Vec<String> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = text.split_once(' ') {
        let (frame, left) = rest.split_at(length.parse().expect("a length"));
        frames.push(frame.to_owned());
        text = left;
    }
    frames
}

#[tokio::test]
async fn a_syslog_collector_gets_whole_messages_and_acknowledges_by_closing() {
    let world = World::new().await;
    let acme = world.test.tenant("Ünal Ltd").await;
    world.rename(acme, "Acme 2").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, mut told) = mpsc::channel(4);
    tokio::spawn(async move {
        // The first connection breaks off unread; only the second is taken.
        let (first, _) = listener.accept().await.unwrap();
        first.set_zero_linger().unwrap();
        drop(first);
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        tell.send(text).await.unwrap();
    });
    let sink = Syslog::new(&address, SyslogEncryption::None).unwrap();
    let deliverer = world.deliverer(Arc::new(sink));
    let first = deliverer.round().await.unwrap();
    assert!(matches!(first, Round::Failed(_)), "{first:?}");
    assert_eq!(deliverer.round().await.unwrap(), Round::Delivered(2));
    let messages = frames(&told.recv().await.unwrap());
    assert_eq!(messages.len(), 2);
    for (message, action) in messages.iter().zip(["tenant.create", "tenant.rename"]) {
        let parts: Vec<&str> = message.splitn(8, ' ').collect();
        assert_eq!(
            (parts[0], parts[3], parts[4]),
            ("<109>1", "hosted-instances", "-")
        );
        assert!(Timestamp::parse(parts[1]).is_some(), "{message}");
        assert_eq!((parts[5], parts[6]), (action, "-"));
        let row: serde_json::Value = serde_json::from_str(parts[7]).unwrap();
        assert_eq!(row["action"], action);
    }
}
