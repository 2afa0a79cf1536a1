//! `doctor`: looks at everything this program needs and says, one line each, what is in order, what
//! is missing and what to do. It changes nothing, so it can be run at any time, beside a server too.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use cluster::Directory;
use model::{Actor, Clock as _};
use service::Services;
use service::audit::SinkLag;
use store::{Db, diagnosis, setting};

use crate::config::Config;
use crate::failure::Failure;
use crate::wiring::clock::SystemClock;
use crate::wiring::database::{self, Opened};
use crate::wiring::entropy::SystemEntropy;
use crate::wiring::folder::DataFolder;
use crate::wiring::key::{KeyFile, fingerprint};
use crate::wiring::mailer::Post;
use crate::wiring::{clusters, services};

/// A difference of clocks that confuses people and leases.
const SKEW: Duration = Duration::from_secs(2);

/// Says what is in order, what is missing and what to do.
#[derive(Args, Debug)]
pub struct Doctor {
    /// Prints the rights this control plane needs on a cluster, as Kubernetes RBAC objects, and does
    /// nothing else.
    #[arg(long)]
    print_rbac: bool,
    /// With --print-rbac: where the Applications live on the cluster.
    #[arg(long, value_name = "NAMESPACE", default_value = "hosted-instances")]
    application_namespace: String,
    /// With --print-rbac: where Argo CD itself lives.
    #[arg(long, value_name = "NAMESPACE", default_value = "argocd")]
    argocd_namespace: String,
}

/// Rows of the audit trail that wait longer than this to be handed on are too late.
const LATE: Duration = Duration::from_mins(5);

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    ok: bool,
    name: String,
    detail: String,
}

impl Line {
    fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            ok: true,
            name: name.into(),
            detail: detail.into(),
        }
    }

    fn missing(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            ok: false,
            name: name.into(),
            detail: detail.into(),
        }
    }
}

impl Doctor {
    /// Looks, prints, and fails when something is missing.
    ///
    /// # Errors
    /// When something could not even be looked at.
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        if self.print_rbac {
            println!(
                "{}",
                cluster::print_rbac(&self.application_namespace, &self.argocd_namespace)
            );
            return Ok(ExitCode::SUCCESS);
        }
        let lines = look(config).await;
        let width = lines
            .iter()
            .map(|line| line.name.chars().count())
            .max()
            .unwrap_or(0);
        for line in &lines {
            let word = if line.ok { "ok" } else { "missing" };
            println!("{word:<8} {:<width$}  {}", line.name, line.detail);
        }
        Ok(if lines.iter().all(|line| line.ok) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

async fn look(config: &Config) -> Vec<Line> {
    let path = &config.server.data_dir;
    if !path.is_dir() {
        return vec![Line::missing(
            "data folder",
            format!(
                "{} does not exist. `hosted-instances serve` makes it.",
                path.display()
            ),
        )];
    }
    let folder = match DataFolder::open(path) {
        Ok(folder) => folder,
        Err(failure) => return vec![Line::missing("data folder", failure.to_string())],
    };
    let mut lines = vec![rights(&folder)];
    let (db, mut found) = database_lines(config, &folder).await;
    lines.append(&mut found);
    let key = key_lines(config, &folder, db.as_ref(), &mut lines).await;
    lines.push(mail(config, &folder).await);
    if let (Some(db), Some(key)) = (db, key) {
        let opened = Opened {
            folder,
            db,
            key: service::ServerKey::new(key),
        };
        lines.append(&mut cluster_lines(config, opened).await);
    }
    lines
}

fn rights(folder: &DataFolder) -> Line {
    let shown = folder.path().display();
    if folder.open_to_others() {
        Line::missing(
            "data folder",
            format!("{shown} can be opened by others. Close it: chmod 700 {shown}"),
        )
    } else {
        Line::ok("data folder", format!("{shown}, for its owner only"))
    }
}

/// The database, if it answers at the schema of this program.
async fn database_lines(config: &Config, folder: &DataFolder) -> (Option<Db>, Vec<Line>) {
    if config.database.url.is_none() && !folder.database().is_file() {
        let detail = format!(
            "{} does not exist. `hosted-instances serve` makes it.",
            folder.database().display()
        );
        return (None, vec![Line::missing("database", detail)]);
    }
    let db = match database::connect(config, folder).await {
        Ok(db) => db,
        Err(failure) => return (None, vec![Line::missing("database", failure.to_string())]),
    };
    let mut lines = Vec::new();
    match diagnosis::engine(&db).await {
        Ok(engine) => lines.push(Line::ok("database", engine)),
        Err(error) => {
            lines.push(Line::missing("database", Failure::from(error).to_string()));
            return (None, lines);
        }
    }
    let schema = schema(&db).await;
    let usable = schema.ok;
    lines.push(schema);
    lines.push(skew(&db).await);
    (usable.then_some(db), lines)
}

async fn schema(db: &Db) -> Line {
    let head = store::head();
    match store::version(db).await {
        Ok(version) if version == head => {
            Line::ok("schema", format!("{version}, as this program has it"))
        }
        Ok(version) if version < head => Line::missing(
            "schema",
            format!(
                "{version}; this program has {head}. Run `hosted-instances migrate`, or start the server."
            ),
        ),
        Ok(version) => Line::missing(
            "schema",
            format!("{version}; this program knows only up to {head}. Use the newer program."),
        ),
        Err(error) => Line::missing("schema", Failure::from(error).to_string()),
    }
}

async fn skew(db: &Db) -> Line {
    let before = SystemClock.now();
    let there = match diagnosis::clock(db, before).await {
        Ok(there) => there,
        Err(error) => return Line::missing("clock", Failure::from(error).to_string()),
    };
    let after = SystemClock.now();
    // Earlier than the question or later than the answer: by so much the clocks differ at least.
    let by = before.since(there).max(there.since(after));
    if by > SKEW {
        Line::missing(
            "clock",
            format!(
                "differs from the database's by {by:.1?}. Let both machines follow the same time server (NTP)."
            ),
        )
    } else {
        Line::ok("clock", format!("within {by:.1?} of the database's"))
    }
}

async fn key_lines(
    config: &Config,
    folder: &DataFolder,
    db: Option<&Db>,
    lines: &mut Vec<Line>,
) -> Option<[u8; 32]> {
    let file = KeyFile::of(&config.keys, folder);
    let known = match db {
        Some(db) => setting::get(db, setting::SERVER_KEY).await.ok().flatten(),
        None => None,
    };
    let shown = file.path().display().to_string();
    match file.read() {
        Ok(None) => {
            lines.push(Line::missing("server key", format!("{shown} does not exist. Put it back from your backup; a new installation makes it at its first start.")));
            None
        }
        Err(failure) => {
            lines.push(Line::missing("server key", failure.to_string()));
            None
        }
        Ok(Some(key)) => {
            let print = fingerprint(&key);
            lines.push(match known {
                Some(known) if known != print => Line::missing("server key", format!("{shown} has the fingerprint {print}; the database was set up with {known}. Put the right file back.")),
                _ if file.open_to_others() => Line::missing("server key", format!("{shown} can be read by others. Close it: chmod 600 {shown}")),
                _ => Line::ok("server key", format!("{shown}, fingerprint {print}")),
            });
            Some(key)
        }
    }
}

async fn mail(config: &Config, folder: &DataFolder) -> Line {
    let Some(host) = &config.mail.host else {
        return Line::ok(
            "mail",
            format!(
                "no mail server is configured; mails are written to {}",
                folder.outbox().display()
            ),
        );
    };
    let post = Post::new(
        &config.mail,
        folder.outbox(),
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    );
    let tested = match post {
        Ok(post) => post.test().await.map_err(|error| error.to_string()),
        Err(failure) => Err(failure.to_string()),
    };
    match tested {
        Ok(()) => Line::ok("mail", format!("{host}:{} answers", config.mail.port)),
        Err(why) => Line::missing(
            "mail",
            format!(
                "{host}:{} cannot be used: {why}. See the settings of [mail].",
                config.mail.port
            ),
        ),
    }
}

/// How the collectors of the audit trail stand.
async fn audit_lines(services: &Services) -> Vec<Line> {
    match services.audit.lags(&Actor::Operator).await {
        Ok(lags) => lags.iter().map(audit_line).collect(),
        Err(error) => vec![Line::missing("audit", Failure::from(error).to_string())],
    }
}

fn audit_line(lag: &SinkLag) -> Line {
    let name = format!("audit {}", lag.sink);
    let behind = match lag.rows {
        0 => "has every row".to_owned(),
        1 => format!("one row waits since {:.0?}", lag.oldest),
        rows => format!("{rows} rows wait, the oldest since {:.0?}", lag.oldest),
    };
    match &lag.failing {
        Some((since, said)) => Line::missing(
            name,
            format!("takes nothing since {since}: {said}; {behind}. See the settings of [audit]."),
        ),
        None if lag.oldest > LATE => Line::missing(
            name,
            format!("{behind}. See that a server runs; it hands them on."),
        ),
        None => Line::ok(name, behind),
    }
}

async fn cluster_lines(config: &Config, opened: Opened) -> Vec<Line> {
    let endpoints = sandbox::endpoints_of(&opened.folder.sandbox()).unwrap_or_default();
    let known = Arc::new(Directory::new(clusters::directory(&endpoints)));
    let adapters = clusters::build(config, known);
    let built = services::build(
        config,
        &opened,
        adapters,
        &config.public_url(config.server.listen.port()),
    );
    let services = match built {
        Ok(services) => services,
        Err(failure) => return vec![Line::missing("clusters", failure.to_string())],
    };
    let mut lines = audit_lines(&services).await;
    let list = match services.cluster.list(&Actor::Operator).await {
        Ok(list) => list,
        Err(error) => {
            lines.push(Line::missing("clusters", Failure::from(error).to_string()));
            return lines;
        }
    };
    if list.is_empty() {
        lines.push(Line::ok(
            "clusters",
            "none yet. Add one in the console, or start with --sandbox to try.",
        ));
    }
    for cluster in list {
        let name = cluster.settings.name.to_string();
        match services
            .cluster
            .check(&Actor::Operator, cluster.settings)
            .await
        {
            Err(error) => lines.push(Line::missing(name, Failure::from(error).to_string())),
            Ok(checks) => lines.extend(checks.into_iter().map(|check| Line {
                ok: check.ok,
                name: format!("{name}: {}", check.name),
                detail: check.detail,
            })),
        }
    }
    services.context.db.close().await;
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(folder: &std::path::Path) -> Config {
        let mut config = Config::default();
        config.server.data_dir = folder.to_owned();
        config
    }

    #[tokio::test]
    async fn a_folder_that_was_never_served_is_named_and_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let lines = look(&config(&folder)).await;
        assert!(
            !lines[0].ok && lines[0].detail.contains("serve"),
            "{lines:?}"
        );
        assert!(!folder.exists());
    }

    #[test]
    fn a_collector_that_takes_nothing_is_missing() {
        let mut lag = SinkLag {
            sink: "syslog".to_owned(),
            rows: 0,
            oldest: Duration::ZERO,
            delivered_at: None,
            failing: None,
        };
        assert!(audit_line(&lag).ok);
        (lag.rows, lag.oldest) = (7, Duration::from_mins(6));
        assert!(!audit_line(&lag).ok && audit_line(&lag).detail.contains("7 rows"));
        lag.failing = Some((SystemClock.now(), "it cannot be reached".to_owned()));
        assert!(audit_line(&lag).detail.contains("it cannot be reached"));
    }

    #[tokio::test]
    async fn rights_key_and_schema_are_told_apart() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let config = config(&folder);
        database::open(&config).await.unwrap();
        let lines = look(&config).await;
        let line = |name: &str| lines.iter().find(|line| line.name == name).unwrap().clone();
        for name in [
            "data folder",
            "database",
            "schema",
            "clock",
            "server key",
            "mail",
            "clusters",
        ] {
            assert!(line(name).ok, "{:?}", line(name));
        }
        std::fs::write(folder.join("server.key"), [7; 32]).unwrap();
        let lines = look(&config).await;
        let key = lines.iter().find(|line| line.name == "server key").unwrap();
        assert!(!key.ok && key.detail.contains("fingerprint"), "{key:?}");
    }
}
