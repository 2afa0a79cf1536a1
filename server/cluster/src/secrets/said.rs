//! What Secrets Manager said to an attempt, told apart by what may have happened: done, certainly not
//! done, or nobody knows. The texts carry the service's code and never its message, which may repeat
//! what was sent.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use service::ports::ClusterError;

/// What an attempt came to.
pub enum Said {
    /// The service's code and message.
    Code(String, String),
    /// No answer that could be read; it may have been carried out.
    Nothing(String),
    /// It was not even sent.
    Unsent(String),
}

impl Said {
    /// Reads an attempt that failed.
    pub fn of<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        match error {
            SdkError::ServiceError(service) => {
                let meta = service.err();
                match meta.code() {
                    Some(code) => {
                        Self::Code(code.to_owned(), meta.message().unwrap_or("").to_owned())
                    }
                    None => Self::Nothing("its answer makes no sense".to_owned()),
                }
            }
            SdkError::TimeoutError(_) => Self::Nothing("it did not answer in time".to_owned()),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Self::Nothing("it did not answer in time".to_owned())
            }
            SdkError::DispatchFailure(_) if any(error, has_no_connection) => {
                Self::Unsent("it cannot be connected to".to_owned())
            }
            SdkError::DispatchFailure(_) if any(error, has_no_credentials) => Self::Unsent(
                "the request could not be sent; this server may have no AWS credentials".to_owned(),
            ),
            SdkError::DispatchFailure(_) => Self::Nothing("the connection broke off".to_owned()),
            SdkError::ResponseError(_) => Self::Nothing("its answer makes no sense".to_owned()),
            _ => Self::Unsent("the request could not be made".to_owned()),
        }
    }

    /// Whether the name belongs to an entry that is scheduled for deletion.
    pub fn is_blocked(&self) -> bool {
        matches!(self, Self::Code(code, message)
            if code == "InvalidRequestException" && message.contains("scheduled for deletion"))
    }

    /// Whether it may have been carried out although it failed: no answer, or a fault of the service's
    /// own, which may have come after the write.
    pub fn leaves_open(&self) -> bool {
        match self {
            Self::Nothing(_) => true,
            Self::Code(code, _) => is_fault(code),
            Self::Unsent(_) => false,
        }
    }

    /// Whether the same attempt may succeed a moment later.
    pub fn passes(&self) -> bool {
        match self {
            Self::Nothing(_) | Self::Unsent(_) => true,
            Self::Code(code, _) => is_fault(code) || is_busy(code),
        }
    }

    /// The port's word for it; `doing` is like "writing the entry x".
    pub fn into_error(self, doing: &str) -> ClusterError {
        let refused = |code: &str, why: &str| {
            ClusterError::SecretsManager(format!("Secrets Manager refused {doing} ({code}){why}"))
        };
        match self {
            Self::Code(code, _) => match code.as_str() {
                code if is_busy(code) => ClusterError::Busy(format!(
                    "Secrets Manager has too many requests; {doing} is tried again later"
                )),
                "AccessDeniedException" | "AccessDenied" => refused(
                    &code,
                    ". Allow secretsmanager:CreateSecret, TagResource, DescribeSecret, DeleteSecret on \
                     that prefix and ListSecrets",
                ),
                code if is_fault(code) => ClusterError::SecretsManager(format!(
                    "Secrets Manager has a fault of its own; {doing} is tried again later"
                )),
                _ => refused(&code, ""),
            },
            Self::Nothing(why) | Self::Unsent(why) => ClusterError::SecretsManager(format!(
                "Secrets Manager was not reached for {doing}: {why}"
            )),
        }
    }
}

fn is_busy(code: &str) -> bool {
    matches!(
        code,
        "ThrottlingException"
            | "Throttling"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "LimitExceededException"
    )
}

fn is_fault(code: &str) -> bool {
    matches!(
        code,
        "InternalServiceError" | "InternalServiceErrorException" | "ServiceUnavailable"
    )
}

/// Whether there was not even a connection on which something could have been sent.
fn has_no_connection(error: &(dyn Error + 'static)) -> bool {
    let refused = |io: &io::Error| io.kind() == io::ErrorKind::ConnectionRefused;
    error.downcast_ref::<io::Error>().is_some_and(refused)
        || error
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

fn has_no_credentials(error: &(dyn Error + 'static)) -> bool {
    error.is::<CredentialsError>()
}

/// Whether an error or one that led to it is of a kind.
fn any(error: &(dyn Error + 'static), kind: fn(&(dyn Error + 'static)) -> bool) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if kind(error) {
            return true;
        }
        next = error.source();
    }
    false
}
