//! The embedded sandbox: started by the first server of a data folder, used by all of them. When its
//! holder ends, the next server takes it over at the same addresses with the same state, so that the
//! clusters outlive the process that simulates them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts as _, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use cluster::Directory;
use model::Actor;
use model::cluster::{
    ChartSource, ClusterAccess, ClusterSettings, Gateway, OverrideSource, Replicas,
};
use model::user::StaffRole;
use sandbox::{ClusterSeed, Endpoints, Pace, Sandbox, SandboxConfig, SandboxError};
use tower::ServiceExt as _;

use super::clusters::{authority, directory};
use super::stop::Stop;
use crate::config;
use crate::failure::Failure;
use crate::http::caller::Caller;
use crate::http::problem::Problem;

/// Zone of the host names; curl and browsers resolve it to this machine.
const ZONE: &str = "sandbox.localhost";
/// Region of both clusters.
const REGION: &str = "local";
/// What each simulated cluster may hold.
const CAPACITY: u32 = 1_000;
/// How often a server that does not hold the sandbox tries to.
const RETRY: Duration = Duration::from_secs(1);
/// How long to wait for the addresses that another process is about to write.
const ADDRESSES: Duration = Duration::from_secs(10);

/// The sandbox as this process sees it.
#[derive(Clone)]
pub struct Embedded {
    config: SandboxConfig,
    endpoints: Vec<Endpoints>,
    held: Arc<Mutex<Option<Held>>>,
}

struct Held {
    sandbox: Sandbox,
    console: Router,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded")
            .field("held", &self.is_held())
            .finish_non_exhaustive()
    }
}

fn seeds() -> Vec<ClusterSeed> {
    ["development", "production"]
        .map(|purpose| ClusterSeed {
            name: format!("sandbox-{purpose}"),
            purpose: purpose.to_owned(),
            region: REGION.to_owned(),
            zone: ZONE.to_owned(),
        })
        .to_vec()
}

impl Embedded {
    /// Starts the sandbox, or finds the one that another process of this data folder runs.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub async fn start(settings: &config::Sandbox, dir: PathBuf) -> Result<Self, Failure> {
        let config = SandboxConfig {
            pace: Pace(settings.pace),
            gateway_replicas: settings.gateway_replicas,
            workers: settings.gateway_workers,
            ..SandboxConfig::new(dir, seeds())
        };
        let mut embedded = Self {
            config,
            endpoints: Vec::new(),
            held: Arc::new(Mutex::new(None)),
        };
        match embedded.take().await {
            Ok(endpoints) => embedded.endpoints = endpoints,
            Err(SandboxError::Held(_)) => {
                embedded.endpoints = addresses_in(&embedded.config.dir).await?;
            }
            Err(error) => return Err(Failure::new(error.to_string())),
        }
        Ok(embedded)
    }

    async fn take(&self) -> Result<Vec<Endpoints>, SandboxError> {
        let sandbox = Sandbox::start(self.config.clone()).await?;
        let endpoints = sandbox.endpoints().to_vec();
        let console = sandbox.console();
        *self.lock() = Some(Held { sandbox, console });
        Ok(endpoints)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where each of its clusters listens.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoints] {
        &self.endpoints
    }

    /// Whether this process simulates the clusters.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.lock().is_some()
    }

    /// Takes the sandbox over when its holder ends; ends when this process holds it.
    pub async fn take_over(self, known: Arc<Directory>, stop: Stop) {
        while !self.is_held() {
            match self.take().await {
                Ok(endpoints) => {
                    known.replace(directory(&endpoints));
                    tracing::info!("This server now simulates the sandbox clusters.");
                }
                Err(SandboxError::Held(_)) => {}
                Err(error) => tracing::warn!(%error, "The sandbox cannot be taken over yet."),
            }
            tokio::select! {
                () = stop.asked() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
        stop.asked().await;
    }

    /// The page on which faults are made and healed, wherever the sandbox is held at the time.
    /// `style` is the address of the stylesheet, which that page knows only by a plain name.
    pub fn console(&self, style: Option<&str>) -> Router {
        let embedded = self.clone();
        let pages = Router::new().fallback(move |request: Request| {
            let embedded = embedded.clone();
            async move { embedded.answer(request).await }
        });
        // With a slash at its end, because the page refers to its forms relative to itself.
        let mut router = Router::new()
            .route("/sandbox", get(|| async { Redirect::to("/sandbox/") }))
            .nest_service("/sandbox/", pages);
        if let Some(style) = style.map(|name| format!("/pkg/{name}")) {
            router = router.route(
                "/assets/style.css",
                get(|| async move { Redirect::temporary(&style) }),
            );
        }
        router
    }

    async fn answer(&self, request: Request) -> Response {
        match request
            .extensions()
            .get::<Caller>()
            .map(|caller| &caller.actor)
        {
            None | Some(Actor::Anonymous) => return Redirect::to("/sign-in").into_response(),
            Some(actor) if !may_break(actor) => return Problem::not_found().into_response(),
            Some(_) => {}
        }
        let console = self.lock().as_ref().map(|held| held.console.clone());
        let (mut parts, body) = request.into_parts();
        let caller = app::context::Caller::from_request_parts(&mut parts, &())
            .await
            .ok();
        let request = Request::from_parts(parts, body);
        match console {
            Some(console) => match console.oneshot(request).await {
                Ok(response) => framed(caller, response).await,
                Err(never) => match never {},
            },
            None => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The sandbox clusters are simulated by another server of this data folder. Make faults on that one.\n",
            )
                .into_response(),
        }
    }

    /// Ends the clusters, if this process simulates them; their state stays on disk.
    pub async fn stop(&self) {
        let held = self.lock().take();
        if let Some(held) = held {
            held.sandbox.stop().await;
        }
    }

    /// The settings under which its clusters are known to the control plane.
    ///
    /// # Errors
    /// A sentence when the sandbox names something that cannot be a cluster.
    pub fn settings(&self) -> Result<Vec<ClusterSettings>, Failure> {
        seeds()
            .iter()
            .zip(&self.endpoints)
            .map(|(seed, of)| settings_of(seed, of, self.config.workers))
            .collect()
    }
}

/// The most bytes of one of the sandbox's own pages.
const PAGE: usize = 1024 * 1024;

/// The content of one of the sandbox's pages in the console's frame; what is no page stays as it is.
async fn framed(caller: Option<app::context::Caller>, response: Response) -> Response {
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_page = kind.is_some_and(|kind| kind.starts_with("text/html"));
    let Some(mut caller) = caller.filter(|_| is_page) else {
        return response;
    };
    "/sandbox/".clone_into(&mut caller.location);
    let (parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, PAGE).await else {
        return Problem::not_found().into_response();
    };
    let page = String::from_utf8_lossy(&bytes);
    let content = page
        .split_once("<main")
        .and_then(|(_, rest)| rest.split_once('>'))
        .and_then(|(_, rest)| rest.rsplit_once("</main>"))
        .map_or_else(|| page.to_string(), |(content, _)| content.to_owned());
    app::in_frame(&caller, parts.status.as_u16(), "Sandbox", content)
}

/// Faults harm what others try, so they are for those who run the clusters.
fn may_break(actor: &Actor) -> bool {
    matches!(actor.staff(), Some(StaffRole::Owner | StaffRole::Operator))
}

async fn addresses_in(dir: &Path) -> Result<Vec<Endpoints>, Failure> {
    let looking = async {
        loop {
            if let Some(found) = sandbox::endpoints_of(dir) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(ADDRESSES, looking).await.map_err(|_| {
        Failure::new(format!(
            "Another process holds the sandbox folder {} and has not said where it listens. End that process and start again.",
            dir.display()
        ))
    })
}

/// The pods of the simulated gateway, by the pod proxy; how many workers they have is known.
fn replicas(workers: u8) -> Replicas {
    let mut replicas = Replicas::default();
    if let Replicas::Pods { workers: known, .. } = &mut replicas {
        *known = Some(u32::from(workers.max(1)));
    }
    replicas
}

fn settings_of(
    seed: &ClusterSeed,
    of: &Endpoints,
    workers: u8,
) -> Result<ClusterSettings, Failure> {
    let told = |error: &dyn std::fmt::Display| {
        Failure::new(format!(
            "The sandbox cluster {} cannot be used: {error}",
            seed.name
        ))
    };
    let address = authority(&of.gateway_url);
    let port = address
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok());
    Ok(ClusterSettings {
        name: seed.name.parse().map_err(|error| told(&error))?,
        region: seed.region.parse().map_err(|error| told(&error))?,
        purpose: seed.purpose.parse().map_err(|error| told(&error))?,
        zone: seed.zone.parse().map_err(|error| told(&error))?,
        access: ClusterAccess::Sandbox {
            name: seed.name.clone(),
        },
        argocd_namespace: "argocd".to_owned(),
        application_namespace: "hosted-instances".to_owned(),
        project: "prism-instances".to_owned(),
        chart: ChartSource {
            repo_url: "https://git.sandbox.localhost/charts.git".to_owned(),
            path: "charts/prism-instance".to_owned(),
        },
        overrides: Some(OverrideSource {
            repo_url: "https://git.sandbox.localhost/overrides.git".to_owned(),
            revision: "main".to_owned(),
        }),
        gateway: Gateway {
            scheme: "http".to_owned(),
            port,
            address: Some(address.to_owned()),
            replicas: replicas(workers),
            prometheus_url: Some(of.prometheus_url.clone()).filter(|url| !url.is_empty()),
        },
        secrets_prefix: format!("hosted-instances/{}", seed.name),
        secrets_role: None,
        capacity: CAPACITY,
        cordoned: false,
    })
}
