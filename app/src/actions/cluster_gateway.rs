//! What the forms of a cluster say about its gateway, and changing it.

use axum::extract::Path;
use axum::response::Response;
use model::cluster::{Gateway, Replicas};
use service::Error;
use service::cluster::ChangeCluster;
use service::error::Fields;

use super::Table;
use super::cluster::{change, refused};
use super::desk::Desk;
use super::posted::Posted;

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table.form("/clusters/{name}/gateway", set)
}

/// Reads a number that may be left out.
fn optional<T: std::str::FromStr>(
    posted: &Posted,
    wrong: &mut Fields,
    field: &'static str,
    message: &'static str,
) -> Option<T> {
    let text = posted.optional(field)?;
    wrong.take(field, text.parse().map_err(|_| message))
}

const PORT: &str = "Use a port from 1 to 65535.";

/// The gateway as the form describes it; what is wrong goes into `wrong`.
pub fn gateway(posted: &Posted, wrong: &mut Fields) -> Gateway {
    let port = optional(posted, wrong, "gateway_port", PORT);
    Gateway {
        scheme: posted.get("gateway_scheme").trim().to_owned(),
        port,
        address: posted.optional("gateway_address"),
        replicas: replicas(posted, wrong),
        prometheus_url: posted.optional("prometheus_url"),
    }
}

fn replicas(posted: &Posted, wrong: &mut Fields) -> Replicas {
    let workers = optional(posted, wrong, "workers", "Use a whole number, 1 or more.");
    if workers == Some(0) {
        wrong.add("workers", "Use a whole number, 1 or more.");
    }
    if posted.get("replicas") == "addresses" {
        let addresses: Vec<String> = posted
            .get("addresses")
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        if addresses.is_empty() {
            wrong.add("addresses", "Enter at least one address as host:port.");
        }
        return Replicas::Addresses { addresses, workers };
    }
    let Replicas::Pods {
        namespace,
        selector,
        port,
        ..
    } = Replicas::default()
    else {
        return Replicas::default();
    };
    Replicas::Pods {
        namespace: posted.optional("pods_namespace").unwrap_or(namespace),
        selector: posted.optional("pods_selector").unwrap_or(selector),
        port: optional(posted, wrong, "pods_port", PORT).unwrap_or(port),
        direct: posted.get("pods_direct") == "direct",
        workers,
    }
}

async fn set(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let mut wrong = Fields::default();
    let gateway = gateway(&posted, &mut wrong);
    let done = match wrong.done() {
        Ok(()) => {
            let wish = ChangeCluster {
                gateway: Some(gateway),
                ..Default::default()
            };
            change(&desk, &text, wish).await
        }
        // Whoever may not change it is not told what is wrong with the form.
        Err(error) => desk
            .allowed(model::permission::Permission::ChangeCluster)
            .and(Err::<_, Error>(error)),
    };
    match done {
        Ok(one) => desk.done(
            "The gateway is asked in the new way from now on.",
            &format!("/clusters/{}", one.settings.name),
        ),
        Err(error) => refused(&desk, &text, error, posted).await,
    }
}
