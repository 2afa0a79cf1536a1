//! The replicas of a gateway: which there are, and how a request reaches exactly one of them. A replica
//! that Kubernetes no longer sends requests to is one as well, since somebody may still hold a
//! connection to it; only one that has ended, or has never had an address, cannot answer anybody.

use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Collected, Limited};
use hyper::body::Bytes;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::client::Body;
use kube::{Client, ResourceExt as _};
use model::cluster::Replicas;
use tokio::time::{Duration, timeout};

use super::route::Route;
use crate::client::find;
use crate::dial::{self, Door};
use crate::failure::{Failure, root, shorten};

/// The most bytes of an answer that are read; a refusal has a few dozen.
const BODY: usize = 64 << 10;

/// One replica.
#[derive(Clone)]
pub struct Replica {
    /// Its pod, or its address.
    pub name: String,
    /// Whether Kubernetes calls it ready.
    pub ready: bool,
    way: Way,
}

/// How a request reaches it.
#[derive(Clone)]
enum Way {
    /// By its own address.
    Direct(String),
    /// Through the Kubernetes API, below this path.
    Proxy(Client, String),
}

/// What it answered.
#[derive(Debug)]
pub struct Heard {
    pub status: u16,
    pub headers: HeaderMap,
}

/// Every replica that may answer, by name.
pub async fn replicas(client: &Client, how: &Replicas) -> Result<Vec<Replica>, Failure> {
    let (namespace, selector, port, direct) = match how {
        Replicas::Addresses { addresses, .. } => {
            return Ok(addresses.iter().map(|it| at_address(it)).collect());
        }
        Replicas::Pods {
            namespace,
            selector,
            port,
            direct,
            ..
        } => (namespace, selector, *port, *direct),
    };
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let params = ListParams::default().labels(selector);
    let found = find(|| api.list(&params)).await?;
    let mut replicas: Vec<Replica> = found
        .into_iter()
        .flat_map(|list| list.items)
        .filter_map(|pod| of_pod(client, &pod, namespace, port, direct))
        .collect();
    replicas.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(replicas)
}

fn at_address(address: &str) -> Replica {
    Replica {
        name: address.to_owned(),
        ready: true,
        way: Way::Direct(address.to_owned()),
    }
}

fn of_pod(client: &Client, pod: &Pod, space: &str, port: u16, direct: bool) -> Option<Replica> {
    let status = pod.status.as_ref()?;
    let ended = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
    let address = status.pod_ip.as_deref().filter(|ip| !ip.is_empty())?;
    if ended {
        return None;
    }
    let name = pod.name_any();
    let way = if direct {
        let v6 = address.contains(':');
        let host = if v6 {
            format!("[{address}]")
        } else {
            address.to_owned()
        };
        Way::Direct(format!("{host}:{port}"))
    } else {
        let place = format!("/api/v1/namespaces/{space}/pods/{name}:{port}/proxy");
        Way::Proxy(client.clone(), place)
    };
    let ready = status
        .conditions
        .iter()
        .flatten()
        .any(|c| c.type_ == "Ready" && c.status == "True");
    Some(Replica { name, ready, way })
}

impl Replica {
    /// Whether each request has a connection of its own. Through the Kubernetes API it has not: the API
    /// keeps connections and uses an idle one again, which always leads to the same worker.
    pub const fn is_direct(&self) -> bool {
        matches!(self.way, Way::Direct(_))
    }

    /// Asks a route once, without a key. An error is the end of a sentence.
    pub async fn ask(&self, route: &Route, within: Duration) -> Result<Heard, String> {
        match &self.way {
            Way::Direct(address) => directly(address, route, within).await,
            Way::Proxy(client, place) => {
                let asked = proxied(client, place, route);
                match timeout(within, asked).await {
                    Ok(heard) => heard,
                    Err(_) => Err("it does not answer in time".to_owned()),
                }
            }
        }
    }
}

async fn directly(address: &str, route: &Route, within: Duration) -> Result<Heard, String> {
    let request = request(route, &route.path)
        .header("connection", "close")
        .body(())
        .map_err(|_| unsendable(route))?;
    let door = Door {
        secure: false,
        host: &route.host,
        port: 80,
        address: Some(address),
    };
    match dial::send(&door, request, within, BODY).await {
        Ok(answer) => Ok(Heard {
            status: answer.status,
            headers: answer.headers,
        }),
        Err(trouble) if trouble.stage == "timeout" => Err("it does not answer in time".to_owned()),
        Err(trouble) => Err(format!("it does not answer ({})", trouble.detail)),
    }
}

async fn proxied(client: &Client, place: &str, route: &Route) -> Result<Heard, String> {
    let request = request(route, &format!("{place}{}", route.path))
        .body(Body::empty())
        .map_err(|_| unsendable(route))?;
    let response = client
        .send(request)
        .await
        .map_err(|error| format!("the Kubernetes API does not answer ({})", root(&error)))?;
    let (parts, body) = response.into_parts();
    // Read to its end, so that the connection can be used again; a longer answer is cut off.
    let body = Limited::new(body, BODY).collect().await;
    let body = body.map_or_else(|_| Bytes::new(), Collected::to_bytes);
    if parts.status.as_u16() >= 400
        && let Some(said) = said_by_the_api(&body)
    {
        return Err(said);
    }
    Ok(Heard {
        status: parts.status.as_u16(),
        headers: parts.headers,
    })
}

fn request(route: &Route, uri: &str) -> http::request::Builder {
    Request::builder()
        .method(route.method.clone())
        .uri(uri)
        .header("host", &route.host)
        .header("user-agent", "hosted-instances")
}

fn unsendable(route: &Route) -> String {
    format!("{} cannot be asked", route.name)
}

/// The API's own refusal, where the answer is none of the gateway's.
fn said_by_the_api(body: &[u8]) -> Option<String> {
    let status: kube::core::Status = serde_json::from_slice(body).ok()?;
    // Every field of a Status is optional; a gateway's refusal is JSON as well.
    let kind = serde_json::from_slice::<serde_json::Value>(body).ok()?;
    if kind["kind"] != "Status" {
        return None;
    }
    Some(match status.code {
        404 => "its pod is gone".to_owned(),
        401 | 403 => format!(
            "this server may not use the pod proxy ({}); apply what `hosted-instances doctor \
             --print-rbac` prints",
            shorten(&status.message)
        ),
        _ => format!("it is not reached ({})", shorten(&status.message)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn client() -> Client {
        crate::install_tls();
        Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap()
    }

    fn found(pod: &Value, direct: bool) -> Option<(bool, String)> {
        let pod: Pod = serde_json::from_value(pod.clone()).unwrap();
        let replica = of_pod(&client(), &pod, "edge", 9080, direct)?;
        Some((
            replica.ready,
            match replica.way {
                Way::Direct(place) | Way::Proxy(_, place) => place,
            },
        ))
    }

    #[tokio::test]
    async fn whoever_may_still_answer_is_asked() {
        let pod = |phase: &str, ip: &str| {
            json!({
                "metadata": {"name": "a", "deletionTimestamp": "2026-11-24T10:00:00Z"},
                "status": {"phase": phase, "podIP": ip, "conditions": [{"type": "Ready", "status": "False"}]},
            })
        };
        let place = "/api/v1/namespaces/edge/pods/a:9080/proxy".to_owned();
        assert_eq!(
            found(&pod("Running", "10.0.0.9"), false),
            Some((false, place))
        );
        assert_eq!(
            found(&pod("Pending", "fd00::9"), true),
            Some((false, "[fd00::9]:9080".to_owned()))
        );
        assert_eq!(found(&pod("Failed", "10.0.0.9"), false), None);
        assert_eq!(found(&pod("Pending", ""), false), None);
    }

    #[test]
    fn a_refusal_of_the_api_is_none_of_the_gateway() {
        let said = |body: Value| said_by_the_api(body.to_string().as_bytes());
        assert_eq!(said(json!({"message": "Missing API key in request"})), None);
        assert_eq!(said(json!([])), None);
        let of = |code: u16, message: &str| {
            said(json!({"kind": "Status", "code": code, "message": message, "status": "Failure"}))
        };
        assert_eq!(of(404, "x").as_deref(), Some("its pod is gone"));
        assert!(
            of(403, "no")
                .unwrap()
                .contains("may not use the pod proxy (no)")
        );
        assert!(
            of(503, "dial tcp: refused")
                .unwrap()
                .contains("not reached (dial tcp: refused)")
        );
    }
}
