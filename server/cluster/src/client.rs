//! Clients, one per cluster, built once and again when what they were built from changes; and the
//! one way in which calls are made: under a deadline, repeated only while the trouble may pass.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Client;
use kube::client::ClientBuilder;
use model::cluster::{ClusterAccess, ClusterSettings};
use service::ports::ClusterError;
use tokio::time::Instant;
use tower::util::MapRequestLayer;

use crate::access::{Origin, Ways};
use crate::aws::Aws;
use crate::eks::Bearer;
use crate::failure::{Failure, misconfigured};

/// Every call ends within this time, its repetitions included.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Pauses before a call is repeated.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// A cluster that can be spoken to.
#[derive(Clone)]
pub struct Handle {
    /// For typed access.
    pub client: Client,
    bearer: Option<Arc<Bearer>>,
    access: ClusterAccess,
    origin: Origin,
}

impl Handle {
    /// Whether the other one is built from the same things.
    pub fn same(&self, other: &Self) -> bool {
        self.access == other.access && self.origin == other.origin
    }

    /// Renews credentials that are about to end.
    pub async fn refresh(&self) -> Result<(), ClusterError> {
        match &self.bearer {
            Some(bearer) => bearer.refresh().await,
            None => Ok(()),
        }
    }
}

/// The clients in use.
pub struct Clients {
    ways: Ways,
    aws: Arc<Aws>,
    known: Mutex<HashMap<String, Handle>>,
}

impl Clients {
    pub fn new(ways: Ways, aws: Arc<Aws>) -> Self {
        Self {
            ways,
            aws,
            known: Mutex::default(),
        }
    }

    /// The ways that are offered.
    pub fn ways(&self) -> &Ways {
        &self.ways
    }

    /// The client of a cluster, with credentials that hold for minutes.
    pub async fn get(&self, cluster: &ClusterSettings) -> Result<Handle, ClusterError> {
        let origin = self.ways.origin(&cluster.access)?;
        let name = cluster.name.as_str();
        let known = self.known().get(name).cloned();
        if let Some(known) = known.filter(|k| k.access == cluster.access && k.origin == origin) {
            known.refresh().await?;
            return Ok(known);
        }
        let handle = self.build(&cluster.access, origin).await?;
        self.known().insert(name.to_owned(), handle.clone());
        Ok(handle)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Handle>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn build(&self, access: &ClusterAccess, origin: Origin) -> Result<Handle, ClusterError> {
        let unusable = |error: kube::Error| {
            misconfigured(format!("The access to the cluster cannot be used: {error}"))
        };
        let (client, bearer) = match access {
            ClusterAccess::Eks {
                name,
                region,
                role_arn,
            } if self.ways.eks => {
                let (config, bearer) =
                    crate::eks::reach(&self.aws, name, region, role_arn.as_deref()).await?;
                let header = bearer.clone();
                let layer = MapRequestLayer::new(move |request| header.sign(request));
                let builder = ClientBuilder::try_from(config).map_err(unusable)?;
                (builder.with_layer(&layer).build(), Some(bearer))
            }
            other => {
                let config = self.ways.configuration(other).await?;
                (
                    ClientBuilder::try_from(config).map_err(unusable)?.build(),
                    None,
                )
            }
        };
        Ok(Handle {
            client,
            bearer,
            access: access.clone(),
            origin,
        })
    }
}

/// Makes a call that is safe to repeat: again after a short pause while the API is busy or silent, never
/// past the deadline.
pub async fn call<T, F, Fut>(make: F) -> Result<T, Failure>
where
    F: Fn() -> Fut,
    Fut: Future<Output = kube::Result<T>>,
{
    let end = Instant::now() + DEADLINE;
    let mut pauses = PAUSES.into_iter();
    loop {
        let failure = match tokio::time::timeout_at(end, make()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Failure::from(error),
            Err(_) => {
                let seconds = DEADLINE.as_secs();
                return Err(Failure::Unreachable(format!(
                    "no answer within {seconds} s"
                )));
            }
        };
        let Some(pause) = pauses.next().filter(|_| failure.passes()) else {
            return Err(failure);
        };
        // What the API asks for is kept; when it is longer than we have, the caller is told.
        let pause = match failure {
            Failure::Busy { pause: Some(asked) } => asked.max(pause),
            _ => pause,
        };
        if Instant::now() + pause >= end {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
    }
}

/// The same, where "not there" is an answer.
pub async fn find<T, F, Fut>(make: F) -> Result<Option<T>, Failure>
where
    F: Fn() -> Fut,
    Fut: Future<Output = kube::Result<T>>,
{
    match call(make).await {
        Ok(found) => Ok(Some(found)),
        Err(Failure::NotFound(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}
