//! Ids. Rows have `UUIDv7` ids as lower-case text, made from the clock and entropy ports; an instance
//! has the 12 random characters that become its host label, namespace and release name, so that it
//! is drawn once and never renamed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::{Clock, Entropy};

/// The text is not an id of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct InvalidId;

/// Makes a `UUIDv7` from the two ports.
fn uuid_v7(clock: &dyn Clock, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(clock.now().micros() / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id; later ones sort behind earlier ones to the millisecond.
            pub fn new(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
                Self(uuid_v7(clock, entropy))
            }

            /// Sorts before every real id; where keyset pages start.
            #[must_use]
            pub const fn zero() -> Self {
                Self(Uuid::nil())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let id = Uuid::try_parse(text).map_err(|_| InvalidId)?;
                // One spelling per id, so that an id in a URL cannot name a row twice.
                if id.as_hyphenated().to_string() == text { Ok(Self(id)) } else { Err(InvalidId) }
            }
        }
    )+};
}

row_id! {
    /// A tenant.
    TenantId,
    /// A person who signs in.
    UserId,
    /// An operation on an instance.
    OperationId,
    /// An invitation to become a user.
    InvitationId,
    /// An access token of this control plane's own API.
    AccessTokenId,
    /// A token that an organisation calls its instance with.
    TokenId,
    /// What a person sees and ends a session by; the cookie's value is something else.
    SessionKey,
}

/// `[a-z][a-z0-9]{11}`: host label, and with the prefix `prism` the namespace, Helm release and
/// Application name of an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceId(String);

impl InstanceId {
    /// Length in characters.
    pub const LEN: usize = 12;
    const LETTERS: &'static [u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

    /// Draws a new id without bias: bytes that do not divide evenly are drawn again.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut text = String::with_capacity(Self::LEN);
        let mut byte = [0];
        while text.len() < Self::LEN {
            entropy.fill(&mut byte);
            let alphabet = if text.is_empty() { 26 } else { 36 };
            let fair = (256 / alphabet) * alphabet;
            if usize::from(byte[0]) < fair {
                text.push(char::from(Self::LETTERS[usize::from(byte[0]) % alphabet]));
            }
        }
        Self(text)
    }

    /// Sorts before every real id; where keyset pages start.
    #[must_use]
    pub fn zero() -> Self {
        Self(String::new())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Namespace = Helm release = Application name: `prism<id>`.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("prism{}", self.0)
    }

    /// The id that a namespace belongs to, when it is one of ours.
    #[must_use]
    pub fn from_namespace(namespace: &str) -> Option<Self> {
        namespace.strip_prefix("prism")?.parse().ok()
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for InstanceId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let bytes = text.as_bytes();
        let ok = bytes.len() == Self::LEN
            && bytes[0].is_ascii_lowercase()
            && bytes
                .iter()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId)
        }
    }
}

impl TryFrom<String> for InstanceId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<InstanceId> for String {
    fn from(id: InstanceId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::time::Timestamp;

    #[derive(Debug)]
    struct At(i64);
    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.0)
        }
    }

    #[derive(Debug, Default)]
    struct Counting(Mutex<u8>);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            let mut next = self.0.lock().unwrap();
            for byte in bytes {
                *byte = *next;
                *next = next.wrapping_add(37);
            }
        }
    }

    #[test]
    fn row_ids_sort_by_time_and_have_one_spelling() {
        let entropy = Counting::default();
        let early = TenantId::new(&At(1_000_000), &entropy);
        let late = TenantId::new(&At(9_000_000), &entropy);
        assert!(TenantId::zero() < early && early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(
            early.to_string().to_uppercase().parse::<TenantId>(),
            Err(InvalidId)
        );
        assert_eq!(format!("{{{early}}}").parse::<TenantId>(), Err(InvalidId));
    }

    #[test]
    fn an_instance_id_is_a_host_label_that_starts_with_a_letter() {
        let entropy = Counting::default();
        for _ in 0..200 {
            let id = InstanceId::new(&entropy);
            assert_eq!(id.as_str().parse(), Ok(id.clone()));
            assert_eq!(InstanceId::from_namespace(&id.namespace()), Some(id));
        }
        for bad in [
            "",
            "1bcdefghijkl",
            "abcdefghijk",
            "abcdefghijklm",
            "abcdefghijk-",
            "ABCDEFGHIJKL",
        ] {
            assert_eq!(bad.parse::<InstanceId>(), Err(InvalidId), "{bad}");
        }
        assert_eq!(InstanceId::from_namespace("argocd"), None);
    }
}
