//! What is derived instead of kept: the watchman's key of an instance and the request tokens of its
//! secrets, both from the server's key, so that every process comes to the same one and nobody has
//! to hand it on. The secrets themselves are drawn, written once, and never kept here.

use hmac::{Hmac, KeyInit as _, Mac as _};
use model::secret_text::PlainToken;
use model::{Entropy, InstanceId};
use secrecy::SecretString;
use sha2::Sha512;

use crate::ServerKey;
use crate::ports::NewSecret;

/// What keys of watchmen are derived under.
const LABEL: &str = "watchman key";

/// What is drawn for an instance, and of how many random bytes.
const SECRETS: [(&str, usize); 3] = [
    ("wallet-seed", 64),
    ("admin-token", 32),
    ("api-key-salt", 32),
];

fn derive(key: &ServerKey, parts: &[&str]) -> [u8; 64] {
    let mut out = [0; 64];
    // HMAC takes a key of any length, so this cannot fail; were it to, the key would open nothing.
    if let Ok(mut mac) = Hmac::<Sha512>::new_from_slice(key.expose()) {
        for part in parts {
            mac.update(part.as_bytes());
            mac.update(b"\0");
        }
        out.copy_from_slice(&mac.finalize().into_bytes());
    }
    out
}

/// The name of the consumer that the watchman of an epoch is at the gate.
#[must_use]
pub fn name(epoch: u32) -> String {
    store::gate::watchman(epoch)
}

/// The key that the watchman of an instance presents in an epoch.
#[must_use]
pub fn key(server_key: &ServerKey, instance: &InstanceId, epoch: u32) -> PlainToken {
    let bytes = derive(server_key, &[LABEL, instance.as_str(), &epoch.to_string()]);
    PlainToken::instance_from(instance, &bytes)
}

/// A UUID that is the same whenever this secret of this instance is written.
fn request_token(server_key: &ServerKey, instance: &InstanceId, name: &str) -> String {
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&derive(server_key, &["secret", instance.as_str(), name])[..16]);
    // Version 8 and the variant of RFC 9562: made by a rule of one's own.
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex(&bytes);
    [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ]
    .join("-")
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The secrets of an instance, freshly drawn. Those that exist on the cluster's side already stay as
/// they are, so a repeated step changes nothing.
pub fn secrets(
    server_key: &ServerKey,
    instance: &InstanceId,
    entropy: &dyn Entropy,
) -> Vec<NewSecret> {
    SECRETS
        .iter()
        .map(|(name, length)| {
            let mut bytes = vec![0; *length];
            entropy.fill(&mut bytes);
            NewSecret {
                name: (*name).to_owned(),
                text: SecretString::from(hex(&bytes)),
                request_token: request_token(server_key, instance, name),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[derive(Debug)]
    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn keys_follow_from_server_instance_and_epoch() {
        let (one, two) = (ServerKey::new([1; 32]), ServerKey::new([2; 32]));
        let id: InstanceId = "k7mq2x9dr4ht".parse().unwrap();
        let other: InstanceId = "k7mq2x9dr4hu".parse().unwrap();
        let text = |key: &ServerKey, id: &InstanceId| super::key(key, id, 1).expose().to_owned();
        assert_eq!(text(&one, &id), text(&one, &id));
        assert_ne!(text(&one, &id), text(&two, &id));
        assert_ne!(text(&one, &id), text(&one, &other));
        assert_ne!(text(&one, &id), key(&one, &id, 2).expose());
        assert!(PlainToken::parse_instance(&text(&one, &id)).is_some());
    }

    #[test]
    fn secrets_are_drawn_and_their_request_tokens_are_not() {
        let key = ServerKey::new([1; 32]);
        let id: InstanceId = "k7mq2x9dr4ht".parse().unwrap();
        let some = secrets(&key, &id, &Sevens);
        assert_eq!(some[0].text.expose_secret().len(), 128);
        let tokens: Vec<_> = some.iter().map(|s| s.request_token.clone()).collect();
        assert_eq!(
            tokens,
            secrets(&key, &id, &Sevens)
                .iter()
                .map(|s| s.request_token.clone())
                .collect::<Vec<_>>()
        );
        assert_ne!(tokens[0], tokens[1]);
        assert!(
            tokens
                .iter()
                .all(|t| t.len() == 36 && t.as_bytes()[14] == b'8'),
            "{tokens:?}"
        );
    }
}
