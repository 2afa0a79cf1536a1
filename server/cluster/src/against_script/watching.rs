//! One stream of a watch, at a pace of its own, against lists and watches that end in every way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use model::InstanceId;
use serde_json::{Value, json};
use service::ports::{ClusterPort, Target, Targets, WatchEvent};
use tokio::sync::{Notify, mpsc, watch};

use super::{Fixed, SPACE, world};
use crate::reduce::Sort;
use crate::scripted::{Api, Asked, Say};
use crate::watch::book::Told;
use crate::watch::follow::{Follower, Pace, follow};

fn pods(version: &str, names: &[&str]) -> Value {
    let items: Vec<Value> = names.iter().map(|name| pod(name, version)).collect();
    json!({"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": version}, "items": items})
}

fn pod(name: &str, version: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": SPACE, "resourceVersion": version},
        "spec": {"containers": []}, "status": {}})
}

/// Follows pods at a test's pace and writes down what is told.
async fn followed(api: &Api, until: usize) -> Vec<(String, Duration)> {
    let config = kube::Config::new(api.url.parse().unwrap());
    let client = kube::Client::try_from(crate::access::bounded(config)).unwrap();
    let (teller, mut told) = mpsc::channel(64);
    let with = Follower {
        teller,
        wake: Arc::new(Notify::new()),
        clock: Arc::new(Fixed),
        cluster: "x".to_owned(),
        pace: Pace {
            watch_seconds: 1,
            watch_dead: Duration::from_millis(1_200),
            list_gap: Duration::from_millis(700),
            absent: Duration::from_millis(500),
        },
    };
    let begun = Instant::now();
    let task = tokio::spawn(follow::<Pod>(kube::Api::all(client), with));
    let mut heard = Vec::new();
    while heard.len() < until {
        let told = tokio::time::timeout(Duration::from_secs(20), told.recv()).await;
        let word = match told.unwrap().unwrap() {
            Told::Begin(Sort::Pod) => "begin".to_owned(),
            Told::Put(_, _, name, fact) => {
                format!("{}{name}", if fact.is_some() { "+" } else { "-" })
            }
            Told::Done(_) => "done".to_owned(),
            Told::Up(_) => "up".to_owned(),
            Told::Down(_, why) => format!("down {why}"),
            other => panic!("{other:?}"),
        };
        heard.push((word, begun.elapsed()));
    }
    task.abort();
    heard
}

fn words(heard: &[(String, Duration)]) -> Vec<&str> {
    heard.iter().map(|(word, _)| word.as_str()).collect()
}

#[tokio::test]
async fn a_version_that_is_forgotten_leads_to_a_new_list_but_never_to_a_storm() {
    let gone = json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired",
        "message": "too old resource version"}});
    let api = Api::start(move |asked, before| match (asked.is_watch(), before) {
        (false, 0) => Say::Json(200, pods("5", &["a", "b"])),
        (false, _) => Say::Json(200, pods("9", &["b"])),
        (true, 0 | 1) => Say::Lines(vec![gone.clone()]),
        (true, _) => Say::Hang(vec![]),
    })
    .await;
    let heard = followed(&api, 12).await;
    assert_eq!(
        words(&heard),
        [
            "begin", "+a", "+b", "done", "up", "begin", "+b", "done", "up", "begin", "+b", "done"
        ]
    );
    for (earlier, later) in [(0, 5), (5, 9)] {
        let gap = heard[later].1.saturating_sub(heard[earlier].1);
        assert!(gap >= Duration::from_millis(690), "{gap:?}");
    }
}

#[tokio::test]
async fn a_watch_goes_on_from_where_it_was_and_a_dead_connection_is_left() {
    let api = Api::start(|asked, before| match (asked.is_watch(), before) {
        (false, _) => Say::Json(200, pods("5", &[])),
        (true, 0) => Say::Hang(vec![
            json!({"type": "ADDED", "object": pod("a", "6")}),
            json!({"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1",
                "metadata": {"resourceVersion": "8"}}}),
        ]),
        (true, 1) => Say::Hang(vec![json!({"type": "DELETED", "object": pod("a", "9")})]),
        (true, _) => Say::Hang(vec![]),
    })
    .await;
    let heard = followed(&api, 6).await;
    assert_eq!(words(&heard), ["begin", "done", "up", "+a", "up", "-a"]);
    let noticed = heard[4].1.saturating_sub(heard[2].1);
    assert!(noticed < Duration::from_secs(2), "{noticed:?}");
    let from: Vec<String> = api
        .asked()
        .into_iter()
        .filter(Asked::is_watch)
        .map(|asked| asked.query["resourceVersion"].clone())
        .collect();
    assert_eq!(from[..2], ["5", "8"], "bookmarks count");
    let first = api.asked().into_iter().find(Asked::is_watch).unwrap();
    assert_eq!(first.query["allowWatchBookmarks"], "true");
    assert_eq!(
        api.asked().iter().filter(|a| !a.is_watch()).count(),
        1,
        "one list is enough"
    );
}

#[tokio::test]
async fn lists_are_read_in_pages_and_troubles_are_told() {
    let api = Api::start(|asked, before| match (asked.is_watch(), before) {
        (false, 0) => Say::status(500, "etcd is away"),
        (false, 1) => Say::Garbage(200),
        (false, 2) => Say::status(404, "not installed"),
        (false, _) if asked.query.contains_key("continue") => Say::Json(200, pods("7", &["b"])),
        (false, _) => {
            let mut page = pods("7", &["a"]);
            page["metadata"]["continue"] = json!("next");
            Say::Json(200, page)
        }
        (true, _) => Say::Hang(vec![]),
    })
    .await;
    let heard = followed(&api, 11).await;
    let words = words(&heard);
    assert_eq!(words[0], "begin");
    assert_eq!(words[1], "down pods: the API answers 500: etcd is away");
    assert!(
        words[3].starts_with("down pods: the answer is not"),
        "{words:?}"
    );
    assert_eq!(
        words[4..],
        ["begin", "begin", "done", "begin", "+a", "+b", "done"]
    );
    assert_eq!(api.asked()[0].query["limit"], "500");
}

#[tokio::test]
async fn ten_thousand_objects_are_twenty_pages() {
    let api = Api::start(|asked, _| {
        if asked.is_watch() {
            return Say::Hang(vec![]);
        }
        let page: usize = asked
            .query
            .get("continue")
            .map_or(0, |at| at.parse().unwrap());
        let names: Vec<String> = (0..500).map(|n| format!("{page}-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut list = pods("7", &names);
        if page < 19 {
            list["metadata"]["continue"] = json!((page + 1).to_string());
        }
        Say::Json(200, list)
    })
    .await;
    let heard = followed(&api, 10_003).await;
    let put = heard
        .iter()
        .filter(|(word, _)| word.starts_with('+'))
        .count();
    assert_eq!((put, heard[10_001].0.as_str()), (10_000, "done"));
    assert_eq!(api.asked().iter().filter(|a| !a.is_watch()).count(), 20);
}

/// A whole watch on an API whose behaviour changes when the test says so.
async fn watched(
    say: impl Fn(&Asked, bool) -> Say + Send + Sync + 'static,
) -> (
    Api,
    Arc<AtomicBool>,
    mpsc::Receiver<WatchEvent>,
    watch::Sender<bool>,
) {
    let turned = Arc::new(AtomicBool::new(false));
    let switch = turned.clone();
    let api = Api::start(move |asked, _| say(asked, switch.load(Ordering::SeqCst))).await;
    let (clusters, target) = world(&api);
    let (sink, events) = mpsc::channel(64);
    let (stopper, stop) = watch::channel(false);
    tokio::spawn(async move {
        let targets = Arc::new(Nobody);
        clusters.watch(&target.cluster, targets, sink, stop).await;
    });
    (api, turned, events, stopper)
}

#[derive(Debug)]
struct Nobody;

impl Targets for Nobody {
    fn target(&self, _: &InstanceId) -> Option<Arc<Target>> {
        None
    }
}

fn usual(asked: &Asked) -> Say {
    if asked.path == "/version" {
        return Say::version();
    }
    if asked.is_watch() {
        return Say::Hang(vec![]);
    }
    Say::Json(
        200,
        json!({"metadata": {"resourceVersion": "1"}, "items": []}),
    )
}

async fn next(events: &mut mpsc::Receiver<WatchEvent>) -> WatchEvent {
    tokio::time::timeout(Duration::from_secs(20), events.recv())
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_cluster_that_falls_silent_is_told_within_ten_seconds() {
    let (_api, turned, mut events, stopper) =
        watched(
            |asked, silent| {
                if silent { Say::Nothing } else { usual(asked) }
            },
        )
        .await;
    while !matches!(next(&mut events).await, WatchEvent::Listed) {}
    turned.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    loop {
        match next(&mut events).await {
            WatchEvent::Unreachable { why } => {
                assert_eq!(why, "no answer within 5 s");
                break;
            }
            other => assert!(matches!(other, WatchEvent::Reachable { .. }), "{other:?}"),
        }
    }
    assert!(
        begun.elapsed() < Duration::from_millis(10_500),
        "{:?}",
        begun.elapsed()
    );
    stopper.send(true).unwrap();
    let end = tokio::time::timeout(Duration::from_secs(1), async {
        while events.recv().await.is_some() {}
    });
    end.await.unwrap();
}

#[tokio::test]
async fn a_cluster_that_hides_a_kind_is_not_trusted() {
    let (_api, _turned, mut events, _stopper) = watched(|asked, _| {
        if asked.path.ends_with("/pods") {
            return Say::status(
                403,
                "pods is forbidden: User \"x\" cannot list resource \"pods\"",
            );
        }
        usual(asked)
    })
    .await;
    loop {
        match next(&mut events).await {
            WatchEvent::Unreachable { why } => {
                assert!(why.starts_with("pods: pods is forbidden"), "{why}");
                break;
            }
            other => assert!(matches!(other, WatchEvent::Reachable { .. }), "{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_kind_that_is_not_installed_holds_nothing_up() {
    let (_api, _turned, mut events, _stopper) = watched(|asked, _| {
        if asked.path.contains("cert-manager.io") {
            return Say::status(404, "the server could not find the requested resource");
        }
        usual(asked)
    })
    .await;
    // On a busy machine the first answer may come late, and what is told before it is another matter.
    let mut version = None;
    loop {
        match next(&mut events).await {
            WatchEvent::Reachable { kubernetes } => version = Some(kubernetes),
            WatchEvent::Listed => break,
            _ => {}
        }
    }
    assert_eq!(version.as_deref(), Some("v1.35.4"));
}
