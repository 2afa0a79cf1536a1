//! What went wrong on the way to a cluster, and which of the port's words it is. Told apart by what
//! the caller can do: wait (no answer, busy), correct something (refused), or go on (not found). The
//! texts name what was being done; they never carry a request or response body, which may hold a
//! secret.

use std::fmt::Display;
use std::time::Duration;

use kube::core::Status;
use service::ports::ClusterError;

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No answer, or none that makes sense.
    Unreachable(String),
    /// 429: the API asks to be left alone for a while.
    Busy {
        /// For how long, when it says so.
        pause: Option<Duration>,
    },
    /// 404.
    NotFound(String),
    /// 409: somebody else wrote meanwhile, or owns a field.
    Conflict(String),
    /// 410: the version to watch from is no longer remembered.
    Gone,
    /// Any other 4xx.
    Refused(String),
}

impl Failure {
    /// Whether the same call may succeed a moment later.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Busy { .. })
    }

    /// The port's word for it; `doing` begins like "writing the gate".
    pub fn while_doing(self, doing: &str) -> ClusterError {
        match self {
            Self::Unreachable(why) => ClusterError::Unreachable(why),
            Self::Busy { pause: Some(pause) } => ClusterError::Busy(format!(
                "The cluster has too many requests and asks for a pause of {} s",
                pause.as_secs()
            )),
            Self::Busy { pause: None } => {
                ClusterError::Busy("The cluster has too many requests".to_owned())
            }
            Self::NotFound(what) => {
                ClusterError::Refused(format!("{} is not possible: {what}", capital(doing)))
            }
            Self::Conflict(why) => ClusterError::Refused(format!(
                "{} met a change by somebody else: {why}",
                capital(doing)
            )),
            Self::Gone => {
                ClusterError::Unreachable("the API has forgotten that version".to_owned())
            }
            Self::Refused(why) => {
                ClusterError::Refused(format!("{} was refused: {why}", capital(doing)))
            }
        }
    }

    /// What happened, as the end of a sentence.
    pub fn why(&self) -> String {
        match self {
            Self::Unreachable(why)
            | Self::NotFound(why)
            | Self::Conflict(why)
            | Self::Refused(why) => why.clone(),
            Self::Busy { .. } => "the API answers 429 (too many requests)".to_owned(),
            Self::Gone => "the API has forgotten that version".to_owned(),
        }
    }

    fn of_status(status: &Status) -> Self {
        let said = shorten(&status.message);
        match status.code {
            404 => Self::NotFound(said),
            409 => Self::Conflict(said),
            410 => Self::Gone,
            429 => {
                let seconds = status.details.as_ref().map_or(0, |d| d.retry_after_seconds);
                let pause = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
                Self::Busy { pause }
            }
            // The API is there; something in front of the storage did not let the object through.
            500..=599 if said.contains("webhook") => Self::Refused(said),
            // A request time-out and a server's own trouble say nothing about what was asked.
            408 => Self::Unreachable("the API answers 408 (request timeout)".to_owned()),
            401 => Self::Refused("the API does not accept our credentials (401)".to_owned()),
            code @ 400..=499 => Self::Refused(if said.is_empty() {
                format!("the API answers {code}")
            } else {
                said
            }),
            code if said.is_empty() => Self::Unreachable(format!("the API answers {code}")),
            code => Self::Unreachable(format!("the API answers {code}: {said}")),
        }
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(&status),
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => Self::Unreachable(
                "the answer is not what a Kubernetes API says; the address may be another service's"
                    .to_owned(),
            ),
            kube::Error::Auth(error) => {
                Self::Unreachable(format!("the credentials cannot be used: {}", root(&error)))
            }
            other => Self::Unreachable(root(&other)),
        }
    }
}

/// The innermost reason of a chain of errors: "connection refused" rather than "service error".
pub fn root(error: &dyn std::error::Error) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    let text = shorten(&current.to_string());
    // The operating system's number helps nobody who reads this.
    match text.find(" (os error") {
        Some(cut) => text[..cut].to_lowercase(),
        None => text,
    }
}

/// A message as one line of at most 400 characters.
pub fn shorten(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(400) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

/// The same text with a capital first letter.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Settings that cannot be used.
pub fn misconfigured(what: impl Display) -> ClusterError {
    ClusterError::Misconfigured(what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, message: &str) -> Failure {
        Failure::from(kube::Error::Api(
            Status::failure(message, "").with_code(code).boxed(),
        ))
    }

    #[test]
    fn codes_become_what_the_caller_can_do() {
        assert_eq!(status(404, "x"), Failure::NotFound("x".to_owned()));
        assert_eq!(status(409, "x"), Failure::Conflict("x".to_owned()));
        assert_eq!(status(410, ""), Failure::Gone);
        assert_eq!(status(429, ""), Failure::Busy { pause: None });
        assert_eq!(status(403, "no"), Failure::Refused("no".to_owned()));
        assert!(matches!(status(500, "boom"), Failure::Unreachable(t) if t.contains("500: boom")));
        assert!(matches!(
            status(500, "failed calling webhook \"x\""),
            Failure::Refused(_)
        ));
        assert!(matches!(status(0, "<html>"), Failure::Unreachable(_)));
        assert!(status(503, "").passes() && !status(422, "").passes());
    }

    #[test]
    fn the_port_hears_a_sentence_with_what_was_done() {
        let said = status(403, "no rights").while_doing("writing the gate");
        assert_eq!(
            said,
            ClusterError::Refused("Writing the gate was refused: no rights".to_owned())
        );
        let long = shorten(&"é ".repeat(5_000));
        assert_eq!(long.chars().count(), 401);
    }
}
