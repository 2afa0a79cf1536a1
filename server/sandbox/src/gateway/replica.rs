//! One replica of the gateway: its workers and how they answer.

use super::agent::Agents;
use super::auth::{Verdict, judge};
use super::config::{Config, Plugins, Rule};
use super::route;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What a replica calls itself in its answers.
const SERVER: &str = "APISIX/3.18.0";

/// One replica: a pod with workers.
pub struct Replica {
    name: String,
    workers: Vec<Worker>,
    agents: Arc<Agents>,
    turn: AtomicU64,
}

/// One worker process with its own copy of the configuration.
struct Worker {
    pid: u32,
    config: RwLock<Arc<Config>>,
}

impl Replica {
    pub fn new(name: &str, workers: u8, agents: Arc<Agents>) -> Self {
        let workers = (0..u32::from(workers))
            .map(|number| Worker {
                pid: 42 + number,
                config: RwLock::default(),
            })
            .collect();
        Self {
            name: name.to_owned(),
            workers,
            agents,
            turn: AtomicU64::new(0),
        }
    }

    /// The name of its pod.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// A state reaches a worker; an older one than it has is dropped.
    pub fn take(&self, worker: usize, config: &Arc<Config>) {
        if let Some(worker) = self.workers.get(worker) {
            let mut held = worker
                .config
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            if config.serial > held.serial {
                *held = config.clone();
            }
        }
    }

    /// Answers on a fresh connection: the next worker takes it.
    pub fn answer_any(&self, method: &Method, target: &str, headers: &HeaderMap) -> Response<Body> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.answer(turn, method, target, headers)
    }

    /// Answers on a connection; its number decides the worker. `target` is path and query.
    pub fn answer(
        &self,
        connection: u64,
        method: &Method,
        target: &str,
        headers: &HeaderMap,
    ) -> Response<Body> {
        let number = usize::try_from(connection % self.workers.len() as u64).unwrap_or(0);
        let Some(worker) = self.workers.get(number) else {
            return answer(503, &json!({"error_msg": "no worker"}).to_string());
        };
        let config = worker
            .config
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or("");
        let Some(rule) = route::find(&config, host, method.as_str(), path) else {
            return answer(
                404,
                &json!({"error_msg": "404 Route Not Found"}).to_string(),
            );
        };
        let mut response = self.through(rule, &config, method, path, query, headers);
        rewrite(&mut response, &rule.plugins, worker.pid);
        response
    }

    fn through(
        &self,
        rule: &Rule,
        config: &Config,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
    ) -> Response<Body> {
        let refused = |code, text: &str| answer(code, &json!({"message": text}).to_string());
        if let Some((rules, code)) = &rule.plugins.blocked
            && rules
                .iter()
                .any(|part| path.contains(part.trim_matches(['^', '$', '.', '*'])))
        {
            return refused(*code, "access is not allowed");
        }
        if let Some((uri, code)) = &rule.plugins.redirect {
            let mut response = answer(*code, "");
            if let Ok(target) = HeaderValue::from_str(uri) {
                response.headers_mut().insert(header::LOCATION, target);
            }
            return response;
        }
        match judge(config, &rule.plugins, headers, query) {
            Verdict::Refused(401, text) => {
                let mut response = refused(401, text);
                let realm = HeaderValue::from_static("apikey realm=\"apisix\"");
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, realm);
                response
            }
            Verdict::Refused(code, text) => refused(code, text),
            Verdict::Pass => {
                let hidden = rule.plugins.key_auth.unwrap_or(false);
                let key = headers.contains_key("apikey") && !hidden;
                self.agents
                    .answer(&rule.namespace, &rule.service, method, path, key)
            }
        }
    }
}

/// An answer of the gateway itself.
pub fn answer(code: u16, body: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::SERVER, HeaderValue::from_static(SERVER));
    response
}

/// Header filters run on every answer, refusals too, with the worker's own variables.
fn rewrite(response: &mut Response<Body>, plugins: &Plugins, pid: u32) {
    for (name, value) in &plugins.headers {
        let text = value.replace("$pid", &pid.to_string());
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::from_str(&text),
        ) {
            response.headers_mut().insert(name, value);
        }
    }
}
