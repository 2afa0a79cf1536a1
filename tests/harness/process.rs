//! The real program, started as people start it: on a free port, in a temporary folder, with the
//! sandbox at full speed. What it prints is kept, so that a failing test can show it.
//!
//! Invariant: a program that was started ends with the test, whatever becomes of the test.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// How long a start, a stop or a convergence may take at most on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(25);

/// The program: the one xtask built, else one built here, once.
///
/// # Panics
/// When it cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("HOSTED_INSTANCES_BIN") {
        Some(path) => path.into(),
        None => build(),
    })
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Together with this package, so that features are those of the test build.
    let packages = ["--package", "hosted-instances", "--package", "tests"];
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["build", "--locked", "--bin", "hosted-instances"])
        .args(packages)
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the program does not build");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "hosted-instances")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the program")
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// Where a program keeps its data and which database it uses.
#[derive(Clone, Debug)]
pub struct Place {
    /// The data folder.
    pub data: PathBuf,
    /// PostgreSQL; none for SQLite in the data folder.
    pub database: Option<String>,
    /// What else is set in its environment.
    pub environment: Vec<(String, String)>,
}

impl Place {
    /// SQLite in that folder.
    #[must_use]
    pub fn sqlite(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            database: None,
            environment: Vec::new(),
        }
    }

    /// A command on it, for one that ends by itself.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .current_dir(root())
            .args(arguments)
            .arg("--data-dir")
            .arg(&self.data);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HOSTED_INSTANCES_") {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().cloned());
        // By the environment: a URL in the arguments shows in the list of processes.
        if let Some(url) = &self.database {
            command.env("HOSTED_INSTANCES_DATABASE__URL", url);
        }
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .output()
            .expect("the program starts")
    }

    /// Runs a command to its end, with that standard input.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // A program that has already refused reads nothing, and that is no failure.
        let _ = child
            .stdin
            .take()
            .expect("its input")
            .write_all(input.as_bytes());
        child.wait_with_output().expect("the program ends")
    }

    /// Makes an access token that may do everything, beside a running server or not.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn token(&self, scopes: &str) -> String {
        let output = self.run(&[
            "access-token",
            "create",
            "--name",
            "tests",
            "--scope",
            scopes,
        ]);
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout)
            .expect("a token is text")
            .trim()
            .to_owned()
    }
}

/// Everything a command said.
#[must_use]
pub fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
    said: Arc<Mutex<String>>,
}

impl Server {
    /// Starts one on a free port and waits until it is ready.
    ///
    /// # Panics
    /// With what it said, when it does not become ready.
    pub async fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut server = Self::spawn(place, arguments);
        server.ready().await;
        server
    }

    /// Starts one on a free port.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub fn spawn(place: &Place, arguments: &[&str]) -> Self {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
        all.extend(arguments);
        let mut child = place
            .command(&all)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let said = Arc::new(Mutex::new(String::new()));
        listen(child.stdout.take().expect("its output"), said.clone());
        listen(child.stderr.take().expect("its errors"), said.clone());
        Self {
            child,
            address: String::new(),
            said,
        }
    }

    /// Waits until it prints where it is and answers there.
    ///
    /// # Panics
    /// With what it said, when it does not.
    pub async fn ready(&mut self) {
        let client = reqwest::Client::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(
                self.child.try_wait().expect("its state").is_none(),
                "it ended:\n{}",
                self.said()
            );
            assert!(
                Instant::now() < deadline,
                "it is not ready:\n{}",
                self.said()
            );
            if self.address.is_empty()
                && let Some(link) = self.link()
            {
                self.address = origin(&link);
            }
            if !self.address.is_empty()
                && client
                    .get(self.at("/readyz"))
                    .send()
                    .await
                    .is_ok_and(|it| it.status() == 200)
            {
                return;
            }
            sleep(GLANCE).await;
        }
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The link it printed for people to open.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        let said = self.said();
        let line = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("Open "))?;
        Some(line.trim().to_owned())
    }

    /// Where it answers, with `localhost`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.address
    }

    /// A path on it, by address, since `localhost` may mean another one first.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address.replace("localhost", "127.0.0.1"))
    }

    /// Addresses of the sandbox's Kubernetes APIs, by cluster.
    #[must_use]
    pub fn sandbox(&self) -> Vec<(String, String)> {
        let words = |line: &str| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        self.said()
            .lines()
            .filter(|line| line.trim().starts_with("Sandbox"))
            .filter_map(|line| {
                let words = words(line);
                let at = words.iter().position(|word| word == "--server")?;
                Some((words.last()?.clone(), words.get(at + 1)?.clone()))
            })
            .collect()
    }

    /// Everything it has said.
    #[must_use]
    pub fn said(&self) -> String {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends it by SIGKILL, as a power cut would, and waits for its end.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn kill(&mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("its end");
    }

    /// Sends it a signal by name.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status()
            .expect("kill runs");
        assert!(status.success(), "the signal {name} was refused");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// With what it said, when it does not end.
    pub async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "it does not end:\n{}",
                self.said()
            );
            sleep(GLANCE).await;
        }
    }

    /// Ends it by SIGTERM and waits for its end.
    ///
    /// # Panics
    /// With what it said, when it does not end in order.
    pub async fn stop(mut self) {
        self.signal("TERM");
        let status = self.ended().await;
        assert!(status.success(), "{status}:\n{}", self.said());
        for unfinished in ["did not end within", "A duty broke off"] {
            assert!(!self.said().contains(unfinished), "{}", self.said());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(from: impl Read + Send + 'static, into: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut said = into.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&line);
            said.push('\n');
        }
    });
}

/// `scheme://host:port` of a link.
fn origin(link: &str) -> String {
    let url: url::Url = link.parse().expect("a link is a URL");
    url.origin().ascii_serialization()
}

/// Asks until the answer is yes.
///
/// # Panics
/// With `what`, when it never is.
pub async fn until<F, R>(what: &str, mut ask: F)
where
    F: FnMut() -> R,
    R: Future<Output = bool>,
{
    let deadline = Instant::now() + PATIENCE;
    while !ask().await {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(GLANCE).await;
    }
}
