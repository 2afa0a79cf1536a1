//! What the program says about itself: the configuration and the command line as Markdown, read from
//! their declarations, and its rights on a cluster. `cargo xtask docs` keeps them in the tree, and a gate
//! compares.

mod rights;

use std::fmt::Write as _;

use clap::Subcommand;
use serde_json::Value;

pub use self::rights::rights;
use crate::cli::Cli;
use crate::config::{Config, ENVIRONMENT_PREFIX, Key, Kind, reference};

/// Prints what the program says about itself.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Docs {
    /// Every setting.
    Configuration,
    /// Every command.
    Cli,
    /// Every right on a cluster, as the chart of the control plane reads it.
    Rights,
}

impl Docs {
    /// The document.
    #[must_use]
    pub fn print(self) -> String {
        match self {
            Self::Configuration => configuration(),
            Self::Cli => command_line(),
            Self::Rights => rights(),
        }
    }
}

/// Every setting, as `docs/configuration.md`.
#[must_use]
pub fn configuration() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         Printed by `hosted-instances docs configuration`; do not edit.\n\n\
         A setting can stand in a TOML file (`--config FILE`), in the environment and, for some, in a\n\
         flag; the later wins. A setting that nobody knows is refused by name.\n\
         `hosted-instances --print-config` shows what would be used, without its secrets.\n\n\
         In the file, `[server]` and below it `trusted_proxies = 1`; in the environment,\n\
         `HOSTED_INSTANCES_SERVER__TRUSTED_PROXIES=1` (two underscores between section and key; lists\n\
         with commas).\n",
    );
    for section in reference() {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n## `[{}]`\n\n{}\n", section.name, section.text);
        for key in &section.keys {
            let _ = write!(
                out,
                "\n### `{}.{}`\n\n{}\n\n",
                section.name, key.name, key.text
            );
            if let Kind::Choice(words) = &key.kind {
                for (word, meaning) in words {
                    let _ = writeln!(out, "- `{word}`: {meaning}");
                }
                out.push('\n');
            }
            let _ = writeln!(out, "- {}", kind(key));
            let _ = writeln!(out, "- Default: {}", default(key));
            if key.kind != Kind::Table {
                let variable = format!("{ENVIRONMENT_PREFIX}{}__{}", section.name, key.name);
                let _ = writeln!(out, "- Environment: `{}`", variable.to_uppercase());
            }
        }
    }
    let _ = write!(
        out,
        "\n## All defaults as a file\n\n```toml\n{}```\n",
        Config::default().redacted()
    );
    out
}

fn kind(key: &Key) -> &'static str {
    match (&key.kind, key.secret) {
        (_, true) => "Text, secret: never printed",
        (Kind::Text, _) => "Text",
        (Kind::Whole, _) => "Whole number",
        (Kind::Number, _) => "Number",
        (Kind::Switch, _) => "`true` or `false`",
        (Kind::List, _) => "List of texts",
        (Kind::Table, _) => "Table, in the file only",
        (Kind::Choice(_), _) => "One of these words",
    }
}

fn default(key: &Key) -> String {
    match &key.default {
        None => "none".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(items)) if items.is_empty() => "empty".to_owned(),
        Some(Value::Object(items)) if items.is_empty() => "empty".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

/// Every command, as `docs/cli.md`.
#[must_use]
pub fn command_line() -> String {
    let mut root = Cli::definition();
    root.build();
    let mut out = String::from(
        "# Command line\n\n\
         Printed by `hosted-instances docs cli`; do not edit.\n\n\
         Exit codes: 0 done, 1 not done, 2 not understood. Standard output carries what was asked for\n\
         and nothing else; everything else goes to standard error.\n",
    );
    describe(&root, "hosted-instances", &mut out);
    out
}

fn describe(command: &clap::Command, name: &str, out: &mut String) {
    let about = command
        .get_long_about()
        .or(command.get_about())
        .map(ToString::to_string);
    let _ = write!(
        out,
        "\n## `{name}`\n\n{}\n",
        ended(about.unwrap_or_default().trim())
    );
    // Options for all commands are told once, at the top.
    let top = !name.contains(' ');
    let options: Vec<String> = command
        .get_arguments()
        .filter(|argument| top || !argument.is_global_set())
        .filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version"))
        .map(option)
        .collect();
    if !options.is_empty() {
        let _ = write!(out, "\n{}\n", options.join("\n"));
    }
    for below in command
        .get_subcommands()
        .filter(|below| below.get_name() != "help")
    {
        describe(below, &format!("{name} {}", below.get_name()), out);
    }
}

fn option(argument: &clap::Arg) -> String {
    let value = argument.get_value_names().and_then(|names| names.first());
    let value = value.map_or("VALUE", |value| value.as_str());
    let name = match argument.get_long() {
        Some(long) if argument.get_action().takes_values() => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None => value.to_owned(),
    };
    let help = argument
        .get_long_help()
        .or(argument.get_help())
        .map(ToString::to_string);
    let help = help
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let mut line = format!("- `{name}`: {}", ended(&help));
    if argument.is_required_set() {
        line.push_str(" Required.");
    }
    if let [default] = argument.get_default_values()
        && argument.get_action().takes_values()
    {
        let _ = write!(line, " Default: {}.", default.to_string_lossy());
    }
    line
}

/// With the full stop that clap takes from a text of one sentence.
fn ended(text: &str) -> String {
    let end = if text.is_empty() || text.ends_with(['.', ']']) {
        ""
    } else {
        "."
    };
    format!("{text}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_documents_name_what_a_person_looks_for() {
        let text = configuration();
        for part in [
            "### `server.listen`",
            "`HOSTED_INSTANCES_DATABASE__URL`",
            "- `json`: One JSON object",
        ] {
            assert!(text.contains(part), "{part}");
        }
        let text = command_line();
        for part in [
            "## `hosted-instances serve`",
            "## `hosted-instances access-token create`",
            "`--password-stdin`",
        ] {
            assert!(text.contains(part), "{part}");
        }
        assert_eq!(text.matches("`--data-dir DIR`").count(), 1, "{text}");
    }
}
