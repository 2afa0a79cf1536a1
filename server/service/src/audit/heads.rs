//! Heads of chains, signed, so that they can be kept where nobody who can write to the database can
//! write. A chain cannot show by itself that its end was cut off, or that all of it was computed anew;
//! compared with a head that was exported before, both show.
//! Invariant: the key is derived from the server key, so every server of an installation signs alike.

use std::collections::BTreeMap;
use std::io::BufRead;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::ServerKey;

/// What the signing key is derived under.
const LABEL: &[u8] = b"audit head key\0";
/// Names the form of what is signed.
const FORM: &str = "audit head 1";
/// What stands before the 32 bytes of an Ed25519 key in the form that other programs read (RFC 8410).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// Longest line that is read; ours have about 350 bytes.
const LONGEST: u64 = 4_096;

/// The newest row of a chain at a moment, as one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHead {
    /// The chain: a tenant's id, or `staff`.
    pub chain: String,
    /// Number of its newest row.
    pub sequence: i64,
    /// Hash of that row.
    pub hash: String,
    /// When that was so.
    pub at: Timestamp,
    /// Ed25519 signature in base64 over the lines `audit head 1`, chain, sequence, hash and time, each
    /// with a line feed.
    pub signature: String,
}

/// Signs heads, and knows its own signature.
pub(super) struct Signer(SigningKey);

impl Signer {
    pub(super) fn new(server_key: &ServerKey) -> Self {
        let mut seed = [0; 32];
        // HMAC takes a key of any length, so this cannot fail.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(server_key.expose()) {
            mac.update(LABEL);
            seed.copy_from_slice(&mac.finalize().into_bytes());
        }
        Self(SigningKey::from_bytes(&seed))
    }

    pub(super) fn sign(
        &self,
        chain: String,
        sequence: i64,
        hash: String,
        at: Timestamp,
    ) -> SignedHead {
        let signature = self.0.sign(said(&chain, sequence, &hash, at).as_bytes());
        SignedHead {
            chain,
            sequence,
            hash,
            at,
            signature: STANDARD.encode(signature.to_bytes()),
        }
    }

    /// The public key as PEM, which `openssl` reads.
    pub(super) fn public(&self) -> String {
        let key = [SPKI.as_slice(), self.0.verifying_key().as_bytes()].concat();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(key)
        )
    }

    /// Reads exported heads.
    pub(super) fn read(&self, from: impl BufRead) -> std::io::Result<Heads> {
        Heads::read(from, &self.0.verifying_key())
    }
}

fn said(chain: &str, sequence: i64, hash: &str, at: Timestamp) -> String {
    format!("{FORM}\n{chain}\n{sequence}\n{hash}\n{at}\n")
}

fn is_signed(head: &SignedHead, by: &VerifyingKey) -> bool {
    let signature = STANDARD.decode(&head.signature).ok();
    let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
    let said = said(&head.chain, head.sequence, &head.hash, head.at);
    signature.is_some_and(|it| by.verify_strict(said.as_bytes(), &it).is_ok())
}

/// A row that is known from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Anchor {
    pub(super) sequence: i64,
    pub(super) hash: [u8; 32],
}

impl Anchor {
    fn of(head: &SignedHead) -> Option<Self> {
        let hash = unhex(&head.hash)?;
        (head.sequence > 0).then_some(Self {
            sequence: head.sequence,
            hash,
        })
    }

    pub(super) fn is(&self, hash: &str) -> bool {
        unhex(hash) == Some(self.hash)
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}

/// Heads that were exported before.
#[derive(Clone, Debug, Default)]
pub struct Heads {
    chains: BTreeMap<String, Vec<Anchor>>,
    /// Numbers of lines, from 1, that this installation did not sign.
    pub refused: Vec<u64>,
    /// Lines that it did sign.
    pub signed: u64,
}

impl Heads {
    fn read(mut from: impl BufRead, key: &VerifyingKey) -> std::io::Result<Self> {
        let mut heads = Self::default();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            std::io::Read::take(&mut from, LONGEST).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                break;
            }
            let whole = line.last() == Some(&b'\n');
            let head = serde_json::from_slice::<SignedHead>(&line).ok();
            match head.filter(|head| is_signed(head, key)) {
                Some(head) => heads.take(&head),
                // The server was killed while it wrote this; the next export cuts it off.
                None if !whole && line.len() < 4_096 => {}
                None => heads.refused.push(number),
            }
        }
        for anchors in heads.chains.values_mut() {
            anchors.sort_unstable();
            anchors.dedup();
        }
        Ok(heads)
    }

    fn take(&mut self, head: &SignedHead) {
        self.signed += 1;
        if let Some(anchor) = Anchor::of(head) {
            self.chains
                .entry(head.chain.clone())
                .or_default()
                .push(anchor);
        }
    }

    /// Names of the chains they tell of.
    pub fn chains(&self) -> impl Iterator<Item = &str> {
        self.chains.keys().map(String::as_str)
    }

    /// Number of the newest row that is known of a chain; 0 for none.
    #[must_use]
    pub fn newest(&self, chain: &str) -> i64 {
        self.of(chain).last().map_or(0, |anchor| anchor.sequence)
    }

    pub(super) fn of(&self, chain: &str) -> &[Anchor] {
        self.chains.get(chain).map_or(&[], Vec::as_slice)
    }

    /// Adds heads that were exported meanwhile.
    pub fn add(&mut self, heads: &[SignedHead]) {
        for head in heads {
            self.take(head);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(signer: &Signer) -> String {
        [(1, "aa"), (2, "bb")]
            .map(|(sequence, hash)| {
                let head = signer.sign(
                    "staff".to_owned(),
                    sequence,
                    hash.repeat(32),
                    Timestamp::from_micros(sequence),
                );
                serde_json::to_string(&head).unwrap() + "\n"
            })
            .concat()
    }

    #[test]
    fn what_was_signed_is_read_and_nothing_else() {
        let signer = Signer::new(&ServerKey::new([1; 32]));
        let text = lines(&signer);
        let heads = signer.read(text.as_bytes()).unwrap();
        assert_eq!(
            (heads.signed, heads.newest("staff"), heads.newest("x")),
            (2, 2, 0)
        );
        assert!(heads.of("staff")[1].is(&"bb".repeat(32)));
        let other = Signer::new(&ServerKey::new([2; 32]));
        assert_eq!(other.read(text.as_bytes()).unwrap().refused, [1, 2]);
        let changed = text.replacen("\"sequence\":1", "\"sequence\":3", 1);
        assert_eq!(signer.read(changed.as_bytes()).unwrap().refused, [1]);
        let torn = &text[..text.len() - 30];
        let heads = signer.read(torn.as_bytes()).unwrap();
        assert_eq!((heads.signed, heads.refused.len()), (1, 0));
    }

    #[test]
    fn a_line_without_end_is_not_read_into_memory() {
        let signer = Signer::new(&ServerKey::new([1; 32]));
        let long = "x".repeat(10_000);
        let heads = signer.read(long.as_bytes()).unwrap();
        assert_eq!((heads.signed, heads.refused.len()), (0, 2));
    }

    #[test]
    fn the_public_key_is_pem_and_depends_on_the_server_key() {
        let of = |byte| Signer::new(&ServerKey::new([byte; 32])).public();
        assert!(
            of(1).starts_with("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"),
            "{}",
            of(1)
        );
        assert_ne!(of(1), of(2));
    }
}
