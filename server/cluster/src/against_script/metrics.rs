//! Prometheus as it may answer, and the neighbour that is knocked at.

use std::time::{Duration, Instant};

use serde_json::json;
use service::ports::{ClusterError, TokenPort as _, Usage};

use super::{key, world};
use crate::check;
use crate::scripted::{Api, Say};

#[tokio::test]
async fn counts_are_asked_for_by_consumer() {
    let api = Api::start(|_, _| {
        let sample = json!({"metric": {"consumer": "prismx_t1"}, "value": [1, "41"]});
        Say::Json(
            200,
            json!({"status": "success", "data": {"result": [sample]}}),
        )
    })
    .await;
    let (clusters, mut target) = world(&api);
    assert_eq!(clusters.usage(&target.cluster).await.unwrap(), None);
    target.cluster.gateway.prometheus_url = Some(format!("{}/base", api.url));
    let found = clusters.usage(&target.cluster).await.unwrap().unwrap();
    let expected = Usage {
        consumer: "prismx_t1".to_owned(),
        requests: 41,
    };
    assert_eq!(found, [expected]);
    let asked = api.asked().remove(0);
    assert_eq!(asked.path, "/base/api/v1/query");
    assert_eq!(
        asked.query["query"],
        "sum%20by%20%28consumer%29%20%28apisix_http_status%7Bconsumer%3D~%22prism.%2B%22%7D%29"
    );
}

#[tokio::test]
async fn what_prometheus_cannot_tell_is_an_error_and_no_count() {
    let long = "x".repeat(5 << 20);
    for say in [
        Say::Garbage(200),
        Say::Garbage(502),
        Say::Json(200, json!({"status": "error", "data": {"result": []}})),
        Say::Json(
            200,
            json!({"status": "success", "data": {"result": [long]}}),
        ),
    ] {
        let api = Api::start(move |_, _| say.clone()).await;
        let (clusters, mut target) = world(&api);
        target.cluster.gateway.prometheus_url = Some(api.url.clone());
        let error = clusters.usage(&target.cluster).await.unwrap_err();
        assert!(matches!(error, ClusterError::Unreachable(_)), "{error}");
        let line = check::prometheus(&target.cluster).await;
        assert!(
            !line.ok && line.detail.starts_with("Prometheus does not tell"),
            "{line:?}"
        );
    }
}

#[tokio::test]
async fn a_knock_tells_the_status_or_nothing() {
    let api = Api::start(|_, before| match before {
        0 => Say::status(403, ""),
        _ => Say::Nothing,
    })
    .await;
    let (clusters, target) = world(&api);
    assert_eq!(clusters.knock(&target, &key()).await, Some(403));
    let begun = Instant::now();
    assert_eq!(clusters.knock(&target, &key()).await, None);
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    assert!(api.asked().iter().all(|asked| asked.host == target.host));
}
