//! One replica of the gateway: its workers and how they answer.
//!
//! A connection belongs to one worker for as long as it lives. The pod proxy keeps connections that
//! it used and takes them again, so that requests one after the other reach the same worker, and
//! requests at once reach others: who wants to hear from every worker has to ask for it.

use super::agent::Agents;
use super::auth::{judge, key};
use super::plugins::Plugins;
use super::rule::Rule;
use super::state::{Consumers, Routes};
use super::trouble::Place;
use super::usage::Usage;
use super::worker::Worker;
use super::{Setting, route};
use crate::fault::{ClusterFault, Faults};
use crate::store::digest;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::json;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What a replica calls itself in its answers.
const SERVER: &str = "APISIX/3.18.0";
/// The header that carries the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The process id of a replica's first worker.
const FIRST_PID: u32 = 42;
/// From the pod proxy to the pod and back.
const HOP: Duration = Duration::from_millis(2);
/// Idle connections that the pod proxy keeps to one pod, as its transport does by default.
const IDLE: usize = 2;

/// One replica: a pod with workers.
pub struct Replica {
    name: String,
    place: Place,
    workers: Vec<Arc<Worker>>,
    agents: Arc<Agents>,
    faults: Arc<Faults>,
    pub usage: Usage,
    next_pid: AtomicU32,
    /// Requests that were given an id.
    numbered: AtomicU64,
    /// Connections of the pod proxy.
    opened: AtomicU64,
    idle: Mutex<Vec<u64>>,
    open: watch::Sender<bool>,
}

impl Replica {
    /// Starts its workers with the state that it holds.
    pub fn start(name: &str, place: Place, held: &(Routes, Consumers), it: &Setting) -> Self {
        let count = u32::from(it.workers.max(1));
        let workers = (0..count)
            .map(|number| {
                let place = Place {
                    worker: usize::try_from(number).unwrap_or(0),
                    ..place
                };
                let (held, faults) = (held.clone(), &it.faults);
                Worker::start(place, FIRST_PID + number, held, faults, it.lag, &it.stop)
            })
            .collect();
        Self {
            name: name.to_owned(),
            place,
            workers,
            agents: it.agents.clone(),
            usage: Usage::default(),
            next_pid: AtomicU32::new(FIRST_PID + count),
            numbered: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            idle: Mutex::default(),
            open: watch::channel(!place.is_gone(&it.faults.cluster())).0,
            faults: it.faults.clone(),
        }
    }

    /// The name of its pod.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn place(&self) -> Place {
        self.place
    }

    pub fn workers(&self) -> &[Arc<Worker>] {
        &self.workers
    }

    /// Whether it accepts connections.
    pub fn open(&self) -> watch::Receiver<bool> {
        self.open.subscribe()
    }

    /// Whether it is gone at this moment.
    pub fn is_gone(&self) -> bool {
        self.place.is_gone(&self.faults.cluster())
    }

    /// Opens or closes its door; a replica that comes back is a new process with new workers.
    pub fn mind_the_door(&self) {
        let open = !self.is_gone();
        if *self.open.borrow() == open {
            return;
        }
        if open {
            for number in 0..self.workers.len() {
                self.restart(number);
            }
            self.usage.forget();
        }
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.open.send_replace(open);
    }

    /// The newest state that any of its workers has.
    pub fn held(&self) -> (Routes, Consumers) {
        let routes = self.workers.iter().map(|worker| worker.routes());
        let consumers = self.workers.iter().map(|worker| worker.consumers());
        let routes = routes.max_by_key(|held| held.serial).map(|it| it.clone());
        let consumers = consumers
            .max_by_key(|held| held.serial)
            .map(|it| it.clone());
        (routes.unwrap_or_default(), consumers.unwrap_or_default())
    }

    /// One worker ends, and another begins in its place with what the replica holds.
    pub fn restart(&self, number: usize) {
        let (routes, consumers) = self.held();
        if let Some(worker) = self.workers.get(number % self.workers.len()) {
            let pid = self.next_pid.fetch_add(1, Ordering::Relaxed);
            worker.restart(pid, routes, consumers);
        }
    }

    /// Answers a request of the pod proxy; none when the replica is gone.
    pub async fn proxied(
        &self,
        method: &Method,
        target: &str,
        headers: &HeaderMap,
    ) -> Option<Response<Body>> {
        let kept = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.pop()
        };
        let connection = kept.unwrap_or_else(|| self.opened.fetch_add(1, Ordering::Relaxed));
        tokio::time::sleep(HOP).await;
        if self.is_gone() {
            return None;
        }
        let response = self.answer(connection, method, target, headers);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
        drop(idle);
        Some(response)
    }

    /// The worker that accepted a connection: any of them, as the kernel likes it.
    fn worker(&self, connection: u64) -> Option<&Arc<Worker>> {
        let lot = digest(&format!("{}/{connection}", self.name), 3);
        let number = lot.checked_rem(self.workers.len() as u64)?;
        self.workers.get(usize::try_from(number).ok()?)
    }

    /// Answers on a connection; its number decides the worker. `target` is path and query.
    pub fn answer(
        &self,
        connection: u64,
        method: &Method,
        target: &str,
        headers: &HeaderMap,
    ) -> Response<Body> {
        let Some(worker) = self.worker(connection) else {
            return answer(503, &json!({"error_msg": "no worker"}).to_string());
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or("");
        let found = route::find(&worker.routes(), host, method.as_str(), path);
        let Some(rule) = found else {
            self.usage.count(None, 404);
            return answer(
                404,
                &json!({"error_msg": "404 Route Not Found"}).to_string(),
            );
        };
        let key = key(headers, query);
        let mut response = self.through(&rule, worker, method, path, key);
        rewrite(&mut response, &rule.plugins, worker.pid());
        if rule.plugins.request_id {
            let id = headers.get(&REQUEST_ID).cloned();
            if let Some(id) = id.or_else(|| self.request_id()) {
                response.headers_mut().insert(REQUEST_ID, id);
            }
        }
        response
    }

    /// The id of a request that brought none.
    fn request_id(&self) -> Option<HeaderValue> {
        let number = self.numbered.fetch_add(1, Ordering::Relaxed);
        let since = crate::clock::stamp();
        let part = |salt| digest(&format!("{}/{since}/{number}", self.name), salt);
        HeaderValue::from_str(&format!("{:016x}{:016x}", part(1), part(2))).ok()
    }

    fn through(
        &self,
        rule: &Rule,
        worker: &Worker,
        method: &Method,
        path: &str,
        key: Option<&str>,
    ) -> Response<Body> {
        let refused = |code, text: &str| {
            self.usage.count(None, code);
            answer(code, &json!({"message": text}).to_string())
        };
        if let Some(code) = rule.plugins.abort {
            self.usage.count(None, code);
            return answer(code, "");
        }
        if let Some((rules, code)) = &rule.plugins.blocked
            && rules
                .iter()
                .any(|part| path.contains(part.trim_matches(['^', '$', '.', '*'])))
        {
            return refused(*code, "access is not allowed");
        }
        if let Some((uri, code)) = &rule.plugins.redirect {
            let mut response = refused(*code, "");
            if let Ok(target) = HeaderValue::from_str(uri) {
                response.headers_mut().insert(header::LOCATION, target);
            }
            return response;
        }
        let verdict = judge(&worker.consumers(), &self.loaded(&rule.plugins), key);
        let mut response = if let Some((code, text)) = verdict.refused {
            answer(code, &json!({"message": text}).to_string())
        } else {
            let seen = key.is_some() && rule.plugins.key_auth != Some(true);
            self.agents
                .answer(&rule.namespace, &rule.service, method, path, seen)
        };
        if verdict.refused.is_some_and(|(code, _)| code == 401) {
            let realm = HeaderValue::from_static("apikey realm=\"apisix\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, realm);
        }
        let status = response.status().as_u16();
        self.usage.count(verdict.consumer.as_deref(), status);
        response
    }

    /// The plugins as far as the gateway has them loaded.
    fn loaded(&self, plugins: &Plugins) -> Plugins {
        let mut loaded = plugins.clone();
        if self
            .faults
            .cluster()
            .contains(&ClusterFault::WhitelistMissing)
        {
            loaded.restriction = None;
        }
        loaded
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
    for name in &plugins.hidden {
        response.headers_mut().remove(name.as_str());
    }
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
