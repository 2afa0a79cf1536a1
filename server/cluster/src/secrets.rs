//! Secrets Manager, write-only: entries are created, described, listed and deleted, and no value is ever
//! read. A creation carries a token that makes it the same creation when its answer was lost. Error
//! texts name the entry and the service's own code, never a value.

use std::collections::BTreeSet;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use secrecy::ExposeSecret as _;
use serde_json::json;
use service::ports::{ClusterError, NewSecret, Target};

/// The entries that every instance has; the list of entries is only eventually complete.
const WELL_KNOWN: &[&str] = &["wallet-seed", "admin-token", "api-key-salt"];
/// Tag with the instance's id.
const INSTANCE: &str = "hosted-instances/instance";
/// Tag with the tenant's id.
const TENANT: &str = "hosted-instances/tenant";

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
    let tag = |key: &str, value: String| Tag::builder().key(key).value(value).build();
    let sent = client
        .create_secret()
        .name(&name)
        .client_request_token(&secret.request_token)
        .secret_string(json!({"value": secret.text.expose_secret()}).to_string())
        .tags(tag(INSTANCE, target.instance.to_string()))
        .tags(tag(TENANT, target.tenant.to_string()))
        .send()
        .await;
    match sent {
        Ok(_) => Ok(()),
        Err(error) => match Said::of(&error) {
            Said::Code(code, _) if code == "ResourceExistsException" => Ok(()),
            Said::Code(code, message)
                if code == "InvalidRequestException"
                    && message.contains("scheduled for deletion") =>
            {
                Err(ClusterError::SecretsManager(format!(
                    "The entry {name} is scheduled for deletion in Secrets Manager and blocks its name. \
                     Restore it there, or delete it without recovery"
                )))
            }
            said => Err(said.into_error(&format!("writing the entry {name}"))),
        },
    }
}

/// Deletes every entry of the instance without recovery: the grace period was ours.
pub async fn remove(client: &Client, target: &Target) -> Result<(), ClusterError> {
    let mut names: BTreeSet<String> = listed(client, target).await?.into_keys().collect();
    names.extend(
        WELL_KNOWN
            .iter()
            .map(|name| format!("{}{name}", prefix(target))),
    );
    for name in names {
        let sent = client
            .delete_secret()
            .secret_id(&name)
            .force_delete_without_recovery(true)
            .send()
            .await;
        match sent.as_ref().map_err(Said::of) {
            Ok(_) => {}
            Err(Said::Code(code, _)) if code == "ResourceNotFoundException" => {}
            Err(said) => return Err(said.into_error(&format!("deleting the entry {name}"))),
        }
    }
    Ok(())
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

/// What an attempt came to.
enum Said {
    /// The service's code and message.
    Code(String, String),
    /// No answer that could be read.
    Nothing(String),
}

impl Said {
    fn of<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        match error {
            SdkError::ServiceError(service) => {
                let meta = service.err();
                match meta.code() {
                    Some(code) => {
                        Self::Code(code.to_owned(), meta.message().unwrap_or("").to_owned())
                    }
                    None => Self::Nothing("its answer makes no sense".to_owned()),
                }
            }
            SdkError::TimeoutError(_) => Self::Nothing("it did not answer in time".to_owned()),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Self::Nothing("it did not answer in time".to_owned())
            }
            SdkError::DispatchFailure(failure) if failure.is_io() => {
                Self::Nothing("it cannot be connected to".to_owned())
            }
            SdkError::DispatchFailure(_) => Self::Nothing(
                "the request could not be sent; this server may have no AWS credentials".to_owned(),
            ),
            SdkError::ResponseError(_) => Self::Nothing("its answer makes no sense".to_owned()),
            _ => Self::Nothing("the request could not be made".to_owned()),
        }
    }

    fn into_error(self, doing: &str) -> ClusterError {
        let refused = |code: &str, why: &str| {
            ClusterError::SecretsManager(format!("Secrets Manager refused {doing} ({code}){why}"))
        };
        match self {
            Self::Code(code, _) => match code.as_str() {
                "ThrottlingException"
                | "Throttling"
                | "TooManyRequestsException"
                | "RequestLimitExceeded"
                | "LimitExceededException" => ClusterError::Busy(format!(
                    "Secrets Manager has too many requests; {doing} is tried again later"
                )),
                "AccessDeniedException" | "AccessDenied" => refused(
                    &code,
                    ". Allow secretsmanager:CreateSecret, TagResource, DescribeSecret, DeleteSecret on \
                     that prefix and ListSecrets",
                ),
                "InternalServiceError" | "InternalServiceErrorException" | "ServiceUnavailable" => {
                    ClusterError::SecretsManager(format!(
                        "Secrets Manager has a fault of its own; {doing} is tried again later"
                    ))
                }
                _ => refused(&code, ""),
            },
            Self::Nothing(why) => ClusterError::SecretsManager(format!(
                "Secrets Manager was not reached for {doing}: {why}"
            )),
        }
    }
}
