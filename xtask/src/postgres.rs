//! A PostgreSQL of the tests' own: in a temporary folder, on a free port of this machine only, and
//! without the disk flushes that protect data nobody will miss. It refuses to run as the machine's
//! administrator, so there it runs as an unprivileged user.
//!
//! Invariant: it ends with xtask. Dropping [`Postgres`] ends it and removes its folder; should
//! xtask be killed outright, the kernel ends it where `setpriv` is there to ask for that.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result, Told};
use crate::process::{self, Ended, Running};
use crate::{server, tools, workspace};

const START: Duration = Duration::from_mins(1);

/// Settings that make a throw-away server quick.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
    "max_connections=300",
    "shared_buffers=128MB",
    "timezone=UTC",
];

/// The programs of one PostgreSQL installation.
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Finds them in PATH or where Debian keeps them; the error says how to install them.
    pub fn find() -> std::result::Result<Self, String> {
        let in_path = tools::find("initdb").and_then(|file| file.canonicalize().ok());
        let in_path = in_path.and_then(|file| file.parent().map(Path::to_path_buf));
        let mut folders: Vec<PathBuf> = in_path.into_iter().collect();
        folders.extend(debian_folders());
        folders
            .into_iter()
            .find(|folder| {
                ["initdb", "postgres"]
                    .iter()
                    .all(|p| tools::runnable(&folder.join(p)))
            })
            .map(|folder| Self { folder })
            .ok_or_else(|| {
                "PostgreSQL is not installed (Debian: apt-get install postgresql; macOS: brew \
                 install postgresql)"
                    .to_owned()
            })
    }
}

/// `/usr/lib/postgresql/<version>/bin`, the newest version first.
fn debian_folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let version = entry.file_name().to_string_lossy().parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// A running server. Fields are dropped in order: the server ends before its folder goes.
pub struct Postgres {
    running: Running,
    _folder: tempfile::TempDir,
    port: u16,
}

impl Postgres {
    /// Makes and starts a server; `log` receives what it says.
    pub fn start(programs: &Programs, log: &Path) -> Result<Self> {
        let user = User::choose()?;
        let told = || "a temporary folder for PostgreSQL could not be made".to_owned();
        let folder = tempfile::Builder::new()
            .prefix("postgres-")
            .tempdir()
            .told(told)?;
        user.give(folder.path())?;
        let data = folder.path().join("data");
        initialise(programs, &user, &data, log)?;
        let port = server::free_port()?;
        let mut command = user.command(&programs.folder.join("postgres"));
        command
            .current_dir(folder.path())
            .arg("-D")
            .arg(&data)
            .arg("-p")
            .arg(port.to_string());
        for setting in SETTINGS {
            command.arg("-c").arg(setting);
        }
        let file = File::options().append(true).open(log);
        let file = file.told(|| format!("{} could not be written", log.display()))?;
        let twin = file
            .try_clone()
            .told(|| format!("{} could not be written", log.display()))?;
        command.stdin(Stdio::null()).stdout(file).stderr(twin);
        let running = process::start("PostgreSQL", &mut command)?;
        let mut postgres = Self {
            running,
            _folder: folder,
            port,
        };
        postgres.wait_until_ready(&data, log)?;
        Ok(postgres)
    }

    /// What a client connects to; the database `postgres`, by a user who may make others.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn wait_until_ready(&mut self, data: &Path, log: &Path) -> Result {
        let deadline = Instant::now() + START;
        loop {
            // The last line of this file is the server's own word on how far it is.
            let status = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            if status
                .lines()
                .last()
                .is_some_and(|line| line.trim() == "ready")
            {
                return Ok(());
            }
            let ended = self.running.look()?.is_some();
            if ended || Instant::now() > deadline || process::interrupted() {
                return Err(Failure::new(format!(
                    "PostgreSQL did not start; it said:\n{}",
                    String::from_utf8_lossy(&workspace::read(log)?)
                )));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn initialise(programs: &Programs, user: &User, data: &Path, log: &Path) -> Result {
    let mut command = user.command(&programs.folder.join("initdb"));
    command
        .current_dir(data.parent().unwrap_or(data))
        .arg("-D")
        .arg(data);
    command.args([
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
    ]);
    command.args(["--no-sync", "--no-instructions"]);
    match process::run_into("initdb", &mut command, log, START)? {
        Ended::By(status) if status.success() => Ok(()),
        _ => Err(Failure::new(format!(
            "A database cluster for the tests could not be made; initdb said:\n{}",
            String::from_utf8_lossy(&workspace::read(log)?)
        ))),
    }
}

/// Whom the server runs as.
enum User {
    /// Whoever runs xtask.
    Same,
    /// An unprivileged user, because xtask runs as root.
    Other { user: u32, group: u32 },
}

impl User {
    fn choose() -> Result<Self> {
        if !tools::is_root() {
            return Ok(Self::Same);
        }
        let id = |flag: &str, name: &str| {
            process::ask(Command::new("id").args([flag, name])).and_then(|id| id.parse().ok())
        };
        for name in ["postgres", "nobody"] {
            if let (Some(user), Some(group)) = (id("-u", name), id("-g", name)) {
                return Ok(Self::Other { user, group });
            }
        }
        Err(Failure::new(
            "PostgreSQL does not run as root, and neither a user 'postgres' nor 'nobody' exists.",
        ))
    }

    fn give(&self, folder: &Path) -> Result {
        let Self::Other { user, group } = *self else {
            return Ok(());
        };
        std::os::unix::fs::chown(folder, Some(user), Some(group))
            .told(|| format!("{} could not be given away", folder.display()))
    }

    /// A command as that user, which ends when xtask does.
    fn command(&self, program: &Path) -> Command {
        let setpriv = tools::find("setpriv");
        let mut command = match (self, setpriv) {
            (Self::Same, None) => return Command::new(program),
            (Self::Other { user, group }, None) => {
                use std::os::unix::process::CommandExt as _;
                let mut command = Command::new(program);
                command.uid(*user).gid(*group);
                return command;
            }
            (_, Some(setpriv)) => Command::new(setpriv),
        };
        command.args(["--pdeathsig", "INT"]);
        if let Self::Other { user, group } = self {
            command
                .arg(format!("--reuid={user}"))
                .arg(format!("--regid={group}"));
            command.arg("--clear-groups");
        }
        command.arg("--").arg(program);
        command
    }
}
