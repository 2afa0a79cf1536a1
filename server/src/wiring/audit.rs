//! What leaves this process of the audit trail: signed heads into a file beside the database, and every
//! row to the collectors that are configured. Duties like all others: they end when the server stops
//! and begin again when they fall over.

pub mod heads;
pub mod syslog;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use service::Services;
use service::audit::{Deliverer, Sink};

use self::heads::HeadsFile;
use self::syslog::Syslog;
use self::webhook::Webhook;
use super::folder::DataFolder;
use super::process;
use super::stop::Stop;
use crate::config::Config;
use crate::failure::Failure;
use crate::worker::Background;

/// Heads are exported so often.
const EXPORT: Duration = Duration::from_mins(1);

/// The collectors that are configured.
///
/// # Errors
/// A sentence when what is configured cannot be used.
pub fn sinks(config: &Config) -> Result<Vec<Arc<dyn Sink>>, Failure> {
    let mut sinks: Vec<Arc<dyn Sink>> = Vec::new();
    if let (Some(url), Some(secret)) = (&config.audit.webhook_url, &config.audit.webhook_secret) {
        sinks.push(Arc::new(Webhook::new(url, secret.clone())?));
    }
    if let Some(address) = &config.audit.syslog_address {
        sinks.push(Arc::new(Syslog::new(
            address,
            config.audit.syslog_encryption,
        )?));
    }
    Ok(sinks)
}

/// Names of the collectors that are configured.
#[must_use]
pub fn names(config: &Config) -> Vec<String> {
    let webhook = config.audit.webhook_url.as_ref().map(|_| webhook::NAME);
    let syslog = config.audit.syslog_address.as_ref().map(|_| syslog::NAME);
    webhook
        .into_iter()
        .chain(syslog)
        .map(str::to_owned)
        .collect()
}

/// Begins the duties.
///
/// # Errors
/// As [`sinks`].
pub fn begin(
    background: &mut Background,
    services: &Arc<Services>,
    config: &Config,
    folder: &DataFolder,
    stop: &Stop,
) -> Result<(), Failure> {
    let (of, file, until) = (services.clone(), folder.audit_heads(), stop.clone());
    background.keep("audit heads", stop, move || {
        let (of, file, until) = (of.clone(), file.clone(), until.clone());
        async move { export(&of, file, &until).await }
    });
    let name = process::name(&*services.context.entropy);
    for sink in sinks(config)? {
        let duty = sink.name();
        let deliverer = Deliverer::new(services.clone(), sink, &name);
        let until = stop.receiver();
        background.keep(duty, stop, move || {
            let (deliverer, until) = (deliverer.clone(), until.clone());
            async move { deliverer.run(until).await }
        });
    }
    Ok(())
}

/// Exports heads every minute, and once more at the end.
async fn export(services: &Services, file: std::path::PathBuf, stop: &Stop) {
    let mut heads = match HeadsFile::open(file) {
        Ok(heads) => heads,
        Err(failure) => {
            tracing::error!(%failure, "Heads of the audit trail cannot be exported.");
            return;
        }
    };
    loop {
        let last = stop.is_asked();
        if let Err(failure) = heads.export(&services.audit).await {
            tracing::error!(%failure, "Heads of the audit trail were not exported; tried again in a minute.");
        }
        if last {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(EXPORT) => {}
            () = stop.asked() => {}
        }
    }
}
