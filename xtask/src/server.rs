//! The server binary: building it, starting it for tests and waiting until it answers.
//!
//! Invariant: it is built together with the test package, so that `run` and `test` choose the same
//! features of every dependency and the second of them finds everything built.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result, Told};
use crate::process::{self, Running};
use crate::{report, workspace};

const PACKAGE: &str = "hosted-instances";
/// How long a fresh server may take to answer; it makes its database and keys first.
const START: Duration = Duration::from_mins(1);

/// How often it is asked whether it is ready.
const GLANCE: Duration = Duration::from_millis(50);

/// Which profile the server is built with.
#[derive(Clone, Copy)]
pub enum Profile {
    /// Our crates quick to build, dependencies optimised; the one that tests use.
    Dev,
    Release,
}

/// Builds the server and gives back the path of its binary.
pub fn build(profile: Profile) -> Result<PathBuf> {
    let mut cargo = workspace::cargo("build");
    cargo.args([
        "--package",
        PACKAGE,
        "--package",
        workspace::TESTS,
        "--bin",
        PACKAGE,
    ]);
    if let Profile::Release = profile {
        cargo.arg("--release");
    }
    report::step("server", || {
        process::run("cargo build of the server", &mut cargo)
    })?;
    Ok(path(profile))
}

/// Where the binary is once it is built.
pub fn path(profile: Profile) -> PathBuf {
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    };
    workspace::target().join(folder).join(PACKAGE)
}

/// A port that nobody listens on at this moment.
pub fn free_port() -> Result<u16> {
    let told = || "no free port could be found".to_owned();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).told(told)?;
    Ok(listener.local_addr().told(told)?.port())
}

/// A server of a test's own on a free port.
pub struct TestServer {
    running: Running,
    log: PathBuf,
    port: u16,
}

impl TestServer {
    /// Starts it on `data` and waits until it is ready; its log goes to `log`. With a `pace` of 1 the
    /// sandbox cluster takes its usual time, with 0 none.
    pub fn start(binary: &Path, data: &Path, log: PathBuf, pace: &str) -> Result<Self> {
        let port = free_port()?;
        let told = || format!("{} could not be written", log.display());
        let output = File::create(&log).told(told)?;
        let errors = output.try_clone().told(told)?;
        let mut command = Command::new(binary);
        command
            .current_dir(workspace::root())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        command
            .arg("serve")
            .arg("--sandbox")
            .arg("--listen")
            .arg(format!("127.0.0.1:{port}"));
        command.arg("--data-dir").arg(data);
        command.env("HOSTED_INSTANCES_SANDBOX__PACE", pace);
        let running = process::start("the server", &mut command)?;
        let mut server = Self { running, log, port };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The one-time link that makes the first owner, as the server printed it. It may print it a
    /// moment after it is ready.
    pub fn setup_link(&mut self) -> Result<String> {
        let deadline = Instant::now() + START;
        loop {
            let log = String::from_utf8_lossy(&workspace::read(&self.log)?).into_owned();
            if let Some(link) = setup_link(&log) {
                return Ok(link);
            }
            self.refuse_unless_running(deadline, "printed no set-up link")?;
            std::thread::sleep(GLANCE);
        }
    }

    fn wait_until_ready(&mut self) -> Result {
        let deadline = Instant::now() + START;
        while !answers(self.port, "/readyz") {
            self.refuse_unless_running(deadline, "was not ready")?;
            std::thread::sleep(GLANCE);
        }
        Ok(())
    }

    fn refuse_unless_running(&mut self, deadline: Instant, what: &str) -> Result {
        let log = self.log.display();
        if let Some(status) = self.running.look()? {
            let said = process::said("The server", status);
            return Err(Failure::new(format!("{said} Its log is {log}.")));
        }
        if Instant::now() > deadline || process::interrupted() {
            let allowed = report::seconds(START);
            return Err(Failure::new(format!(
                "The server {what} within {allowed}; its log is {log}."
            )));
        }
        Ok(())
    }
}

/// True when a GET of `path` on this machine is answered with 200.
fn answers(port: u16, path: &str) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let wait = Duration::from_secs(2);
    let Ok(mut stream) = TcpStream::connect_timeout(&address, wait) else {
        return false;
    };
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    let mut answer = [0; 12];
    stream.set_read_timeout(Some(wait)).is_ok()
        && stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && &answer == b"HTTP/1.1 200"
}

fn setup_link(log: &str) -> Option<String> {
    let word = log
        .split(|c: char| c.is_whitespace() || c == '"')
        .find(|word| word.starts_with("http") && word.contains("/setup/"))?;
    Some(word.trim_end_matches(['.', ',', ')']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setup_link_is_found_in_what_the_server_prints() {
        let log = "listening on 127.0.0.1:1\nOpen http://localhost:1/setup/abc_DEF-1 to begin.\n";
        assert_eq!(
            setup_link(log).as_deref(),
            Some("http://localhost:1/setup/abc_DEF-1")
        );
        assert_eq!(setup_link("Open http://localhost:1/ to begin."), None);
    }

    #[test]
    fn only_a_plain_success_counts_as_an_answer() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let answering = std::thread::spawn(move || {
            for status in ["503 Service Unavailable", "200 OK"] {
                let (mut stream, _) = listener.accept().expect("a caller");
                let mut request = [0; 512];
                let read = stream.read(&mut request).expect("a request");
                assert!(request[..read].starts_with(b"GET /readyz HTTP/1.1\r\n"));
                write!(stream, "HTTP/1.1 {status}\r\n\r\n").expect("the answer");
            }
        });
        assert!(!answers(port, "/readyz"));
        assert!(answers(port, "/readyz"));
        answering.join().expect("the listener");
        assert!(!answers(port, "/readyz"), "nobody listens any more");
    }
}
