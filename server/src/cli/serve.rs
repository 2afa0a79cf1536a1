//! `serve`: opens what lies on disk, starts what runs, prints the link, and ends in order. Whatever
//! can be refused (a held folder, a taken port, another key) is refused before anything runs.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use clap::Args;
use cluster::Directory;
use service::Services;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::print;
use crate::config::{Config, Flags};
use crate::failure::Failure;
use crate::http::{AppState, HttpSettings, Metrics};
use crate::wiring::database::{self, Opened};
use crate::wiring::folder::{DataFolder, FolderLock};
use crate::wiring::github::GithubKeys;
use crate::wiring::sandbox::Embedded;
use crate::wiring::stop::{Stop, pair};
use crate::wiring::{assets, audit, clusters, process, services};
use crate::worker::Background;

/// The catalogue that a new installation begins with.
const RELEASES: &str = include_str!("../../../deploy/releases.toml");
/// How long work in the background may take to hand back what it holds.
const HAND_BACK: Duration = Duration::from_secs(10);
/// How long a start waits at most until the gates of tokens that fell due meanwhile are written.
const CATCHING_UP: Duration = Duration::from_secs(10);

#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Address and port of the console and the REST API [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The address people type, such as `https://instances.example.org` [default:
    /// `http://localhost:PORT`].
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Address and port on which `/metrics` is served [default: not served].
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics_listen: Option<SocketAddr>,
    /// Simulates two clusters in this process, for trying the product without any cloud.
    #[arg(long)]
    sandbox: bool,
    /// How fast things happen in the sandbox: with 1 a new instance takes about ten seconds, with 0
    /// none [default: 1].
    #[arg(long, value_name = "FACTOR")]
    sandbox_pace: Option<f64>,
}

impl Serve {
    pub(super) fn flags(&self, flags: &mut Flags) {
        flags.set("server", "listen", self.listen.map(|it| it.to_string()));
        flags.set("server", "public_url", self.public_url.clone());
        flags.set(
            "metrics",
            "listen",
            self.metrics_listen.map(|it| it.to_string()),
        );
        flags.set("sandbox", "enabled", self.sandbox.then_some(true));
        flags.set("sandbox", "pace", self.sandbox_pace);
    }
}

/// Runs the server until it is told to stop.
pub(super) async fn run(config: Config) -> Result<ExitCode, Failure> {
    let (stopper, stop) = pair();
    stopper.on_signals()?;
    process::log_panics();
    let server = Server::start(config, &stop).await?;
    print(&server.greeting().await?)?;
    server.until_stopped(&stop).await
}

/// A server that runs.
struct Server {
    config: Config,
    opened: Opened,
    services: Arc<Services>,
    embedded: Option<Embedded>,
    background: Background,
    listening: Vec<Listening>,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    public_url: String,
    /// Held for as long as the process serves.
    _lock: Option<FolderLock>,
}

type Listening = JoinHandle<std::io::Result<()>>;

impl Server {
    async fn start(config: Config, stop: &Stop) -> Result<Self, Failure> {
        let folder = DataFolder::open(&config.server.data_dir)?;
        // Several servers may share PostgreSQL and even the folder; SQLite has one.
        let lock = match &config.database.url {
            None => Some(folder.lock().await?),
            Some(_) => None,
        };
        let (listener, metrics_listener) = listeners(&config).await?;
        let address = local(&listener)?;
        let public_url = config.public_url(address.port());
        let opened = database::open(&config).await?;
        let embedded = if config.sandbox.enabled {
            Some(Embedded::start(&config.sandbox, opened.folder.sandbox()).await?)
        } else {
            None
        };
        let known = embedded
            .as_ref()
            .map(|it| clusters::directory(it.endpoints()))
            .unwrap_or_default();
        let known = Arc::new(Directory::new(known));
        let adapters = clusters::build(&config, known.clone());
        let services = Arc::new(services::build(&config, &opened, adapters, &public_url)?);
        prepare(&services, embedded.as_ref()).await?;
        let mut background =
            Background::begin(&services, &process::name(&*services.context.entropy), stop);
        if let Some(embedded) = &embedded {
            let (embedded, until) = (embedded.clone(), stop.clone());
            background.keep("sandbox", stop, move || {
                embedded.clone().take_over(known.clone(), until.clone())
            });
        }
        audit::begin(&mut background, &services, &config, &opened.folder, stop)?;
        catch_up(&services).await?;
        let metrics_address = metrics_listener.as_ref().map(local).transpose()?;
        let state = state(&config, &services, embedded.as_ref(), stop, &public_url);
        let delay = Duration::from_secs(config.server.stop_delay_seconds);
        let mut listening = vec![listen(listener, crate::http::router(&state), stop, delay)];
        if let Some(listener) = metrics_listener {
            listening.push(listen(
                listener,
                crate::http::metrics_router(&state),
                stop,
                delay,
            ));
        }
        Ok(Self {
            config,
            opened,
            services,
            embedded,
            background,
            listening,
            address,
            metrics_address,
            public_url,
            _lock: lock,
        })
    }

    /// What a person wants to know now: where to go, where the clusters answer, where the data lies.
    async fn greeting(&self) -> Result<String, Failure> {
        let mut text = String::from("\nHosted instances is ready.\n\n");
        let open = match self.services.auth.setup_link().await? {
            Some(token) => {
                format!(
                    "{}/setup/{token}\n             makes the first owner; it works once",
                    self.public_url
                )
            }
            None => format!("{}/", self.public_url),
        };
        let engine = self.services.context.db.engine();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  Open       {open}");
        let _ = writeln!(
            text,
            "  REST       {}/api/v1, described at {0}/api/docs",
            self.public_url
        );
        for of in self.embedded.iter().flat_map(Embedded::endpoints) {
            let _ = writeln!(
                text,
                "  Sandbox    kubectl --server {} get applications -A    # {}",
                of.api_url, of.cluster
            );
        }
        if let Some(address) = self.metrics_address {
            let _ = writeln!(text, "  Metrics    http://{address}/metrics");
        }
        let _ = writeln!(
            text,
            "  Data       {} ({engine})",
            self.opened.folder.path().display()
        );
        let _ = writeln!(text, "  Stop       Ctrl-C");
        Ok(text)
    }

    async fn until_stopped(self, stop: &Stop) -> Result<ExitCode, Failure> {
        tracing::info!(address = %self.address, "Serving.");
        stop.asked().await;
        let drain = self.config.server.stop_delay_seconds + self.config.server.drain_seconds;
        let requests = finish(self.listening, Duration::from_secs(drain));
        let ((), ()) = tokio::join!(requests, self.background.ended(HAND_BACK));
        self.services.context.db.close().await;
        if let Some(embedded) = &self.embedded {
            embedded.stop().await;
        }
        tracing::info!("Stopped.");
        Ok(ExitCode::SUCCESS)
    }
}

/// What must be in the database before anybody asks: no requests that a dead process left unanswered,
/// the catalogue, and the sandbox's clusters.
async fn prepare(services: &Services, embedded: Option<&Embedded>) -> Result<(), Failure> {
    services.idempotency.inherit().await?;
    let added = services.release.seed(RELEASES).await?;
    if added > 0 {
        tracing::info!(added, "Releases were added to the catalogue.");
    }
    if let Some(embedded) = embedded {
        for settings in embedded.settings()? {
            services.cluster.adopt(settings).await?;
        }
    }
    Ok(())
}

/// Carries out what fell due while no server ran, before anybody is answered: a token whose time is
/// over must not be live because we were away.
async fn catch_up(services: &Services) -> Result<(), Failure> {
    let late = services.token.catch_up(CATCHING_UP).await?;
    if late > 0 {
        tracing::warn!(
            late,
            "Tokens fell due while no server ran and are revoked now."
        );
    }
    Ok(())
}

fn state(
    config: &Config,
    services: &Arc<Services>,
    embedded: Option<&Embedded>,
    stop: &Stop,
    public_url: &str,
) -> AppState {
    let public_dir = assets::folder(&config.server);
    let assets = assets::read(&public_dir);
    let extra = embedded.map(|embedded| embedded.console(assets.style.as_deref()));
    AppState {
        services: services.clone(),
        settings: Arc::new(HttpSettings {
            public_url: public_url.to_owned(),
            trusted_proxies: usize::from(config.server.trusted_proxies),
            assets,
            public_dir,
            environment: config.server.environment.clone(),
            sandbox: embedded.is_some(),
        }),
        metrics: Arc::new(Metrics::new()),
        github_keys: Arc::new(GithubKeys::new(&config.tokens.github_keys_url)),
        draining: stop.receiver(),
        extra: extra.unwrap_or_default(),
    }
}

async fn listeners(config: &Config) -> Result<(TcpListener, Option<TcpListener>), Failure> {
    let listener = bind(config.server.listen, "--listen").await?;
    let metrics = match config.metrics.listen {
        Some(address) => Some(bind(address, "--metrics-listen").await?),
        None => None,
    };
    Ok((listener, metrics))
}

async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program listens there".to_owned(),
            std::io::ErrorKind::PermissionDenied => "ports below 1024 are the system's".to_owned(),
            std::io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
            _ => error.to_string(),
        };
        Failure::new(format!(
            "{address} cannot be listened on: {why}. Choose another one with {flag}."
        ))
    })
}

fn local(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener
        .local_addr()
        .map_err(|error| Failure::new(format!("The listener has no address: {error}.")))
}

/// Serves until told to stop, and `delay` longer; then accepts nothing more and ends with the last
/// request.
fn listen(listener: TcpListener, router: axum::Router, stop: &Stop, delay: Duration) -> Listening {
    let stop = stop.clone();
    // Answers are written whole; waiting for more bytes only makes them late.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let until = async move {
        stop.asked().await;
        tokio::time::sleep(delay).await;
    };
    tokio::spawn(async move {
        axum::serve(listener, service)
            .with_graceful_shutdown(until)
            .await
    })
}

/// Waits for the last requests, for so long at most.
async fn finish(listening: Vec<Listening>, within: Duration) {
    let stoppers: Vec<_> = listening.iter().map(JoinHandle::abort_handle).collect();
    let all = async {
        for one in listening {
            if let Ok(Err(error)) = one.await {
                tracing::warn!(%error, "A listener ended with an error.");
            }
        }
    };
    if tokio::time::timeout(within, all).await.is_err() {
        tracing::warn!(
            "Requests that did not end within {} s were cut off.",
            within.as_secs()
        );
        stoppers.iter().for_each(tokio::task::AbortHandle::abort);
    }
}
