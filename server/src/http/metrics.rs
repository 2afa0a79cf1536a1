//! Counters for Prometheus: requests by route, sign-ins, operations by state, instances by health.
//! The recorder belongs to the state and is not global, so that several servers in one process (as in
//! tests) do not count into each other. Labels come from closed sets; no client chooses one.

use std::fmt;
use std::time::Duration;

use metrics::{counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use model::cluster::ClusterName;
use model::enforcement::Latency;
use model::health::HealthStatus;
use model::operation::OperationState;
use service::audit::SinkLag;
use service::enforcement::Overdue;

/// Upper bounds of the duration buckets in seconds.
const BUCKETS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// The route that people sign in by.
const SIGN_IN: &str = "/sign-in";

/// Counters of one server.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Counters at zero.
    #[must_use]
    pub fn new() -> Self {
        let builder = PrometheusBuilder::new();
        // Only an empty list of buckets is refused, and this one is not.
        let recorder = match builder.set_buckets(&BUCKETS) {
            Ok(builder) => builder.build_recorder(),
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        let handle = recorder.handle();
        Self { recorder, handle }
    }

    /// Counts a request that was answered.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        with_local_recorder(&self.recorder, || {
            let labels = [("method", method.to_owned()), ("route", route.clone())];
            histogram!("http_request_duration_seconds", &labels).record(took.as_secs_f64());
            counter!(
                "http_requests_total",
                "method" => method,
                "route" => route.clone(),
                "status" => status.to_string()
            )
            .increment(1);
            if method == "POST" && route == SIGN_IN {
                let outcome = match status {
                    200..=399 => "accepted",
                    429 => "limited",
                    500.. => "failed",
                    _ => "refused",
                };
                counter!("sign_ins_total", "outcome" => outcome).increment(1);
            }
        });
    }

    /// Counts how the fleet stands now.
    pub fn fleet(
        &self,
        by_status: &[(HealthStatus, u32)],
        active_operations: &[(OperationState, u32)],
    ) {
        with_local_recorder(&self.recorder, || {
            for (status, count) in by_status {
                gauge!("instances", "health" => status.as_str()).set(f64::from(*count));
            }
            for (state, count) in active_operations {
                gauge!("operations", "state" => state.as_str()).set(f64::from(*count));
            }
        });
    }

    /// Counts how revocations stand: how long they take on each cluster, and which are not proven.
    pub fn enforcement(&self, latencies: &[(ClusterName, Latency)], overdue: Overdue) {
        let seconds = |millis: u64| Duration::from_millis(millis).as_secs_f64();
        with_local_recorder(&self.recorder, || {
            for (cluster, latency) in latencies {
                for (quantile, millis) in [("0.5", latency.median_ms), ("0.99", latency.p99_ms)] {
                    let labels = [
                        ("cluster", cluster.to_string()),
                        ("quantile", quantile.to_owned()),
                    ];
                    gauge!("revocation_seconds", &labels).set(seconds(millis));
                }
            }
            gauge!("revocations_unproven").set(f64::from(overdue.gates));
            let oldest = overdue.oldest.unwrap_or_default();
            gauge!("revocation_unproven_oldest_seconds").set(oldest.as_secs_f64());
        });
    }

    /// Counts how far behind each collector of the audit trail is.
    pub fn audit(&self, lags: &[SinkLag]) {
        with_local_recorder(&self.recorder, || {
            for lag in lags {
                let labels = [("sink", lag.sink.clone())];
                #[expect(clippy::cast_precision_loss, reason = "a gauge of rows needs no more")]
                gauge!("audit_undelivered_rows", &labels).set(lag.rows as f64);
                gauge!("audit_undelivered_oldest_seconds", &labels).set(lag.oldest.as_secs_f64());
                let failing = f64::from(u8::from(lag.failing.is_some()));
                gauge!("audit_delivery_failing", &labels).set(failing);
            }
        });
    }

    /// The text that Prometheus reads.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_servers_do_not_count_into_each_other() {
        let (one, other) = (Metrics::new(), Metrics::new());
        one.request("POST", SIGN_IN, 429, Duration::from_millis(3));
        let text = one.render();
        assert!(
            text.contains(
                "http_requests_total{method=\"POST\",route=\"/sign-in\",status=\"429\"} 1"
            )
        );
        assert!(
            text.contains("sign_ins_total{outcome=\"limited\"} 1"),
            "{text}"
        );
        assert!(text.contains("http_request_duration_seconds_bucket"));
        assert!(!other.render().contains("http_requests_total"));
    }
}
