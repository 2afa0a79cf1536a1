//! The watch on a cluster: one stream per kind, each followed by itself, a heartbeat beside them, and a
//! book in which all that they tell is kept per instance and read out as observations. It lives until
//! it is told to stop; a cluster that is away, refuses, or comes back with other credentials is a state
//! that is reported, never an end.

pub mod book;
pub mod follow;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Event, Namespace, PersistentVolumeClaim, Pod};
use kube::Client;
use kube::api::Api;
use model::Clock;
use model::cluster::ClusterSettings;
use service::ports::{Targets, WatchEvent};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::client::Clients;
use crate::failure::Failure;
use crate::resource::{ApisixPluginConfig, Application, Certificate, ExternalSecret, Postgresql};
use book::{Book, Told};
use follow::{Follower, Pace, follow};

/// How often the cluster is asked whether it is there, and within which time it must say so.
const BEAT: Duration = Duration::from_secs(5);
/// How often what has changed is looked through.
const TICK: Duration = Duration::from_millis(50);
/// How many changes may wait for the book before the streams are read more slowly.
const INBOX: usize = 1_024;

/// Why a session with a cluster ended.
enum End {
    /// Nobody listens any more.
    Stopped,
    /// The client is built from something else now.
    Changed,
    /// There is no client.
    Unusable(String),
}

/// Watches until `stop` turns true or nobody listens.
pub async fn watch(
    clients: &Clients,
    cluster: &ClusterSettings,
    targets: Arc<dyn Targets>,
    sink: mpsc::Sender<WatchEvent>,
    mut stop: watch::Receiver<bool>,
    clock: Arc<dyn Clock>,
) {
    let mut book = Book::default();
    let watching = async {
        loop {
            match session(clients, cluster, &*targets, &sink, &mut book, &clock).await {
                End::Stopped => return,
                End::Changed => {}
                End::Unusable(why) => {
                    book.hear(Told::Beat(Err(why)));
                    if read_out(&mut book, &*targets, &sink, &*clock)
                        .await
                        .is_err()
                    {
                        return;
                    }
                    tokio::time::sleep(BEAT).await;
                }
            }
        }
    };
    tokio::select! {
        // An error means that whoever could stop us is gone.
        _ = stop.wait_for(|stop| *stop) => {}
        () = watching => {}
    }
}

async fn session(
    clients: &Clients,
    cluster: &ClusterSettings,
    targets: &dyn Targets,
    sink: &mpsc::Sender<WatchEvent>,
    book: &mut Book,
    clock: &Arc<dyn Clock>,
) -> End {
    let handle = match clients.get(cluster).await {
        Ok(handle) => handle,
        Err(error) => return End::Unusable(error.to_string()),
    };
    book.begin();
    let (teller, mut inbox) = mpsc::channel(INBOX);
    let wake = Arc::new(Notify::new());
    let mut streams = streams(&handle.client, cluster, &teller, &wake, clock);
    streams.spawn(beat(handle.client.clone(), teller));
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look = interval(BEAT);
    loop {
        tokio::select! {
            told = inbox.recv() => match told {
                Some(told) => {
                    let was_away = book.is_away();
                    book.hear(told);
                    if was_away && !book.is_beatless() {
                        // It answers again: whoever waits before another attempt need not.
                        wake.notify_waiters();
                    }
                }
                // The streams never end by themselves.
                None => return End::Stopped,
            },
            _ = tick.tick() => {
                if read_out(book, targets, sink, &**clock).await.is_err() {
                    return End::Stopped;
                }
            }
            _ = look.tick() => match clients.get(cluster).await {
                Ok(now) if now.same(&handle) => {}
                Ok(_) => return End::Changed,
                Err(error) => return End::Unusable(error.to_string()),
            },
            () = sink.closed() => return End::Stopped,
        }
    }
}

/// Hands over what is due; fails when nobody listens.
async fn read_out(
    book: &mut Book,
    targets: &dyn Targets,
    sink: &mpsc::Sender<WatchEvent>,
    clock: &dyn Clock,
) -> Result<(), mpsc::error::SendError<WatchEvent>> {
    for event in book.due(Instant::now(), clock.now(), targets) {
        sink.send(event).await?;
    }
    Ok(())
}

fn streams(
    client: &Client,
    cluster: &ClusterSettings,
    teller: &mpsc::Sender<Told>,
    wake: &Arc<Notify>,
    clock: &Arc<dyn Clock>,
) -> JoinSet<()> {
    let mut set = JoinSet::new();
    let with = || Follower {
        teller: teller.clone(),
        wake: wake.clone(),
        clock: clock.clone(),
        cluster: cluster.name.to_string(),
        pace: Pace::default(),
    };
    let space = &cluster.application_namespace;
    set.spawn(follow::<Application>(
        Api::namespaced(client.clone(), space),
        with(),
    ));
    set.spawn(follow::<Namespace>(Api::all(client.clone()), with()));
    set.spawn(follow::<Deployment>(Api::all(client.clone()), with()));
    set.spawn(follow::<StatefulSet>(Api::all(client.clone()), with()));
    set.spawn(follow::<Pod>(Api::all(client.clone()), with()));
    set.spawn(follow::<PersistentVolumeClaim>(
        Api::all(client.clone()),
        with(),
    ));
    set.spawn(follow::<ExternalSecret>(Api::all(client.clone()), with()));
    set.spawn(follow::<Certificate>(Api::all(client.clone()), with()));
    set.spawn(follow::<Postgresql>(Api::all(client.clone()), with()));
    set.spawn(follow::<ApisixPluginConfig>(
        Api::all(client.clone()),
        with(),
    ));
    set.spawn(follow::<Event>(Api::all(client.clone()), with()));
    set
}

/// Asks for the version again and again; the answer shows that the API is there, whatever the streams
/// believe.
async fn beat(client: Client, teller: mpsc::Sender<Told>) {
    let mut pace = interval(BEAT);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let answer = match timeout(BEAT, client.apiserver_version()).await {
            Ok(Ok(version)) => Ok(version.git_version),
            Ok(Err(error)) => Err(Failure::from(error).why()),
            Err(_) => Err(format!("no answer within {} s", BEAT.as_secs())),
        };
        if teller.send(Told::Beat(answer)).await.is_err() {
            return;
        }
    }
}
