//! What stands behind the gateway: the agent of each instance.
//!
//! The deployments' controller says which version runs where; an instance without a ready pod
//! answers 503, as a gateway without endpoints does. The health answer is a constant of the running
//! version, as in the real agent.

use super::replica::answer;
use crate::fault::{Fault, Faults};
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Method, header};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The version that a wrong agent claims to be.
const WRONG: &str = "1.0.0-wrong";

/// The running agents of a cluster, by namespace.
pub struct Agents {
    running: RwLock<HashMap<String, String>>,
    faults: Arc<Faults>,
}

impl Agents {
    pub fn new(faults: Arc<Faults>) -> Self {
        Self {
            running: RwLock::default(),
            faults,
        }
    }

    /// A version answers from now on in this namespace, or nothing does.
    pub fn set(&self, namespace: &str, version: Option<String>) {
        let mut running = self.running.write().unwrap_or_else(PoisonError::into_inner);
        match version {
            Some(version) => drop(running.insert(namespace.to_owned(), version)),
            None => drop(running.remove(namespace)),
        }
    }

    fn version(&self, namespace: &str) -> Option<String> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        running.get(namespace).cloned()
    }

    /// Answers a request that the gateway let through. `key` tells whether the key came along.
    pub fn answer(
        &self,
        namespace: &str,
        service: &str,
        method: &Method,
        path: &str,
        key: bool,
    ) -> Response<Body> {
        let running = self.version(namespace).filter(|_| service == "cloud-agent");
        let Some(version) = running.filter(|_| !self.faults.has(namespace, Fault::ProbeRefused))
        else {
            return answer(
                503,
                &json!({"error_msg": "503 Service Temporarily Unavailable"}).to_string(),
            );
        };
        let version = if self.faults.has(namespace, Fault::WrongVersion) {
            WRONG.to_owned()
        } else {
            version
        };
        let own = path
            .strip_prefix("/cloud-agent")
            .or_else(|| path.strip_prefix("/prism-agent"));
        match own.unwrap_or(path) {
            "/_system/health" => answer(200, &json!({"version": version}).to_string()),
            "/docs" | "/docs/" => page(&version),
            rest => {
                let body = json!({
                    "self": rest,
                    "method": method.as_str(),
                    "agent": version,
                    "apikeyReachedTheAgent": key,
                    "contents": [],
                });
                answer(200, &body.to_string())
            }
        }
    }
}

fn page(version: &str) -> Response<Body> {
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Cloud Agent API</title>\
         </head><body><h1>Cloud Agent API</h1><p>Version {version}, simulated by the sandbox \
         cluster.</p><ul><li>GET /cloud-agent/_system/health</li><li>GET /cloud-agent/connections</li>\
         </ul></body></html>"
    );
    let mut response = answer(200, &text);
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
