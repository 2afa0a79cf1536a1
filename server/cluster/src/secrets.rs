//! Secrets Manager, write-only: entries are created, described, listed and deleted, and no value is ever
//! read. A creation carries a token that makes it the same creation when its answer was lost. Error
//! texts name the entry and the service's own code, never a value.

mod said;
pub mod token;

use std::collections::BTreeSet;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use secrecy::ExposeSecret as _;
use serde_json::json;
use service::ports::{ClusterError, NewSecret, Target};

use self::said::Said;

/// The entries that every instance has; the list of entries is only eventually complete.
const WELL_KNOWN: &[&str] = &["wallet-seed", "admin-token", "api-key-salt"];
/// Tag with the instance's id.
const INSTANCE: &str = "hosted-instances/instance";
/// Tag with the tenant's id.
const TENANT: &str = "hosted-instances/tenant";

/// How many entries are deleted at the same time; the service admits 50 a second of a region.
const AT_ONCE: usize = 8;

/// What the names of an instance's entries begin with.
fn prefix(target: &Target) -> String {
    format!("{}/{}/", target.cluster.secrets_prefix, target.instance)
}

/// Writes entries that are not there yet.
pub async fn write(
    client: &Client,
    target: &Target,
    secrets: &[NewSecret],
) -> Result<(), ClusterError> {
    for secret in secrets {
        create(client, target, secret).await?;
    }
    Ok(())
}

async fn create(client: &Client, target: &Target, secret: &NewSecret) -> Result<(), ClusterError> {
    let name = format!("{}{}", prefix(target), secret.name);
    let sent = client
        .create_secret()
        .name(&name)
        .client_request_token(&secret.request_token)
        .secret_string(json!({"value": secret.text.expose_secret()}).to_string())
        .set_tags(Some(tags(target)))
        .send()
        .await;
    match sent {
        Ok(_) => Ok(()),
        Err(error) => match Said::of(&error) {
            Said::Code(code, _) if code == "ResourceExistsException" => Ok(()),
            said if said.is_blocked() => Err(blocked(&name)),
            said => Err(said.into_error(&format!("writing the entry {name}"))),
        },
    }
}

/// Whose an entry is.
fn tags(target: &Target) -> Vec<Tag> {
    let tag = |key: &str, value: String| Tag::builder().key(key).value(value).build();
    vec![
        tag(INSTANCE, target.instance.to_string()),
        tag(TENANT, target.tenant.to_string()),
    ]
}

fn blocked(name: &str) -> ClusterError {
    ClusterError::SecretsManager(format!(
        "The entry {name} is scheduled for deletion in Secrets Manager and blocks its name. Restore it \
         there, or delete it without recovery"
    ))
}

/// Deletes every entry of the instance without recovery, those of tokens too: the grace period was
/// ours.
pub async fn remove(client: &Client, target: &Target) -> Result<(), ClusterError> {
    let mut names: BTreeSet<String> = listed(client, target).await?.into_keys().collect();
    names.extend(
        WELL_KNOWN
            .iter()
            .map(|name| format!("{}{name}", prefix(target))),
    );
    stream::iter(names)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, |name| async move { delete(client, &name).await })
        .await
}

/// Deletes one entry without recovery; one that is not there is fine.
async fn delete(client: &Client, name: &str) -> Result<(), ClusterError> {
    let sent = client
        .delete_secret()
        .secret_id(name)
        .force_delete_without_recovery(true)
        .send()
        .await;
    match sent.as_ref().map_err(Said::of) {
        Ok(_) => Ok(()),
        Err(Said::Code(code, _)) if code == "ResourceNotFoundException" => Ok(()),
        Err(said) => Err(said.into_error(&format!("deleting the entry {name}"))),
    }
}

/// Entries of the instance that are still there.
pub async fn left(client: &Client, target: &Target) -> Result<Vec<String>, ClusterError> {
    let mut names = listed(client, target).await?;
    for known in WELL_KNOWN {
        let name = format!("{}{known}", prefix(target));
        let sent = client.describe_secret().secret_id(&name).send().await;
        match sent.as_ref().map_err(Said::of) {
            Ok(entry) => {
                names.insert(name, entry.deleted_date().is_some());
            }
            Err(Said::Code(code, _)) if code == "ResourceNotFoundException" => {
                // The list lags behind; the entry itself is asked.
                names.remove(&name);
            }
            Err(said) => return Err(said.into_error(&format!("looking for the entry {name}"))),
        }
    }
    Ok(names
        .into_iter()
        .map(|(name, going)| {
            let note = if going {
                " (scheduled for deletion)"
            } else {
                ""
            };
            format!("Secrets Manager entry {name}{note}")
        })
        .collect())
}

/// Whether entries with the cluster's prefix may be listed, for the check of a cluster.
pub async fn reachable(client: &Client, prefix: &str) -> Result<(), ClusterError> {
    let filter = by_name(prefix);
    let sent = client
        .list_secrets()
        .filters(filter)
        .max_results(1)
        .send()
        .await;
    sent.map(drop)
        .map_err(|error| Said::of(&error).into_error("listing entries"))
}

fn by_name(prefix: &str) -> Filter {
    Filter::builder()
        .key(FilterNameStringType::Name)
        .values(prefix)
        .build()
}

/// Names of the instance's entries, and whether each is scheduled for deletion.
async fn listed(
    client: &Client,
    target: &Target,
) -> Result<std::collections::BTreeMap<String, bool>, ClusterError> {
    let prefix = prefix(target);
    let mut names = std::collections::BTreeMap::new();
    let mut next = None;
    loop {
        let page = client
            .list_secrets()
            .filters(by_name(&prefix))
            .include_planned_deletion(true)
            .max_results(100)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| Said::of(&error).into_error("listing entries"))?;
        for entry in page.secret_list() {
            // The service's filter is looser than a prefix.
            if let Some(name) = entry.name().filter(|name| name.starts_with(&prefix)) {
                names.insert(name.to_owned(), entry.deleted_date().is_some());
            }
        }
        match page.next_token().filter(|token| !token.is_empty()) {
            Some(token) => next = Some(token.to_owned()),
            None => return Ok(names),
        }
    }
}
