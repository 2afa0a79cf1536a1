//! Starting: the lock, the state, the addresses, and the tasks of each cluster.

use crate::cluster::Cluster;
use crate::controllers::{self, seed};
use crate::fault::Faults;
use crate::gateway::agent::Agents;
use crate::gateway::{Gateway, Replica, Setting};
use crate::listen::{Handler, serve};
use crate::ports::{Bound, bind};
use crate::store::{Change, Store};
use crate::{ClusterSeed, Sandbox, SandboxConfig, SandboxError, api, prometheus, secrets};
use fs4::TryLockError;
use http::Request;
use hyper::body::Incoming;
use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Starts the whole sandbox.
pub async fn start(config: SandboxConfig) -> Result<Sandbox, SandboxError> {
    check(&config.clusters)?;
    let disk = |doing| move |source| SandboxError::Disk { doing, source };
    std::fs::create_dir_all(&config.dir).map_err(disk("making it"))?;
    let lock = hold(&config.dir)?;
    let bound = bind(&config.dir, &config.clusters, config.gateway_replicas).await?;
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let (mut clusters, mut endpoints) = (Vec::new(), Vec::new());
    for (seed, bound) in config.clusters.iter().zip(bound) {
        endpoints.push(bound.endpoints.clone());
        let (cluster, changes) = open(seed, &bound, &config, &stop)?;
        tasks.spawn(controllers::run(cluster.clone(), changes));
        listen(&mut tasks, bound, &cluster);
        clusters.push(cluster);
    }
    Ok(Sandbox {
        endpoints,
        clusters,
        stop,
        tasks,
        _lock: lock,
    })
}

fn check(seeds: &[ClusterSeed]) -> Result<(), SandboxError> {
    let mut names = HashSet::new();
    for seed in seeds {
        let wrong = |why: &str| SandboxError::Seed {
            name: seed.name.clone(),
            why: why.to_owned(),
        };
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if seed.name.is_empty() || !seed.name.chars().all(letters) {
            return Err(wrong(
                "its name is not made of lower-case letters, digits and dashes",
            ));
        }
        if !names.insert(&seed.name) {
            return Err(wrong("its name is given twice"));
        }
    }
    Ok(())
}

fn hold(dir: &Path) -> Result<File, SandboxError> {
    let disk = |source| SandboxError::Disk {
        doing: "taking its lock",
        source,
    };
    let path = dir.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(disk)?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SandboxError::Held(dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(disk(source)),
    }
}

type Opened = (Arc<Cluster>, mpsc::UnboundedReceiver<Arc<Change>>);

fn open(
    seed: &ClusterSeed,
    bound: &Bound,
    config: &SandboxConfig,
    stop: &CancellationToken,
) -> Result<Opened, SandboxError> {
    let disk = |source| SandboxError::Disk {
        doing: "reading a cluster's state",
        source,
    };
    let dir = config.dir.join(&seed.name);
    std::fs::create_dir_all(dir.join("overrides")).map_err(disk)?;
    let (store, changes) = Store::open(&seed.name, &dir.join("objects.log")).map_err(disk)?;
    let faults = Arc::new(Faults::load(dir.join("faults.json")));
    let agents = Arc::new(Agents::new(faults.clone()));
    let pods = seed::gateway_pods(bound.replicas.len());
    let setting = Setting {
        workers: config.workers,
        pace: config.pace,
        lag: config.lag,
        faults: faults.clone(),
        agents,
        stuck: dir.join("stuck.json"),
        stop: stop.child_token(),
    };
    let gateway = Gateway::start(&pods, setting);
    let cluster = Arc::new(Cluster {
        seed: seed.clone(),
        pace: config.pace,
        dir,
        store,
        faults,
        gateway,
        api_url: bound.endpoints.api_url.clone(),
        open: watch::channel(true).0,
        stop: stop.child_token(),
    });
    seed::sow(&cluster, &bound.endpoints);
    Ok((cluster, changes))
}

fn listen(tasks: &mut JoinSet<()>, bound: Bound, cluster: &Arc<Cluster>) {
    let mut serve = |listener, open, handler| {
        tasks.spawn(serve(listener, open, cluster.stop.clone(), handler));
    };
    let always = || cluster.open.subscribe();
    let of = cluster.clone();
    let handler: Handler = Arc::new(move |_, request| {
        let answer = api::answer(of.clone(), request);
        Box::pin(async move { Some(answer.await) })
    });
    serve(bound.api, cluster.faults.open(), handler);
    let of = cluster.clone();
    let handler: Handler =
        Arc::new(move |_, request| Box::pin(secrets::answer(of.clone(), request)));
    serve(bound.secrets, always(), handler);
    let of = cluster.clone();
    let handler: Handler = Arc::new(move |_, request| {
        let answer = prometheus::answer(of.clone(), request);
        Box::pin(async move { Some(answer.await) })
    });
    serve(bound.prometheus, always(), handler);
    let of = cluster.clone();
    let handler: Handler = Arc::new(move |connection, request| {
        let chosen = of.gateway.balanced(connection);
        Box::pin(std::future::ready(through(chosen, &request)))
    });
    serve(bound.gateway, always(), handler);
    for (number, listener) in bound.replicas.into_iter().enumerate() {
        let Some(replica) = cluster.gateway.numbered(number) else {
            continue;
        };
        let open = replica.open();
        let handler: Handler = Arc::new(move |connection, request| {
            let chosen = (!replica.is_gone()).then(|| (replica.clone(), connection));
            Box::pin(std::future::ready(through(chosen, &request)))
        });
        serve(listener, open, handler);
    }
}

/// The answer of a replica; where there is none, the connection ends.
fn through(
    chosen: Option<(Arc<Replica>, u64)>,
    request: &Request<Incoming>,
) -> Option<axum::response::Response> {
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let (replica, connection) = chosen?;
    Some(replica.answer(connection, request.method(), target, request.headers()))
}
