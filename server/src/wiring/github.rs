//! The keys by which GitHub signs what its secret scanning found. The list is read when a message names
//! a key that is not known, and kept; a key that GitHub does not list is asked for again at most once a
//! minute, so that made-up identifiers make nobody else's server busy.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey as _;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long reading the list may take.
const WITHIN: Duration = Duration::from_secs(10);
/// Largest list that is read.
const MOST_BYTES: usize = 256 * 1024;
/// The list is read again at most so often for keys it does not hold.
const AGAIN: Duration = Duration::from_mins(1);
/// A key is believed so long without looking at the list again, so that one that GitHub withdraws ends.
const BELIEVED: Duration = Duration::from_hours(24);

/// Why the list could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeysUnavailable(String);

/// GitHub's keys, as they were last read.
#[derive(Debug)]
pub struct GithubKeys {
    url: String,
    client: reqwest::Client,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<String, VerifyingKey>,
    read_at: Option<Instant>,
}

#[derive(Deserialize)]
struct List {
    public_keys: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    key_identifier: String,
    key: String,
}

impl GithubKeys {
    /// Keys of the list at `url`; nothing is read before one is needed.
    #[must_use]
    pub fn new(url: &str) -> Self {
        cluster::install_tls();
        let client = reqwest::Client::builder()
            .timeout(WITHIN)
            .user_agent("hosted-instances")
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap_or_default();
        Self {
            url: url.to_owned(),
            client,
            known: Mutex::default(),
        }
    }

    /// Whether `signature` (base64 of an ASN.1 signature) over `body` is by the key of that name.
    ///
    /// # Errors
    /// [`KeysUnavailable`] when the list is needed and cannot be read.
    pub async fn verify(
        &self,
        identifier: &str,
        signature: &str,
        body: &[u8],
    ) -> Result<bool, KeysUnavailable> {
        let Some(signature) = STANDARD
            .decode(signature)
            .ok()
            .and_then(|bytes| Signature::from_der(&bytes).ok())
        else {
            return Ok(false);
        };
        let key = self.key(identifier).await?;
        Ok(key.is_some_and(|key| key.verify(body, &signature).is_ok()))
    }

    async fn key(&self, identifier: &str) -> Result<Option<VerifyingKey>, KeysUnavailable> {
        let mut known = self.known.lock().await;
        let age = known.read_at.map(|at| at.elapsed());
        let fresh = age.is_some_and(|age| {
            age < AGAIN || known.keys.contains_key(identifier) && age < BELIEVED
        });
        if !fresh {
            known.keys = self.read().await?;
            known.read_at = Some(Instant::now());
        }
        Ok(known.keys.get(identifier).copied())
    }

    async fn read(&self) -> Result<HashMap<String, VerifyingKey>, KeysUnavailable> {
        let failed = |error: reqwest::Error| KeysUnavailable(error.without_url().to_string());
        let sent = self.client.get(&self.url).send().await.map_err(failed)?;
        let mut answer = sent.error_for_status().map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MOST_BYTES {
                return Err(KeysUnavailable("the list is too long".to_owned()));
            }
        }
        let list: List = serde_json::from_slice(&bytes)
            .map_err(|error| KeysUnavailable(format!("the list cannot be read: {error}")))?;
        // A key of a kind that is not known here is not this list's fault.
        Ok(list
            .public_keys
            .into_iter()
            .filter_map(|it| {
                let key = VerifyingKey::from_public_key_pem(&it.key).ok()?;
                Some((it.key_identifier, key))
            })
            .collect())
    }
}
