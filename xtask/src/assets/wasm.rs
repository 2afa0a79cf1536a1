//! Finding a compiler for WebAssembly. rustup has the target for most people; where it cannot be
//! had, Debian packages a Rust with the sources of its standard library, which is then built along
//! with the islands. `rust-toolchain.toml` must not list the target: every cargo call would fail
//! where it cannot be had.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::failure::Result;
use crate::{process, report, tools, workspace};

pub const TARGET: &str = "wasm32-unknown-unknown";

/// The name under which rustup knows Debian's compiler once it is linked.
const DEBIAN: &str = "debian-web";
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// A way to compile for the browser.
pub enum Toolchain {
    /// The compiler at hand has the target's standard library.
    Ready,
    /// Debian's compiler, linked by rustup with this linker.
    Debian { linker: PathBuf },
}

/// Finds a toolchain, installing what can be installed; the error is why there is none.
pub fn find() -> Result<std::result::Result<Toolchain, String>> {
    if has_target() {
        return Ok(Ok(Toolchain::Ready));
    }
    let Some(rustup) = tools::find("rustup") else {
        return Ok(Err(format!(
            "the compiler has no {TARGET} target and rustup, which would add it, is not installed"
        )));
    };
    if add_target(&rustup)? && has_target() {
        return Ok(Ok(Toolchain::Ready));
    }
    debian(&rustup)
}

impl Toolchain {
    /// The cargo call that builds the islands; profile and package follow.
    pub fn cargo_build(&self) -> Command {
        match self {
            Toolchain::Ready => {
                let mut cargo = workspace::cargo("build");
                cargo.args(["--target", TARGET]);
                cargo
            }
            Toolchain::Debian { linker } => {
                let mut cargo = workspace::clean("cargo");
                cargo.current_dir(workspace::root());
                cargo.arg(format!("+{DEBIAN}")).args(["build", "--locked"]);
                cargo.args(["-Z", "build-std=std,panic_abort", "--target", TARGET]);
                // The standard library is built from source, which stable compilers do not offer.
                cargo.env("RUSTC_BOOTSTRAP", "1");
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                // Set by the cargo that runs xtask, it would win over the toolchain named above.
                cargo
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env_remove("RUSTC")
                    .env_remove("CARGO");
                cargo
            }
        }
    }
}

fn sysroot() -> Option<PathBuf> {
    process::ask(Command::new("rustc").args(["--print", "sysroot"])).map(PathBuf::from)
}

fn has_target() -> bool {
    sysroot().is_some_and(|root| root.join("lib/rustlib").join(TARGET).join("lib").is_dir())
}

fn add_target(rustup: &Path) -> Result<bool> {
    report::note(format!(
        "adding the {TARGET} target to the compiler (rustup target add)"
    ));
    let mut command = Command::new(rustup);
    command.args(["target", "add", TARGET]).stdin(Stdio::null());
    let ended = process::start("rustup", &mut command)?.wait(Duration::from_mins(5))?;
    Ok(matches!(ended, process::Ended::By(status) if status.success()))
}

fn debian(rustup: &Path) -> Result<std::result::Result<Toolchain, String>> {
    let install = format!(
        "apt-get install --no-install-recommends {}",
        DEBIAN_PACKAGES.join(" ")
    );
    if !debian_is_installed() {
        let can_install = tools::is_root() && tools::find("apt-get").is_some();
        if !can_install || !apt_install()? {
            return Ok(Err(format!(
                "the {TARGET} target cannot be had by rustup here; on Debian this serves as \
                 well: {install}"
            )));
        }
    }
    let link = process::ask(Command::new(rustup).args(["toolchain", "link", DEBIAN, "/usr"]));
    let linker = process::ask(Command::new("rustc").arg("-vV")).and_then(|facts| linker(&facts));
    match (link, linker) {
        (Some(_), Some(linker)) => Ok(Ok(Toolchain::Debian { linker })),
        (None, _) => Ok(Err("rustup could not link Debian's compiler".to_owned())),
        (_, None) => Ok(Err(
            "the compiler at hand brings no rust-lld to link with".to_owned()
        )),
    }
}

fn debian_is_installed() -> bool {
    let status = Command::new("dpkg-query")
        .arg("-W")
        .args(DEBIAN_PACKAGES)
        .output();
    status.is_ok_and(|output| output.status.success())
}

fn apt_install() -> Result<bool> {
    report::step("Debian's compiler for WebAssembly", || {
        let install = ["install", "-y", "-q", "--no-install-recommends"];
        for arguments in [
            vec!["update", "-q"],
            [&install[..], &DEBIAN_PACKAGES].concat(),
        ] {
            let mut command = Command::new("apt-get");
            command
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive");
            command.stdout(Stdio::null());
            if !process::status("apt-get", &mut command)?.success() {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// The linker for WebAssembly that comes with every rustup toolchain.
fn linker(facts: &str) -> Option<PathBuf> {
    let host = facts.lines().find_map(|line| line.strip_prefix("host: "))?;
    let linker = sysroot()?
        .join("lib/rustlib")
        .join(host)
        .join("bin/rust-lld");
    tools::runnable(&linker).then_some(linker)
}
