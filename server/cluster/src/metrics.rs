//! How often each consumer was let through, as a Prometheus that scrapes the gateway tells. What it says
//! is only shown, so whatever cannot be read is left out and nothing is guessed.

use std::time::Duration;

use http::{Request, Uri};
use serde::Deserialize;
use service::ports::{ClusterError, Usage};

use crate::dial::{self, Door, Trouble};
use crate::failure::misconfigured;

/// `sum by (consumer) (apisix_http_status{consumer=~"prism.+"})`, as it stands in a URL.
const QUERY: &str =
    "sum%20by%20%28consumer%29%20%28apisix_http_status%7Bconsumer%3D~%22prism.%2B%22%7D%29";
/// Within which it must answer.
const WITHIN: Duration = Duration::from_secs(10);
/// The most bytes of an answer.
const MOST: usize = 4 << 20;

/// Requests of every consumer of ours.
pub async fn usage(base: &str) -> Result<Vec<Usage>, ClusterError> {
    let base = Base::parse(base)?;
    let request = Request::get(format!("{}/api/v1/query?query={QUERY}", base.path))
        .header("host", &base.authority)
        .header("accept", "application/json")
        .header("user-agent", "hosted-instances")
        .body(())
        .map_err(|_| misconfigured("The address of Prometheus cannot be asked"))?;
    let door = Door {
        secure: base.secure,
        host: &base.host,
        port: base.port,
        address: None,
    };
    let answer = dial::send(&door, request, WITHIN, MOST)
        .await
        .map_err(|Trouble { detail, .. }| silent(&detail))?;
    if answer.status != 200 {
        return Err(silent(&format!("it answers {}", answer.status)));
    }
    read(&answer.body).ok_or_else(|| silent("its answer makes no sense"))
}

fn silent(why: &str) -> ClusterError {
    ClusterError::Unreachable(format!(
        "Prometheus does not tell how tokens are used: {why}"
    ))
}

/// Where it is.
#[derive(Debug, PartialEq, Eq)]
struct Base {
    secure: bool,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Base {
    fn parse(url: &str) -> Result<Self, ClusterError> {
        let wrong = || {
            misconfigured(
                "The address of Prometheus is not a plain URL such as http://prometheus.monitoring:9090",
            )
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        // A name and password would stand in the settings, which are no place for secrets.
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Self {
            secure,
            host: authority.host().to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if secure { 443 } else { 80 }),
            authority: authority.to_string(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<serde_json::Value>,
}

fn read(body: &[u8]) -> Option<Vec<Usage>> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    (answer.status == "success").then_some(())?;
    Some(answer.data.result.iter().filter_map(sample).collect())
}

/// One consumer; a sample that is no number of requests is left out.
fn sample(value: &serde_json::Value) -> Option<Usage> {
    let consumer = value.pointer("/metric/consumer")?.as_str()?;
    let number: f64 = value.pointer("/value/1")?.as_str()?.parse().ok()?;
    Some(Usage {
        consumer: consumer.to_owned(),
        // Counters are floating numbers in Prometheus; what is no count does not read as one.
        requests: format!("{number:.0}").parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn only_plain_addresses_are_taken() {
        let base = Base::parse("http://prometheus.monitoring:9090/base/").unwrap();
        assert_eq!(
            (base.host.as_str(), base.port, base.path.as_str()),
            ("prometheus.monitoring", 9090, "/base")
        );
        assert_eq!(
            Base::parse("https://metrics.example.org").unwrap().port,
            443
        );
        for wrong in [
            "prometheus:9090",
            "ftp://x",
            "http://user:word@x",
            "http://x/?a=b",
            "/x",
            "",
        ] {
            let said = Base::parse(wrong).unwrap_err().to_string();
            assert!(
                said.contains("plain URL") && !said.contains("word"),
                "{said}"
            );
        }
    }

    #[test]
    fn what_is_no_count_is_left_out() {
        let sample = |consumer: Value, value: Value| json!({"metric": {"consumer": consumer}, "value": value});
        let body = json!({"status": "success", "data": {"resultType": "vector", "result": [
            sample(json!("prisma_t1"), json!([1.5, "12"])),
            sample(json!("prisma_t2"), json!([1.5, "1.2e+06"])),
            sample(json!("prisma_t3"), json!([1.5, "NaN"])),
            sample(json!("prisma_t4"), json!([1.5, "-3"])),
            sample(json!("prisma_t5"), json!([1.5])),
            sample(json!(null), json!([1.5, "7"])),
            json!("x"),
        ]}});
        let read: Vec<(String, u64)> = read(body.to_string().as_bytes())
            .unwrap()
            .into_iter()
            .map(|usage| (usage.consumer, usage.requests))
            .collect();
        assert_eq!(
            read,
            [
                ("prisma_t1".to_owned(), 12),
                ("prisma_t2".to_owned(), 1_200_000)
            ]
        );
    }

    #[test]
    fn an_answer_that_is_none_is_not_read() {
        for wrong in [
            json!({"status": "error", "data": {"result": []}}),
            json!({"status": "success"}),
            json!([]),
        ] {
            assert_eq!(read(wrong.to_string().as_bytes()), None, "{wrong}");
        }
        assert_eq!(read(b"<html>"), None);
    }
}
