//! The collector behind a web address: rows as JSON Lines by POST, signed with a time, so that who
//! receives them knows that they are ours and not sent again by somebody. Any answer of success counts
//! as taken; redirects are not followed, because the signature is for that address only.

use std::time::Duration;

use async_trait::async_trait;
use model::Clock as _;
use reqwest::header::{CONTENT_TYPE, HeaderName};
use service::audit::{Delivered, Sink, SinkError, signature};

use crate::config::Secret;
use crate::failure::Failure;
use crate::wiring::clock::SystemClock;

/// Its name in marks, metrics and logs.
pub const NAME: &str = "webhook";
/// The header that signs the body.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-hosted-instances-signature");
/// How long one batch may take.
const WITHIN: Duration = Duration::from_secs(20);

/// A web address that takes rows.
#[derive(Debug)]
pub struct Webhook {
    url: String,
    secret: Secret,
    client: reqwest::Client,
}

impl Webhook {
    /// For that address; nothing is asked yet.
    ///
    /// # Errors
    /// A sentence when this machine has no client for it.
    pub fn new(url: &str, secret: Secret) -> Result<Self, Failure> {
        cluster::install_tls();
        let client = reqwest::Client::builder()
            .timeout(WITHIN)
            .user_agent("hosted-instances")
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failure::new(format!("audit.webhook_url cannot be used: {error}.")))?;
        Ok(Self {
            url: url.to_owned(),
            secret,
            client,
        })
    }
}

#[async_trait]
impl Sink for Webhook {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn deliver(&self, rows: &[Delivered]) -> Result<(), SinkError> {
        let body: String = rows.iter().map(|one| one.line.as_str()).collect();
        let signed = signature(
            self.secret.expose().as_bytes(),
            SystemClock.now(),
            body.as_bytes(),
        );
        let answer = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header(SIGNATURE, signed)
            .body(body)
            .send()
            .await
            .map_err(|error| SinkError(why(&error)))?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(SinkError(format!("it answered with status {status}")))
        }
    }
}

/// What a person can do something about; the address is left out.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("it did not answer within {} s", WITHIN.as_secs());
    }
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    if error.is_connect() {
        format!("it cannot be reached: {deepest}")
    } else {
        format!("the request broke off: {deepest}")
    }
}
