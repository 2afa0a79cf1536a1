//! A Prometheus that scrapes the gateway, as far as the control plane asks one.
//!
//! It answers instant queries over `apisix_http_status` in the wire format of the real one, and refuses
//! in its way what it does not understand, so that nobody takes silence for zero. The counts are those
//! of the gateway at this moment.

mod pattern;
mod query;

use crate::clock;
use crate::cluster::Cluster;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use query::{Query, Sample};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most bytes of a form.
const LIMIT: usize = 1 << 16;

/// Answers one request.
pub async fn answer(cluster: Arc<Cluster>, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if parts.uri.path() != "/api/v1/query" {
        return respond(StatusCode::NOT_FOUND, &json!({"status": "error"}));
    }
    let form = if parts.method == Method::POST {
        match Limited::new(body, LIMIT).collect().await {
            Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            Err(_) => String::new(),
        }
    } else {
        parts.uri.query().unwrap_or("").to_owned()
    };
    let result = text_of(&form)
        .ok_or_else(|| "invalid parameter \"query\": unknown position: no expression".to_owned())
        .and_then(|text| Query::parse(&text));
    match result {
        Ok(query) => {
            let vector = query.vector(&samples(&cluster));
            let data = json!({"resultType": "vector", "result": listed(vector)});
            respond(StatusCode::OK, &json!({"status": "success", "data": data}))
        }
        Err(why) => {
            let body = json!({"status": "error", "errorType": "bad_data", "error": why});
            respond(StatusCode::BAD_REQUEST, &body)
        }
    }
}

/// The field `query` of a form.
fn text_of(form: &str) -> Option<String> {
    let uri = http::Uri::builder()
        .path_and_query(format!("/?{form}"))
        .build()
        .ok()?;
    let fields = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).ok()?;
    let mut fields = fields.0.into_iter();
    fields.find_map(|(name, value)| (name == "query" && !value.is_empty()).then_some(value))
}

fn samples(cluster: &Cluster) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (pod, all) in cluster.gateway.usage() {
        for series in all {
            let labels = [
                ("__name__", query::METRIC.to_owned()),
                ("code", series.code.to_string()),
                ("consumer", series.consumer),
                ("namespace", crate::cluster::GATEWAY.to_owned()),
                ("pod", pod.clone()),
            ];
            let labels = labels.map(|(name, value)| (name.to_owned(), value));
            samples.push(Sample {
                labels: labels.into_iter().collect(),
                value: series.requests,
            });
        }
    }
    samples
}

fn listed(vector: Vec<(BTreeMap<String, String>, u64)>) -> Value {
    let now = clock::epoch_seconds();
    let items = vector
        .into_iter()
        .map(|(metric, value)| json!({"metric": metric, "value": [now, value.to_string()]}));
    items.collect()
}

fn respond(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
