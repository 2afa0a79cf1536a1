//! The reachability probe: one real request through name, connection, TLS, gateway and key, and where
//! it ended. The key goes into one header and nowhere else.

use std::time::{Duration, Instant};

use http::{HeaderValue, Request};
use model::Clock;
use model::observation::{Probe, ProbeOutcome};
use model::secret_text::PlainToken;
use serde::Deserialize;
use service::ports::Target;

use crate::dial::{self, Answer, Door, Trouble};

/// Within which a probe ends.
const WITHIN: Duration = Duration::from_secs(5);
/// What the agent answers to.
const PATH: &str = "/cloud-agent/_system/health";

/// The agent's report.
#[derive(Deserialize)]
struct Report {
    version: String,
}

/// Sends one request; what goes wrong is its outcome. `address` is where the gateway listens, when it
/// is not where the name of the host leads.
pub async fn probe(
    target: &Target,
    address: Option<&str>,
    key: &PlainToken,
    clock: &dyn Clock,
) -> Probe {
    let at = clock.now();
    let begun = Instant::now();
    let outcome = match ask(target, address, key).await {
        Ok(outcome) => outcome,
        Err(Trouble { stage, detail }) => ProbeOutcome::Failed {
            stage: stage.to_owned(),
            detail,
        },
    };
    let millis = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
    Probe {
        at,
        millis,
        outcome,
    }
}

/// The status that an instance answers to a key which is not its own; none when it gave no answer.
pub async fn knock(target: &Target, address: Option<&str>, key: &PlainToken) -> Option<u16> {
    let answer = send(target, address, key).await.ok()?;
    Some(answer.status)
}

async fn ask(
    target: &Target,
    address: Option<&str>,
    key: &PlainToken,
) -> Result<ProbeOutcome, Trouble> {
    let answer = send(target, address, key).await?;
    if answer.status != 200 {
        return Ok(ProbeOutcome::Refused {
            status: answer.status,
        });
    }
    match serde_json::from_slice::<Report>(&answer.body) {
        Ok(report) if report.version.len() <= 64 => Ok(ProbeOutcome::Answered {
            version: report.version,
        }),
        _ => Err(unsendable("the answer is not the agent's health report")),
    }
}

fn unsendable(detail: &str) -> Trouble {
    Trouble {
        stage: "http",
        detail: detail.to_owned(),
    }
}

async fn send(target: &Target, address: Option<&str>, key: &PlainToken) -> Result<Answer, Trouble> {
    let gateway = &target.cluster.gateway;
    let secure = gateway.scheme != "http";
    let port = gateway.port.unwrap_or(if secure { 443 } else { 80 });
    let mut secret = HeaderValue::from_str(key.expose())
        .map_err(|_| unsendable("the key cannot stand in a header"))?;
    secret.set_sensitive(true);
    // The port belongs to the host header only when it is not the scheme's own.
    let host = match gateway.port {
        Some(port) => format!("{}:{port}", target.host),
        None => target.host.clone(),
    };
    let request = Request::get(PATH)
        .header("host", host)
        .header("apikey", secret)
        .header("user-agent", "hosted-instances")
        .body(())
        .map_err(|_| unsendable("the host name cannot stand in a header"))?;
    let door = Door {
        secure,
        host: &target.host,
        port,
        address,
    };
    dial::send(&door, request, WITHIN, 64 << 10).await
}
