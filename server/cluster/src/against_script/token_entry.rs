//! Entries of tokens against a real implementation of Secrets Manager, with everything between that can
//! go wrong: throttled, failing, slow, and with an answer that is lost after the write.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures::stream;
use http_body_util::Full;
use hyper_util::client::legacy::Client as Forwarder;
use hyper_util::rt::TokioExecutor;
use model::cluster::ClusterAccess;
use serde_json::{Value, json};
use service::ports::{ClusterError, ClusterPort as _, NewTokenEntry, Target, TokenPort as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::moto::{Moto, moto, reader};
use super::{TOKEN, clusters, key, wish, world};
use crate::Clusters;
use crate::scripted::{Api, Say};
use crate::wish::samples::target;

/// What happens to one request on its way.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Answered that there are too many.
    Throttled,
    /// Answered with a fault, and not handed on.
    Fault,
    /// Handed on; the answer breaks off.
    Lost,
    /// Handed on after a while that is longer than an attempt may take.
    Slow,
}

/// The ways of the next requests; whatever comes after them passes.
type Plan = Arc<Mutex<VecDeque<Way>>>;

struct Wire {
    url: String,
    plan: Plan,
    task: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Wire {
    async fn to(moto: &Moto) -> Self {
        let plan = Plan::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .fallback(pass)
            .with_state((plan.clone(), moto.url.clone()));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, plan, task }
    }

    fn next(&self, ways: &[Way]) {
        *self.plan.lock().unwrap() = ways.iter().copied().collect();
    }
}

async fn pass(State((plan, to)): State<(Plan, String)>, request: Request) -> Response {
    let way = plan.lock().unwrap().pop_front();
    let said = |status: u16, code: &str| {
        let body = json!({"__type": code, "message": "do-not-tell"}).to_string();
        Response::builder()
            .status(status)
            .body(Body::from(body))
            .unwrap()
    };
    match way {
        Some(Way::Throttled) => return said(400, "ThrottlingException"),
        Some(Way::Fault) => return said(500, "InternalServiceError"),
        Some(Way::Slow) => tokio::time::sleep(Duration::from_secs(5)).await,
        Some(Way::Lost) | None => {}
    }
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path().to_owned();
    parts.uri = format!("{to}{path}").parse().unwrap();
    parts.headers.remove("host");
    let client = Forwarder::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = http::Request::from_parts(parts, Full::new(body));
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    if matches!(way, Some(Way::Lost)) {
        let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("lost"))]);
        return Response::from_parts(parts, Body::from_stream(broken));
    }
    Response::from_parts(parts, Body::new(body))
}

/// The service, the wire to it, somebody who may read, and the adapters.
struct Scene {
    wire: Wire,
    reader: Client,
    clusters: Clusters,
    target: Target,
    _moto: Moto,
}

impl Scene {
    async fn new() -> Option<Self> {
        let Some(moto) = moto().await else {
            eprintln!("SKIPPED: moto_server is not installed (pip install 'moto[server]')");
            return None;
        };
        let wire = Wire::to(&moto).await;
        Some(Self {
            reader: reader(&moto).await,
            clusters: clusters("http://127.0.0.1:1", &wire.url),
            target: target(ClusterAccess::Sandbox {
                name: "x".to_owned(),
            }),
            wire,
            _moto: moto,
        })
    }

    async fn write(&self, ways: &[Way]) -> Result<(), ClusterError> {
        self.wire.next(ways);
        let done = self.clusters.write_token(&self.target, &entry()).await;
        if let Err(error) = &done {
            let text = format!("{error:?} {error}");
            assert!(
                !text.contains(key().expose()) && !text.contains("do-not-tell"),
                "{text}"
            );
        }
        done
    }

    /// The entry's content and the ids of its versions; none when there is no entry.
    async fn read(&self) -> Option<(Value, Vec<String>)> {
        let read = self
            .reader
            .get_secret_value()
            .secret_id(name())
            .send()
            .await;
        let read = read.ok()?;
        let described = self.reader.describe_secret().secret_id(name()).send().await;
        let versions = described.unwrap().version_ids_to_stages().unwrap().clone();
        let value = serde_json::from_str(read.secret_string().unwrap()).unwrap();
        Some((value, versions.into_keys().collect()))
    }

    async fn is_written(&self) {
        let (value, versions) = self.read().await.expect("an entry");
        assert_eq!(value, json!({"key": key().expose()}));
        assert_eq!(versions, [wish().version]);
    }

    async fn clean(&self) {
        self.clusters
            .remove_token(&self.target, TOKEN)
            .await
            .unwrap();
        assert_eq!(self.read().await, None);
    }
}

fn name() -> String {
    format!("hosted-instances/one/k7mq2x9dr4ht/{TOKEN}")
}

fn entry() -> NewTokenEntry {
    NewTokenEntry {
        consumer: TOKEN.to_owned(),
        token: key(),
        request_token: wish().version,
    }
}

#[tokio::test]
async fn an_entry_is_written_once_whatever_happens_to_the_answers() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    for ways in [
        &[][..],
        &[Way::Throttled],
        &[Way::Throttled, Way::Fault],
        &[Way::Lost],
        &[Way::Lost, Way::Lost],
        &[Way::Lost, Way::Throttled],
        &[Way::Slow],
    ] {
        assert_eq!(scene.write(ways).await, Ok(()), "{ways:?}");
        scene.is_written().await;
        // Written again, it is the same entry.
        assert_eq!(scene.write(&[]).await, Ok(()), "{ways:?}");
        scene.is_written().await;
        scene.clean().await;
    }
}

#[tokio::test]
async fn a_failure_says_whether_something_may_have_been_written() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    let table: [(&[Way], bool, bool); 4] = [
        (&[Way::Throttled; 3], false, false),
        (&[Way::Fault; 3], true, false),
        (&[Way::Lost; 3], true, true),
        (&[Way::Lost, Way::Throttled, Way::Throttled], true, true),
    ];
    for (ways, uncertain, written) in table {
        let error = scene.write(ways).await.unwrap_err();
        assert_eq!(error.is_uncertain(), uncertain, "{ways:?}: {error}");
        assert_eq!(scene.read().await.is_some(), written, "{ways:?}");
        scene.clean().await;
        // Removing what is not there is fine.
        scene.clean().await;
    }
    let nobody = clusters("http://127.0.0.1:1", "http://127.0.0.1:1");
    let error = nobody
        .write_token(&scene.target, &entry())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ClusterError::SecretsManager(t) if t.contains("cannot be connected to")),
        "{error}"
    );
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_for_certain() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    scene.write(&[]).await.unwrap();
    for request_token in [
        wish().version,
        "018f3f1e-0000-7000-8000-0000000000bb".to_owned(),
    ] {
        let other = NewTokenEntry {
            token: model::secret_text::PlainToken::instance_from(&scene.target.instance, &[1; 64]),
            request_token,
            ..entry()
        };
        let error = scene.clusters.write_token(&scene.target, &other).await;
        let error = error.unwrap_err();
        assert!(
            error.to_string().contains("with another content"),
            "{error}"
        );
        assert!(!error.is_uncertain());
    }
    scene.is_written().await;
}

#[tokio::test]
async fn a_name_that_waits_for_its_deletion_is_refused_for_certain() {
    let said = "You can't create this secret because a secret with this name is already scheduled \
                for deletion.";
    let say = Say::Json(
        400,
        json!({"__type": "InvalidRequestException", "message": said}),
    );
    let api = Api::start(move |_, _| say.clone()).await;
    let (clusters, target) = world(&api);
    let error = clusters.write_token(&target, &entry()).await.unwrap_err();
    assert!(error.to_string().contains("Restore it there"), "{error}");
    assert!(!error.is_uncertain() && api.asked().len() == 1);
}

#[tokio::test]
async fn an_entry_says_whose_it_is_and_goes_with_its_instance() {
    let Some(scene) = Scene::new().await else {
        return;
    };
    scene.write(&[]).await.unwrap();
    let described = scene
        .reader
        .describe_secret()
        .secret_id(name())
        .send()
        .await;
    let described = described.unwrap();
    let tags: BTreeMap<&str, &str> = described
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key()?, tag.value()?)))
        .collect();
    assert_eq!(tags["hosted-instances/instance"], "k7mq2x9dr4ht");
    assert_eq!(
        tags["hosted-instances/tenant"],
        "018f3f1e-0000-7000-8000-000000000001"
    );
    let mut other = scene.target.clone();
    other.instance = "k7mq2x9dr4hu".parse().unwrap();
    scene.clusters.write_token(&other, &entry()).await.unwrap();
    scene.clusters.remove_secrets(&scene.target).await.unwrap();
    assert_eq!(scene.read().await, None);
    let kept = name().replace("4ht", "4hu");
    assert!(
        scene
            .reader
            .describe_secret()
            .secret_id(kept)
            .send()
            .await
            .is_ok()
    );
}
