//! Why a command did not do its work: one sentence for the person (what, why, what to do) and the
//! exit code. Nothing secret stands in it.

use std::process::ExitCode;

/// A command that did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    sentence: String,
    code: u8,
}

impl Failure {
    /// Something went wrong: exit code 1.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            code: 1,
        }
    }

    /// The command or its configuration cannot be used as it was given: exit code 2.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            code: 2,
        }
    }

    /// For the shell.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match &error {
            store::Error::Unavailable(source) => Self::new(format!(
                "The database cannot be reached: {source}. See that it runs and that database.url is right."
            )),
            store::Error::Schema(sentence) => Self::new(sentence.clone()),
            _ => Self::new(format!(
                "The database answered with an error: {}.",
                chain(&error)
            )),
        }
    }
}

impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Self {
        match &error {
            service::Error::Invalid(fields) => {
                let lines: Vec<String> = fields
                    .iter()
                    .map(|it| format!("{}: {}", it.field, it.message))
                    .collect();
                Self::usage(lines.join("\n"))
            }
            service::Error::Internal { source } => Self::new(format!(
                "Something went wrong inside: {}.",
                chain(source.as_ref())
            )),
            other => Self::new(other.public()),
        }
    }
}

/// An error and what is behind it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        text.push_str(": ");
        text.push_str(&error.to_string());
        behind = error.source();
    }
    text
}
