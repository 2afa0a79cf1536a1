//! Listening on loopback, and being able to vanish.
//!
//! A cluster that is down refuses connections, so the listener is really closed while `open` says
//! no, and established connections are cut. Each connection has a number, by which the gateway
//! chooses a worker as the kernel would.

use axum::body::Body;
use axum::response::Response;
use futures::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Answers the requests of one connection; no answer cuts the connection.
pub type Handler =
    Arc<dyn Fn(u64, Request<Incoming>) -> BoxFuture<'static, Option<Response<Body>>> + Send + Sync>;

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer was lost")]
struct Cut;

/// Binds a port of the loopback address.
pub async fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Serves until stopped; while `open` is false nothing listens.
pub async fn serve(
    listener: TcpListener,
    mut open: watch::Receiver<bool>,
    stop: CancellationToken,
    handler: Handler,
) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let mut listener = Some(listener);
    let mut number = 0_u64;
    loop {
        if *open.borrow_and_update() {
            let Some(bound) = &listener else {
                listener = rebind(address.port()).await;
                continue;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                changed = open.changed() => if changed.is_err() { return },
                accepted = bound.accept() => match accepted {
                    Ok((stream, _)) => {
                        number += 1;
                        let task = connection(stream, number, open.clone(), handler.clone());
                        let stop = stop.clone();
                        tokio::spawn(async move {
                            tokio::select! { () = stop.cancelled() => {}, () = task => {} }
                        });
                    }
                    // Out of file handles: wait for some to come back.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
            }
        } else {
            listener = None;
            tokio::select! {
                () = stop.cancelled() => return,
                changed = open.changed() => if changed.is_err() { return },
            }
        }
    }
}

async fn rebind(port: u16) -> Option<TcpListener> {
    match bind(port).await {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(port, %error, "a sandbox address is taken; trying again");
            tokio::time::sleep(Duration::from_millis(200)).await;
            None
        }
    }
}

async fn connection(
    stream: TcpStream,
    number: u64,
    mut open: watch::Receiver<bool>,
    handler: Handler,
) {
    // Small answers must not wait for more.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request| {
        let answer = handler(number, request);
        async move { answer.await.ok_or(Cut) }
    });
    let builder = Builder::new(TokioExecutor::new());
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A client that goes away in the middle is its own affair.
        _ = serving => {}
        _ = open.wait_for(|open| !open) => {}
    }
}
