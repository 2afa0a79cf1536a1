//! One HTTP request with the stage at which it failed: name, connection, TLS, or the answer. A client
//! with a pool would hide which of them it was, and a probe through a pooled connection would not see
//! that new ones fail.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::failure::root;

/// Where to knock.
#[derive(Clone, Copy, Debug)]
pub struct Door<'a> {
    /// Whether to speak TLS.
    pub secure: bool,
    /// Name for the certificate, and to resolve.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// `host:port` to connect to instead.
    pub address: Option<&'a str>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// At which stage it failed, and what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// `dns`, `connect`, `tls`, `timeout` or `http`.
    pub stage: &'static str,
    pub detail: String,
}

fn trouble(stage: &'static str, detail: impl Into<String>) -> Trouble {
    Trouble {
        stage,
        detail: detail.into(),
    }
}

/// Sends one request without a body on a connection of its own and reads an answer of at most `limit`
/// bytes.
pub async fn send(
    door: &Door<'_>,
    request: Request<()>,
    within: Duration,
    limit: usize,
) -> Result<Answer, Trouble> {
    let end = Instant::now() + within;
    let late = |doing: &str| {
        trouble(
            "timeout",
            format!("no answer within {} s while {doing}", within.as_secs()),
        )
    };
    let addresses = timeout_at(end, resolve(door))
        .await
        .map_err(|_| late("resolving the name"))??;
    let stream = timeout_at(end, connect(&addresses))
        .await
        .map_err(|_| late("connecting"))??;
    let answer = async {
        if !door.secure {
            return exchange(stream, request, limit).await;
        }
        let name = ServerName::try_from(door.host.to_owned())
            .map_err(|_| trouble("tls", "the host name cannot stand in a certificate"))?;
        let connector = TlsConnector::from(trust()?);
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|e| trouble("tls", root(&e)))?;
        exchange(stream, request, limit).await
    };
    timeout_at(end, answer)
        .await
        .map_err(|_| late("waiting for the answer"))?
}

async fn resolve(door: &Door<'_>) -> Result<Vec<SocketAddr>, Trouble> {
    let target = door
        .address
        .map_or_else(|| format!("{}:{}", door.host, door.port), str::to_owned);
    let name = target
        .rsplit_once(':')
        .map_or(target.as_str(), |(name, _)| name);
    // RFC 6761: names below localhost are this machine, but the system's resolver does not know.
    if name.ends_with(".localhost") {
        let port = target
            .rsplit_once(':')
            .and_then(|(_, p)| p.parse().ok())
            .unwrap_or(door.port);
        return Ok(vec![
            (Ipv4Addr::LOCALHOST, port).into(),
            (Ipv6Addr::LOCALHOST, port).into(),
        ]);
    }
    let found: Vec<SocketAddr> = tokio::net::lookup_host(&target)
        .await
        .map_err(|error| trouble("dns", format!("{name}: {}", root(&error))))?
        .collect();
    if found.is_empty() {
        return Err(trouble("dns", format!("{name} has no address")));
    }
    Ok(found)
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Trouble> {
    let mut last = trouble("connect", "there is no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = trouble("connect", format!("{address}: {}", root(&error))),
        }
    }
    Err(last)
}

async fn exchange<S>(stream: S, request: Request<()>, limit: usize) -> Result<Answer, Trouble>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let failed = |error: hyper::Error| trouble("http", root(&error));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    // The connection ends by itself when the sender is dropped; its errors reach the request too.
    let driver = tokio::spawn(connection);
    let (mut parts, ()) = request.into_parts();
    // Over a connection of its own, a request names only the path; the host is in its header.
    let path = parts
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    parts.uri = path
        .parse()
        .map_err(|_| trouble("http", "the path cannot be sent"))?;
    let request = Request::from_parts(parts, Empty::<Bytes>::new());
    let done = async {
        let response = sender.send_request(request).await.map_err(failed)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, limit)
            .collect()
            .await
            .map_err(|_| trouble("http", "the answer broke off or is too long"))?;
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }
    .await;
    driver.abort();
    done
}

/// Whom to trust: what the operating system trusts.
fn trust() -> Result<Arc<ClientConfig>, Trouble> {
    static TRUST: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    TRUST
        .get_or_init(|| {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .and_then(rustls_platform_verifier::BuilderVerifierExt::with_platform_verifier)
                .map(|builder| Arc::new(builder.with_no_client_auth()))
                .map_err(|error| error.to_string())
        })
        .clone()
        .map_err(|detail| trouble("tls", detail))
}
