//! Terraform itself, where it is installed: its own idea of the format, and the tests of the modules that
//! need no provider. The other modules need providers, which are not on every machine; the parser reads them.

use std::io::Write as _;
use std::process::{Command, Output};

use super::folder::root;

/// Modules without a provider.
const PURE: [&str; 2] = ["application", "policies"];

fn terraform(folder: &str, arguments: &[&str]) -> Option<Output> {
    let command = Command::new("terraform")
        .current_dir(root().join(folder))
        .args(arguments)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_IN_AUTOMATION", "1")
        .output();
    if command.is_err() {
        // The harness holds back what is printed, but not what is written.
        let told =
            "SKIPPED: there is no terraform; its format and the modules' tests were not checked.";
        let _ = writeln!(std::io::stderr(), "{told}");
    }
    command.ok()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn files_have_the_format_that_terraform_gives_them() {
    if let Some(output) = terraform(".", &["fmt", "-check", "-recursive", "-diff"]) {
        assert!(output.status.success(), "{}", said(&output));
    }
}

#[test]
fn modules_without_a_provider_pass_their_own_tests() {
    for module in PURE {
        if let Some(output) = terraform(&format!("modules/{module}"), &["test", "-no-color"]) {
            let said = said(&output);
            assert!(
                output.status.success() && said.contains(" 0 failed"),
                "{module}: {said}"
            );
        }
    }
}
