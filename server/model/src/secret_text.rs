//! The text form of tokens: a prefix, random base62 characters and a CRC32 of all that stands
//! before, so that scanners find them, a double click selects them, and a mistyped one is refused
//! without a look-up. The plain text is a type that cannot be printed or serialised; what is kept is
//! its SHA-256 and a display hint.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::id::InstanceId;
use crate::time::Entropy;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 43;
const CHECK: usize = 6;

/// The plain text of a token. Has no `Debug`, `Display` or `Serialize`; equality is not offered,
/// since tokens are compared by hash.
#[derive(Clone)]
pub struct PlainToken(String);

impl PlainToken {
    /// A new access token of this control plane's API: `hiat_` and 49 base62 characters.
    pub fn access(entropy: &dyn Entropy) -> Self {
        Self::draw("hiat_".to_owned(), entropy)
    }

    /// A new instance token: `prism_<instance id>_` and 49 base62 characters.
    pub fn instance(id: &InstanceId, entropy: &dyn Entropy) -> Self {
        Self::draw(format!("prism_{id}_"), entropy)
    }

    /// The instance token that follows from 43 or more pseudo-random bytes, so that a derived key
    /// (the watchman's) need not be kept anywhere.
    #[must_use]
    pub fn instance_from(id: &InstanceId, bytes: &[u8; 64]) -> Self {
        let random: String = bytes
            .iter()
            .take(RANDOM)
            .map(|b| char::from(BASE62[usize::from(*b) % 62]))
            .collect();
        Self::seal(format!("prism_{id}_{random}"))
    }

    fn draw(mut text: String, entropy: &dyn Entropy) -> Self {
        let mut left = RANDOM;
        let mut byte = [0];
        while left > 0 {
            entropy.fill(&mut byte);
            // 248 = 4 × 62: larger bytes would favour some characters.
            if byte[0] < 248 {
                text.push(char::from(BASE62[usize::from(byte[0] % 62)]));
                left -= 1;
            }
        }
        Self::seal(text)
    }

    fn seal(mut text: String) -> Self {
        let check = checksum(&text);
        text.push_str(&check);
        Self(text)
    }

    /// Takes a text that somebody presented, if it has the form and the checksum of an access token.
    #[must_use]
    pub fn parse_access(text: &str) -> Option<Self> {
        well_formed(text.strip_prefix("hiat_")?, text).then(|| Self(text.to_owned()))
    }

    /// Takes a text that somebody presented, if it has the form and the checksum of an instance
    /// token; the id is that of the instance it names.
    #[must_use]
    pub fn parse_instance(text: &str) -> Option<(InstanceId, Self)> {
        let (id, rest) = text.strip_prefix("prism_")?.split_once('_')?;
        let id = id.parse().ok()?;
        well_formed(rest, text).then(|| (id, Self(text.to_owned())))
    }

    /// Hands the text out; for the one response, header or Secret it is meant for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the database keeps.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }

    /// What pages show: the first eight characters behind the prefix's end cut short, and the last four.
    #[must_use]
    pub fn hint(&self) -> String {
        let head = self.0.find('_').map_or(0, |at| (at + 5).min(self.0.len()));
        format!("{}…{}", &self.0[..head], &self.0[self.0.len() - 4..])
    }
}

fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut out = [b'0'; CHECK];
    for place in out.iter_mut().rev() {
        *place = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    out.iter().map(|b| char::from(*b)).collect()
}

fn well_formed(body: &str, whole: &str) -> bool {
    body.len() == RANDOM + CHECK
        && body.bytes().all(|b| b.is_ascii_alphanumeric())
        && checksum(&whole[..whole.len() - CHECK]) == whole[whole.len() - CHECK..]
}

/// SHA-256 of a token or session id, as 64 lower-case hex digits in the database. Safe to look up
/// by: the texts have 128 random bits or more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    /// Hashes the bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(bytes) {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Self(hex)
    }

    /// Takes the text back from the database.
    #[must_use]
    pub fn from_hex(hex: String) -> Self {
        Self(hex)
    }

    /// The 64 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Counting(AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(41, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn what_was_drawn_is_taken_and_a_changed_character_is_not() {
        let token = PlainToken::access(&Counting::default());
        let text = token.expose().to_owned();
        assert_eq!(text.len(), 5 + 49);
        assert!(PlainToken::parse_access(&text).is_some());
        for at in 5..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(
                changed == text || PlainToken::parse_access(&changed).is_none(),
                "{at}"
            );
        }
        for bad in ["", "hiat_", "hiat_é", &text[..53], &text.to_uppercase()] {
            assert!(PlainToken::parse_access(bad).is_none());
        }
    }

    #[test]
    fn an_instance_token_names_its_instance() {
        let id: InstanceId = "k7mq2x9dr4ht".parse().unwrap();
        let token = PlainToken::instance(&id, &Counting::default());
        assert_eq!(token.expose().len(), "prism_".len() + 12 + 1 + 49);
        assert_eq!(PlainToken::parse_instance(token.expose()).unwrap().0, id);
        assert!(PlainToken::parse_access(token.expose()).is_none());
        assert!(token.hint().starts_with("prism_k7mq…") && token.hint().chars().count() == 15);
        let derived = PlainToken::instance_from(&id, &[200; 64]);
        assert!(PlainToken::parse_instance(derived.expose()).is_some());
    }

    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(
            TokenHash::of(b"abc").as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
