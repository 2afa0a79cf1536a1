//! The prover: one look at every replica of a gateway, without any key. It reports what was answered and
//! judges nothing; what it may never do is leave out a replica, a route or a worker, or make a silent
//! one look like one that refuses.

mod gate;
pub mod replica;
mod round;
mod route;

use std::time::Duration;

use kube::Client;
use model::cluster::{ClusterSettings, Replicas};
use model::enforcement::GatewayLook;
use service::ports::{ClusterError, Target};
use tokio::time::{Instant, timeout_at};

use self::replica::replicas;
use self::round::round;
use self::route::{Route, routes};
use crate::failure::Failure;

/// Within which a look ends, the way to the cluster included.
pub const WITHIN: Duration = Duration::from_millis(4_900);
/// Within which a replica answers anything.
const GREETING: Duration = Duration::from_secs(2);

/// Asks every keyed route at every replica, all of them side by side, until `end` at the latest.
pub async fn look(
    client: &Client,
    target: &Target,
    generation: i64,
    end: Instant,
) -> Result<GatewayLook, ClusterError> {
    let how = &target.cluster.gateway.replicas;
    let listed = async { futures::try_join!(routes(client, target), replicas(client, how)) };
    let (routes, replicas) = timeout_at(end, listed)
        .await
        .unwrap_or_else(|_| Err(Failure::Unreachable("no answer within 5 s".to_owned())))
        .map_err(|failure| failure.while_doing("looking for the replicas of the gateway"))?;
    let workers = workers(&target.cluster);
    // Without a route there is nothing to ask, and nothing is proven.
    let asked = replicas
        .iter()
        .filter(|_| !routes.is_empty())
        .map(|replica| round(replica, &routes, workers, generation, end));
    let looks = futures::future::join_all(asked).await;
    Ok(GatewayLook {
        routes: routes.into_iter().map(|route| route.name).collect(),
        replicas: looks,
    })
}

/// Asks every replica for anything at all; with each the reason why it gave no answer.
pub async fn greet(
    client: &Client,
    cluster: &ClusterSettings,
) -> Result<Vec<(String, Option<String>)>, Failure> {
    let replicas = replicas(client, &cluster.gateway.replicas).await?;
    let route = Route::start(&cluster.zone);
    let asked = replicas.iter().map(|replica| {
        let route = &route;
        async move {
            let heard = replica.ask(route, GREETING).await;
            (replica.name.clone(), heard.err())
        }
    });
    Ok(futures::future::join_all(asked).await)
}

fn workers(cluster: &ClusterSettings) -> Option<u32> {
    match cluster.gateway.replicas {
        Replicas::Pods { workers, .. } | Replicas::Addresses { workers, .. } => workers,
    }
}
