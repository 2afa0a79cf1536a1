//! Running other programs so that none outlives xtask. Each runs in a process group of its own;
//! Ctrl-C (or a request to end) reaches xtask alone and is passed on to the group that is being
//! waited for. Dropping a [`Running`] ends its group, which covers errors and panics in xtask.

use std::fs::File;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::failure::{Failure, Result, Told};

/// How often a waited-for child is looked at. Small against anything that xtask runs.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(10);

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

/// From here on Ctrl-C is counted instead of ending xtask, and passed on by whoever waits.
pub fn take_signals() {
    // Without a handler Ctrl-C still ends xtask; only the clean-up would be missing.
    if ctrlc::set_handler(count).is_err() {
        crate::report::warn("Ctrl-C cannot be taken over here; what was started may stay behind.");
    }
}

fn count() {
    SIGNALS.fetch_add(1, Ordering::SeqCst);
}

/// True once the person (or a pipeline) has asked xtask to end.
pub fn interrupted() -> bool {
    SIGNALS.load(Ordering::SeqCst) > 0
}

/// A started program, ended with its whole process group when this is dropped.
pub struct Running {
    child: Child,
    name: String,
    ended: bool,
}

/// How a wait came to its end.
pub enum Ended {
    By(ExitStatus),
    /// The time allowed ran out and the group was ended.
    OutOfTime,
}

/// Starts a program. `name` is what messages call it.
pub fn start(name: &str, command: &mut Command) -> Result<Running> {
    command.process_group(0);
    match command.spawn() {
        Ok(child) => Ok(Running {
            child,
            name: name.to_owned(),
            ended: false,
        }),
        Err(error) => Err(Failure::new(format!(
            "{name} could not be started: {error}."
        ))),
    }
}

impl Running {
    /// Waits for the end, passing on every Ctrl-C that arrives meanwhile.
    pub fn wait(&mut self, allowed: Duration) -> Result<Ended> {
        let deadline = Instant::now() + allowed;
        let mut passed_on = 0;
        loop {
            if let Some(status) = self.look()? {
                return Ok(Ended::By(status));
            }
            let asked = SIGNALS.load(Ordering::SeqCst);
            if asked > passed_on {
                passed_on = asked;
                self.signal(Signal::SIGINT);
            }
            if Instant::now() >= deadline {
                self.end();
                return Ok(Ended::OutOfTime);
            }
            std::thread::sleep(GLANCE);
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The exit status if the program has ended by itself.
    pub fn look(&mut self) -> Result<Option<ExitStatus>> {
        let status = self
            .child
            .try_wait()
            .told(|| format!("{} could not be watched", self.name))?;
        self.ended |= status.is_some();
        Ok(status)
    }

    /// Asks the group to end and waits for its first program. What is left of the group after
    /// that, or after the grace period, is ended without asking.
    pub fn end(&mut self) {
        if !self.ended {
            self.signal(Signal::SIGINT);
            let deadline = Instant::now() + GRACE;
            while Instant::now() < deadline && matches!(self.look(), Ok(None)) {
                std::thread::sleep(GLANCE);
            }
        }
        self.signal(Signal::SIGKILL);
        // Collects the exit status of a program that had to be ended.
        let _ = self.child.wait();
        self.ended = true;
    }

    fn signal(&self, signal: Signal) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            // The group may have ended in this very moment, which is what was wanted.
            let _ = killpg(Pid::from_raw(id), signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs to the end with the terminal attached; anything but success is a failure.
pub fn run(name: &str, command: &mut Command) -> Result {
    let status = status(name, command.stdin(Stdio::null()))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(said(name, status)))
    }
}

/// Runs to the end and gives back how it ended.
pub fn status(name: &str, command: &mut Command) -> Result<ExitStatus> {
    let forever = Duration::from_hours(24 * 365);
    match start(name, command)?.wait(forever)? {
        Ended::By(status) if interrupted() && !status.success() => Err(Failure::new(format!(
            "Stopped, as asked, while {name} was running."
        ))),
        Ended::By(status) => Ok(status),
        Ended::OutOfTime => Err(Failure::new(format!("{name} did not end."))),
    }
}

/// Runs with both outputs in one file, which is how the output of a suite is kept in order.
pub fn run_into(name: &str, command: &mut Command, log: &Path, allowed: Duration) -> Result<Ended> {
    let told = || format!("{} could not be written", log.display());
    let file = File::create(log).told(told)?;
    let twin = file.try_clone().told(told)?;
    start(name, command.stdin(Stdio::null()).stdout(file).stderr(twin))?.wait(allowed)
}

/// Runs a short command and takes what it prints; None when it is not there or does not succeed.
pub fn ask(command: &mut Command) -> Option<String> {
    let Output { status, stdout, .. } = command.stdin(Stdio::null()).output().ok()?;
    status
        .success()
        .then(|| String::from_utf8_lossy(&stdout).trim().to_owned())
}

/// Which way a program ended, as a sentence.
pub fn said(name: &str, status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("{name} ended with exit code {code}."),
        (None, Some(signal)) => format!("{name} was ended by signal {signal}."),
        (None, None) => format!("{name} did not end well."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_takes_too_long_is_ended_with_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & wait"]);
        let mut running = start("sh", &mut command).expect("sh starts");
        let began = Instant::now();
        let ended = running.wait(Duration::from_millis(60)).expect("the wait");
        assert!(matches!(ended, Ended::OutOfTime));
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "ended before its own end"
        );
        let group = Pid::from_raw(i32::try_from(running.child.id()).expect("a process id"));
        let deadline = Instant::now() + Duration::from_secs(5);
        while killpg(group, None).is_ok() {
            assert!(Instant::now() < deadline, "the group still has members");
            std::thread::yield_now();
        }
    }

    #[test]
    fn an_exit_code_and_a_missing_program_are_told_apart() {
        let failed = run("sh", Command::new("sh").args(["-c", "exit 3"])).expect_err("exit 3");
        assert_eq!(failed.to_string(), "sh ended with exit code 3.");
        let missing = run("it", &mut Command::new("/no/such/program")).expect_err("missing");
        assert!(missing.to_string().starts_with("it could not be started:"));
    }
}
