//! Entries of tokens: one each, written once and deleted at once. Attempts are repeated here and not by
//! the SDK, which tells only of the last one: a refusal after an attempt whose answer was lost is no
//! proof that nothing was written, and whoever asked must know which of the two it was.

use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use service::ports::{ClusterError, NewTokenEntry, Target};
use tokio::time::{Instant, sleep, timeout_at};

use super::said::Said;
use super::{blocked, delete, prefix, tags};

/// Within which a write ends, its repetitions included.
const WITHIN: Duration = Duration::from_secs(9);
/// Pauses before a write is repeated.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// Writes an entry. The same entry written again is the same entry; a failure is
/// [`ClusterError::Unreachable`] when it may have been written all the same, and certain otherwise.
pub async fn write(
    client: &Client,
    target: &Target,
    entry: &NewTokenEntry,
) -> Result<(), ClusterError> {
    let name = format!("{}{}", prefix(target), entry.consumer);
    let end = Instant::now() + WITHIN;
    let mut pauses = PAUSES.into_iter();
    let mut open = false;
    loop {
        let said = match timeout_at(end, attempt(client, target, &name, entry)).await {
            Ok(None) => return Ok(()),
            Ok(Some(said)) => said,
            Err(_) => Said::Nothing("it did not answer in time".to_owned()),
        };
        open |= said.leaves_open();
        let next = pauses
            .next()
            .filter(|pause| said.passes() && Instant::now() + *pause < end);
        let Some(pause) = next else {
            return Err(told(said, open, &name));
        };
        sleep(pause).await;
    }
}

/// Deletes an entry without recovery; one that is not there is fine.
pub async fn remove(client: &Client, target: &Target, consumer: &str) -> Result<(), ClusterError> {
    delete(client, &format!("{}{consumer}", prefix(target))).await
}

async fn attempt(
    client: &Client,
    target: &Target,
    name: &str,
    entry: &NewTokenEntry,
) -> Option<Said> {
    let value = SecretString::from(json!({"key": entry.token.expose()}).to_string());
    let sent = client
        .create_secret()
        .name(name)
        .client_request_token(&entry.request_token)
        .secret_string(value.expose_secret())
        .set_tags(Some(tags(target)))
        .customize()
        .config_override(Builder::new().retry_config(RetryConfig::disabled()))
        .send()
        .await;
    sent.as_ref().err().map(Said::of)
}

fn told(said: Said, open: bool, name: &str) -> ClusterError {
    let doing = format!("writing the entry {name}");
    let certain = match said {
        said if said.is_blocked() => blocked(name),
        // The service answers the same text under the same request token with success.
        Said::Code(code, _) if code == "ResourceExistsException" => {
            ClusterError::SecretsManager(format!(
                "The entry {name} exists in Secrets Manager with another content and was not changed. \
                 Delete it there, and issue the token again"
            ))
        }
        said => said.into_error(&doing),
    };
    if open {
        return ClusterError::Unreachable(format!(
            "{certain}. An earlier attempt may have been carried out"
        ));
    }
    certain
}
