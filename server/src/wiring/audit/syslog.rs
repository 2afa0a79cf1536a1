//! The collector that speaks syslog: RFC 5424 over TCP or TLS, each message with its length in front
//! (RFC 6587), the row as JSON in it. Syslog acknowledges nothing, so a batch has a connection of its
//! own and counts as taken when the collector, told that nothing more comes, closes it: it has read
//! everything by then.

use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use service::audit::{Delivered, Sink, SinkError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::config::{SyslogEncryption, host_and_port};
use crate::failure::Failure;

/// Its name in marks, metrics and logs.
pub const NAME: &str = "syslog";
/// Facility 13 (log audit), severity 5 (notice).
const PRIORITY: u8 = 13 * 8 + 5;
/// How long connecting and one batch may take.
const WITHIN: Duration = Duration::from_secs(15);
/// How long the collector may take to close the connection.
const CLOSING: Duration = Duration::from_secs(5);

/// A syslog collector.
pub struct Syslog {
    host: String,
    port: u16,
    /// This machine's name in messages.
    from: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Syslog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Syslog({}:{})", self.host, self.port)
    }
}

impl Syslog {
    /// At that host and port; nothing is asked yet.
    ///
    /// # Errors
    /// A sentence when the address is none or the system's certificates cannot be used.
    pub fn new(address: &str, encryption: SyslogEncryption) -> Result<Self, Failure> {
        let unfit =
            |why: String| Failure::usage(format!("audit.syslog_address cannot be used: {why}."));
        let (host, port) = host_and_port(address)
            .ok_or_else(|| unfit(format!("{address} is no host and port")))?;
        let tls = match encryption {
            SyslogEncryption::None => None,
            SyslogEncryption::Tls => {
                let name = ServerName::try_from(host.to_owned())
                    .map_err(|error| unfit(error.to_string()))?;
                let config = trust().map_err(|error| unfit(error.to_string()))?;
                Some((TlsConnector::from(std::sync::Arc::new(config)), name))
            }
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            from: host_name(),
            tls,
        })
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn send(&self, text: &[u8]) -> Result<(), SinkError> {
        let stream = self
            .connect()
            .await
            .map_err(|error| SinkError(format!("it cannot be reached: {error}")))?;
        let Some((connector, name)) = &self.tls else {
            return hand_over(stream, text).await;
        };
        let stream = connector
            .connect(name.clone(), stream)
            .await
            .map_err(|error| SinkError(format!("no encrypted connection is possible: {error}")))?;
        hand_over(stream, text).await
    }
}

#[async_trait]
impl Sink for Syslog {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn deliver(&self, rows: &[Delivered]) -> Result<(), SinkError> {
        let mut text = String::new();
        for one in rows {
            let message = message(one, &self.from);
            // Writing to a String cannot fail.
            let _ = write!(text, "{} {message}", message.len());
        }
        timeout(WITHIN, self.send(text.as_bytes()))
            .await
            .unwrap_or_else(|_| {
                Err(SinkError(format!(
                    "it did not take everything within {} s",
                    WITHIN.as_secs()
                )))
            })
    }
}

/// One message of RFC 5424, without structured data.
fn message(one: &Delivered, from: &str) -> String {
    let row = &one.row;
    let kind: String = row
        .action
        .chars()
        .filter(char::is_ascii_graphic)
        .take(32)
        .collect();
    let kind = if kind.is_empty() { "-" } else { &kind };
    format!(
        "<{PRIORITY}>1 {} {from} hosted-instances - {kind} - {}",
        row.at,
        one.line.trim_end()
    )
}

/// Writes everything, says that nothing more comes, and waits until the other side has nothing to say
/// either.
async fn hand_over<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    text: &[u8],
) -> Result<(), SinkError> {
    let broke = |error: std::io::Error| SinkError(format!("the connection broke off: {error}"));
    stream.write_all(text).await.map_err(broke)?;
    stream.flush().await.map_err(broke)?;
    stream.shutdown().await.map_err(broke)?;
    let mut ignored = [0; 512];
    let closed = timeout(CLOSING, async {
        while stream.read(&mut ignored).await? > 0 {}
        Ok(())
    });
    match closed.await {
        Ok(read) => read.map_err(broke),
        Err(_) => Err(SinkError(format!(
            "it did not close the connection within {} s, so nobody knows what it has read",
            CLOSING.as_secs()
        ))),
    }
}

/// Whom to trust: what the operating system trusts.
fn trust() -> Result<ClientConfig, rustls::Error> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(rustls_platform_verifier::BuilderVerifierExt::with_platform_verifier)?;
    Ok(builder.with_no_client_auth())
}

/// This machine's name, as messages carry it; `-` where it has none.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name
        .trim()
        .chars()
        .filter(char::is_ascii_graphic)
        .take(255)
        .collect();
    if name.is_empty() {
        "-".to_owned()
    } else {
        name
    }
}
