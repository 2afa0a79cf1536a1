//! How a cluster's gateway is reached and asked: the part of the forms of a cluster on which the proof
//! of every revocation rests, with what each field means for it.

use leptos::prelude::*;
use model::cluster::{Gateway, Replicas};

use crate::ui::form::{Choice, Form, area, field, radios, select};

/// Fields of this part, as the forms name them.
const FIELDS: [&str; 11] = [
    "gateway_scheme",
    "gateway_port",
    "gateway_address",
    "replicas",
    "pods_namespace",
    "pods_selector",
    "pods_port",
    "pods_direct",
    "workers",
    "addresses",
    "prometheus_url",
];

/// Whether something in this part was refused.
#[must_use]
pub fn is_refused(form: &Form) -> bool {
    FIELDS.iter().any(|name| form.error(name).is_some())
}

/// What is set, as the form would send it.
#[must_use]
pub fn filled(gateway: &Gateway) -> Vec<(&'static str, String)> {
    let mut values = vec![
        ("gateway_scheme", gateway.scheme.clone()),
        (
            "gateway_port",
            gateway
                .port
                .map(|port| port.to_string())
                .unwrap_or_default(),
        ),
        (
            "gateway_address",
            gateway.address.clone().unwrap_or_default(),
        ),
        (
            "prometheus_url",
            gateway.prometheus_url.clone().unwrap_or_default(),
        ),
    ];
    let number = |workers: &Option<u32>| workers.map(|it| it.to_string()).unwrap_or_default();
    match &gateway.replicas {
        Replicas::Pods {
            namespace,
            selector,
            port,
            direct,
            workers,
        } => values.extend([
            ("replicas", "pods".to_owned()),
            ("pods_namespace", namespace.clone()),
            ("pods_selector", selector.clone()),
            ("pods_port", port.to_string()),
            (
                "pods_direct",
                if *direct {
                    "direct".to_owned()
                } else {
                    String::new()
                },
            ),
            ("workers", number(workers)),
        ]),
        Replicas::Addresses { addresses, workers } => values.extend([
            ("replicas", "addresses".to_owned()),
            ("addresses", addresses.join("\n")),
            ("workers", number(workers)),
        ]),
    }
    values
}

/// How the gateway's replicas are told in one line.
#[must_use]
pub fn told(replicas: &Replicas) -> String {
    let (what, workers) = match replicas {
        Replicas::Pods {
            namespace,
            selector,
            direct,
            workers,
            ..
        } => {
            let way = if *direct {
                "asked directly"
            } else {
                "asked by the Kubernetes API"
            };
            (format!("pods {selector} in {namespace}, {way}"), workers)
        }
        Replicas::Addresses { addresses, workers } => (addresses.join(", "), workers),
    };
    match workers {
        Some(workers) => format!("{what}; {workers} workers each"),
        None => format!("{what}; number of workers not known"),
    }
}

/// The fields.
pub fn fields(form: &Form) -> AnyView {
    let mut form = form.clone();
    for (name, value) in filled(&Gateway {
        scheme: "https".to_owned(),
        port: None,
        address: None,
        replicas: Replicas::default(),
        prometheus_url: None,
    }) {
        form.default_to(name, value);
    }
    let schemes = vec![Choice::new("https", "https"), Choice::new("http", "http")];
    let kinds = vec![
        Choice::new("pods", "Pods of the cluster")
            .meaning("Found by label, also those that are not ready or are ending: they may still answer somebody."),
        Choice::new("addresses", "Known addresses")
            .meaning("For a gateway that does not run in this cluster."),
    ];
    view! {
        {select(&form, "gateway_scheme", "Scheme", "", schemes)}
        {field(&form, "gateway_port", "Port").help("When it is not the scheme's own.").kind("number").optional().view()}
        {field(&form, "gateway_address", "Address").help("host:port to connect to instead of resolving host names.").mono().optional().view()}
        {radios(&form, "replicas", "Its replicas", "A token counts as revoked once every worker of every replica has shown that it refuses. So each is asked one by one, past the load balancer.", kinds)}
        {pods(&form)}
        {area(&form, "addresses", "Addresses of the replicas", "Only for known addresses: host:port, one per line, plain HTTP.", 3)}
        {field(&form, "workers", "Workers of each replica").help("nginx worker processes. Left empty, each replica is asked until no new worker appears, and receipts say so.").kind("number").optional().max(4).view()}
        {field(&form, "prometheus_url", "Prometheus").help("Base address of a Prometheus that scrapes the gateway. It tells how often each token is used; without one that stays unknown.").mono().optional().view()}
    }
    .into_any()
}

fn pods(form: &Form) -> AnyView {
    let ways = vec![
        Choice::new("", "By the Kubernetes API (pod proxy)"),
        Choice::new("direct", "By their own addresses"),
    ];
    view! {
        {field(form, "pods_namespace", "Namespace of the pods").help("Only for pods.").mono().optional().max(63).view()}
        {field(form, "pods_selector", "Label selector of the pods").help("Only for pods: app.kubernetes.io/name=apisix.").mono().optional().max(200).view()}
        {field(form, "pods_port", "Port of the pods").help("Only for pods: the one on which they answer plain HTTP.").kind("number").optional().max(5).view()}
        {select(form, "pods_direct", "How the pods are reached", "By their own addresses only where this server runs in the same network.", ways)}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_says_what_the_proof_rests_on() {
        let said = told(&Replicas::default());
        assert!(
            said.contains("app.kubernetes.io/name=apisix") && said.contains("not known"),
            "{said}"
        );
        let known = Replicas::Addresses {
            addresses: vec!["10.0.0.1:9080".to_owned(), "10.0.0.2:9080".to_owned()],
            workers: Some(4),
        };
        assert_eq!(told(&known), "10.0.0.1:9080, 10.0.0.2:9080; 4 workers each");
    }
}
