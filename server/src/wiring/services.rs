//! Building the services: once per process, from what was opened and what is configured.

use std::sync::Arc;
use std::time::Duration;

use cluster::Directory;
use service::ports::ClusterPort;
use service::{Context, PasswordCost, Services, Settings, SignInLimits};

use super::clock::SystemClock;
use super::clusters::directory;
use super::database::{self, Opened};
use super::entropy::SystemEntropy;
use super::mailer::Post;
use crate::config::Config;
use crate::failure::Failure;

/// What the chart allows as values; overrides are checked against it.
const VALUES_SCHEMA: &str =
    include_str!("../../../deploy/charts/prism-instance/values.schema.json");

/// Builds the services around what was opened.
///
/// # Errors
/// A sentence when the mail settings cannot be used.
pub fn build(
    config: &Config,
    opened: &Opened,
    clusters: Arc<dyn ClusterPort>,
    public_url: &str,
) -> Result<Services, Failure> {
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let mailer = Post::new(
        &config.mail,
        opened.folder.outbox(),
        clock.clone(),
        entropy.clone(),
    )?;
    Ok(Services::new(Context {
        db: opened.db.clone(),
        clock,
        entropy,
        clusters,
        mailer: Arc::new(mailer),
        settings: Arc::new(settings(config, opened, public_url)),
    }))
}

/// Opens and builds what a command of the command line needs.
///
/// # Errors
/// A sentence that says what cannot be used.
pub async fn for_command(config: &Config) -> Result<Services, Failure> {
    let opened = database::open(config).await?;
    // Whoever simulates clusters beside this command wrote down where they listen.
    let endpoints = sandbox::endpoints_of(&opened.folder.sandbox()).unwrap_or_default();
    let known = Arc::new(Directory::new(directory(&endpoints)));
    let clusters = super::clusters::build(config, known);
    build(
        config,
        &opened,
        clusters,
        &config.public_url(config.server.listen.port()),
    )
}

fn settings(config: &Config, opened: &Opened, public_url: &str) -> Settings {
    let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3_600);
    Settings {
        password: PasswordCost {
            memory_kib: config.password.memory_kib,
            iterations: config.password.iterations,
            parallelism: config.password.parallelism,
            concurrency: usize::try_from(config.password.concurrency).unwrap_or(1),
        },
        session_idle: Duration::from_secs(u64::from(config.session.idle_minutes) * 60),
        session_absolute: hours(config.session.absolute_hours),
        sign_in: SignInLimits {
            per_account_per_hour: config.sign_in.per_account_per_hour,
            per_address_per_hour: config.sign_in.per_address_per_hour,
            burst: config.sign_in.burst,
        },
        deletion_grace: hours(config.operations.deletion_grace_hours),
        lease: Duration::from_secs(u64::from(config.operations.lease_seconds)),
        token_policy: config.tokens.policy(),
        values_schema: Some(VALUES_SCHEMA.to_owned()),
        audit_sinks: super::audit::names(config),
        ..Settings::new(public_url, opened.key.clone())
    }
}
