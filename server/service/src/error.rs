//! What a use case answers when it does not do what was asked. Each variant has a text for the
//! person; what only the log may know stays in the source and never reaches [`Error::public`].

use std::fmt;
use std::time::Duration;

use model::Denied;

/// What is wrong with one field of what was sent, by the field's name in the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field: `name`, `password`.
    pub field: String,
    /// A sentence for beside the field.
    pub message: String,
}

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or not for this actor.
    #[error("there is no such {what}")]
    NotFound {
        /// What was looked for: `tenant`.
        what: &'static str,
    },
    /// The thing is not in a state that allows it.
    #[error("{code}: {detail}")]
    Conflict {
        /// What stands in the way and what to do about it.
        detail: String,
        /// Stable word for programs: `name_taken`.
        code: &'static str,
    },
    /// Something that was sent cannot be used.
    #[error("invalid: {}", fields(.0))]
    Invalid(Vec<FieldError>),
    /// The actor may see the thing, but not do this.
    #[error("forbidden: {detail}")]
    Forbidden {
        /// Why.
        detail: String,
    },
    /// Nobody has said who they are, or not convincingly.
    #[error("unauthenticated: {detail}")]
    Unauthenticated {
        /// What to do.
        detail: String,
    },
    /// Too often.
    #[error("limited: {detail}")]
    Limited {
        /// What was too often.
        detail: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// Something needed is away or too busy; the same request may work later.
    #[error("unavailable: {detail}")]
    Unavailable {
        /// What is away.
        detail: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// Our mistake.
    #[error("internal error")]
    Internal {
        /// What the log should know.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// One field that cannot be used.
    pub fn invalid(field: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.into(),
            message: message.to_string(),
        }])
    }

    /// Something stands in the way.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict {
            detail: detail.into(),
            code,
        }
    }

    /// Our mistake; `source` goes to the log.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal {
            source: source.into(),
        }
    }

    /// Something is away for now.
    pub fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self::Unavailable {
            detail: detail.into(),
            retry_after,
        }
    }

    /// What the person may read.
    #[must_use]
    pub fn public(&self) -> String {
        match self {
            Self::NotFound { what } => format!("There is no such {what}."),
            Self::Invalid(fields) => match fields.as_slice() {
                [one] => one.message.clone(),
                _ => "Some of what was sent cannot be used; each field says why.".to_owned(),
            },
            Self::Conflict { detail, .. }
            | Self::Forbidden { detail }
            | Self::Unauthenticated { detail }
            | Self::Limited { detail, .. }
            | Self::Unavailable { detail, .. } => detail.clone(),
            Self::Internal { .. } => {
                "Something went wrong on our side. It has been recorded; try again, and tell \
                 Atala's staff if it stays."
                    .to_owned()
            }
        }
    }

    /// Stable word for programs; the end of the problem's type.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Conflict { code, .. } => code,
            Self::Invalid(_) => "invalid",
            Self::Forbidden { .. } => "forbidden",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::Limited { .. } => "limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal { .. } => "internal",
        }
    }

    /// When the same request may work, where that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Some(*retry_after)
            }
            _ => None,
        }
    }
}

fn fields(list: &[FieldError]) -> String {
    let texts: Vec<String> = list
        .iter()
        .map(|f| format!("{}: {}", f.field, f.message))
        .collect();
    texts.join("; ")
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        if matches!(error, store::Error::Unavailable(_)) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "The database does not answer."
            );
            Self::unavailable(
                "The database does not answer at the moment. Try again shortly.",
                Duration::from_secs(5),
            )
        } else {
            Self::internal(error)
        }
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        let detail = denied.to_string();
        match denied {
            Denied::Unauthenticated => Self::Unauthenticated { detail },
            Denied::Absent => Self::NotFound { what: "thing" },
            Denied::Role | Denied::Scope(_) => Self::Forbidden { detail },
        }
    }
}

/// Collects what is wrong with several fields, so that a form says all of it at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// Keeps the value, or remembers what is wrong with the field.
    pub fn take<T, E: fmt::Display>(&mut self, field: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.add(field, error)).ok()
    }

    /// Remembers something wrong with the field.
    pub fn add(&mut self, field: &str, message: impl fmt::Display) {
        self.0.push(FieldError {
            field: field.to_owned(),
            message: message.to_string(),
        });
    }

    /// Everything that is wrong, as the answer.
    #[must_use]
    pub fn into_error(self) -> Error {
        Error::Invalid(self.0)
    }

    /// Nothing, unless something was wrong.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every field that was remembered.
    pub fn done(self) -> crate::Result<()> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.into_error())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_log_knows_the_person_does_not() {
        let error = Error::from(store::Error::Schema(
            "column secret_thing is missing".into(),
        ));
        assert_eq!(error.code(), "internal");
        assert!(!error.public().contains("secret_thing"));
        assert_eq!(
            Error::NotFound { what: "tenant" }.public(),
            "There is no such tenant."
        );
    }

    #[test]
    fn all_fields_are_named_at_once() {
        let mut fields = Fields::default();
        assert_eq!(fields.take("a", Ok::<_, String>(1)), Some(1));
        fields.take::<(), _>("b", Err("B is wrong."));
        fields.add("c", "C is wrong.");
        let Err(Error::Invalid(list)) = fields.done() else {
            panic!("two fields are wrong")
        };
        assert_eq!(list.len(), 2);
        assert_eq!(list[1].field, "c");
    }
}
