//! Collectors outside that are handed every row. What speaks to them ends this process, so it stands
//! behind a trait; how what is sent is signed belongs to everybody who receives it, and stands here.

use std::fmt;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::Timestamp;
use model::view::AuditView;
use sha2::Sha256;

/// A row on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The row.
    pub row: AuditView,
    /// The row as one line of JSON, with its line feed.
    pub line: String,
}

/// Why a collector did not take what it was given; holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// A collector. Rows come in the order of their chains; after an error, or after a crash, the same ones
/// come again.
#[async_trait]
pub trait Sink: fmt::Debug + Send + Sync {
    /// What it is called: `webhook`, `syslog`. Its mark is kept by this name.
    fn name(&self) -> &'static str;

    /// Hands rows over; returns when the collector has them. Takes less than half a minute.
    ///
    /// # Errors
    /// [`SinkError`] when it cannot be known that the collector has all of them.
    async fn deliver(&self, rows: &[Delivered]) -> Result<(), SinkError>;
}

/// The value of the header that signs a body: `t=<seconds since 1970>,v1=<hex>`, where the second part
/// is HMAC-SHA256 by the secret over the seconds, a full stop and the body.
#[must_use]
pub fn signature(secret: &[u8], at: Timestamp, body: &[u8]) -> String {
    let seconds = at.micros() / 1_000_000;
    let mut hex = String::new();
    // HMAC takes a key of any length, so this cannot fail.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) {
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        hex = super::chain::hex(&mac.finalize().into_bytes());
    }
    format!("t={seconds},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by another program: `printf '1.hello' | openssl dgst -sha256 -hmac secret`.
    #[test]
    fn the_signature_is_that_of_other_programs() {
        let value = signature(b"secret", Timestamp::from_micros(1_999_999), b"hello");
        assert_eq!(
            value,
            "t=1,v1=408428ff793aadef5e352345498782b65e3b6984774ce3d3e69ccdecae458305"
        );
    }
}
