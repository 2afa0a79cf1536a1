//! `cargo xtask run`: from a clean clone to a console in the browser. What can fail in seconds is
//! looked at before what takes minutes: the port first, then the builds. The server itself refuses
//! a data folder that is in use and prints the link to open.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cluster::OnCluster;
use crate::failure::{Failure, Result, Told};
use crate::server::Profile;
use crate::{assets, process, report, server, workspace};

/// Options of `cargo xtask run`. Anything else goes to `hosted-instances serve` as it is.
#[derive(clap::Args)]
pub struct Run {
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Folder for the database and keys.
    #[arg(long, default_value = "./data")]
    data_dir: PathBuf,
    /// Does not build the islands bundle: every page works, without live updates.
    #[arg(long)]
    no_islands: bool,
    /// Builds the server with full optimisation, which takes several times as long.
    #[arg(long)]
    release: bool,
    /// Uses the clusters of this kubeconfig instead of simulated ones; `cargo xtask cluster up` names
    /// one.
    #[arg(long)]
    cluster: Option<PathBuf>,
    /// More arguments for `hosted-instances serve`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

impl Run {
    pub fn run(&self) -> Result<ExitCode> {
        check_port(self.listen)?;
        let here = std::env::current_dir().told(|| "the present folder is gone".to_owned())?;
        let real = self.cluster.as_deref().map(OnCluster::new).transpose()?;
        let binary = self.build()?;
        let data = here.join(&self.data_dir);
        let mut command = self.serve(&binary, &data, real.as_ref());
        if let Some(real) = real {
            let (binary, listen) = (binary.clone(), self.listen.to_string());
            std::thread::spawn(move || {
                if let Err(failure) = real.add_clusters(&binary, &data, &listen) {
                    report::warn(failure);
                }
            });
        }
        let status = process::status("the server", &mut command);
        match status {
            Ok(status) => Ok(exit_code(status)),
            // The person pressed Ctrl-C and the server has ended: there is nothing to report.
            Err(_) if process::interrupted() => Ok(ExitCode::from(130)),
            Err(failure) => Err(failure),
        }
    }

    fn build(&self) -> Result<PathBuf> {
        let built = assets::build(!self.no_islands)?;
        if let Some(reason) = built.without_islands {
            report::warn(format!("Pages will not update by themselves: {reason}."));
        }
        server::build(if self.release {
            Profile::Release
        } else {
            Profile::Dev
        })
    }

    fn serve(&self, binary: &Path, data: &Path, real: Option<&OnCluster>) -> Command {
        let mut command = Command::new(binary);
        command.current_dir(workspace::root()).arg("serve");
        match real {
            Some(real) => real.prepare(&mut command),
            None => {
                command.arg("--sandbox");
            }
        }
        command.arg("--listen").arg(self.listen.to_string());
        command.arg("--data-dir").arg(data).args(&self.more);
        command
    }
}

/// Refuses a taken port before anybody waits for a build.
fn check_port(address: SocketAddr) -> Result {
    let Err(error) = TcpListener::bind(address) else {
        return Ok(());
    };
    let why = match error.kind() {
        std::io::ErrorKind::AddrInUse => "another program listens there".to_owned(),
        std::io::ErrorKind::PermissionDenied => "ports below 1024 are the system's".to_owned(),
        _ => error.to_string(),
    };
    let other = SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(8080));
    Err(Failure::new(format!(
        "{address} cannot be listened on: {why}. Choose another port, for example \
         cargo xtask run --listen {other}"
    )))
}

/// The server's own exit code, or the one a shell gives for a signal.
fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused_with_a_way_on() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let failure = check_port(address)
            .expect_err("the port is taken")
            .to_string();
        assert!(
            failure.contains("another program listens there"),
            "{failure}"
        );
        assert!(failure.contains("--listen 127.0.0.1:"), "{failure}");
        drop(listener);
        check_port(address).expect("the port is free again");
    }
}
