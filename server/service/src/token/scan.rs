//! Finds the texts of tokens in any text, by form and checksum and without a look-up, so that what
//! people type into notes and reports can be refused or masked before it is kept anywhere.

use std::collections::BTreeSet;

use model::InstanceId;
use model::secret_text::PlainToken;

/// Lengths of an instance token and of an access token, in bytes.
const INSTANCE: usize = 6 + InstanceId::LEN + 1 + 49;
const ACCESS: usize = 5 + 49;

/// A token that was found.
pub(crate) enum Found {
    /// One that opens an instance.
    Instance(PlainToken),
    /// One of this control plane's own API.
    Access(PlainToken),
}

impl Found {
    fn token(&self) -> &PlainToken {
        match self {
            Self::Instance(token) | Self::Access(token) => token,
        }
    }
}

/// The tokens in a text, each once, in order; at most so many.
pub(crate) fn scan(text: &str, most: usize) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    candidates(text)
        .map(|(_, found)| found)
        .filter(|found| seen.insert(found.token().hash()))
        .take(most)
        .collect()
}

fn candidates(text: &str) -> impl Iterator<Item = (usize, Found)> {
    text.match_indices('_').filter_map(|(at, _)| {
        let instance = at.checked_sub(5).and_then(|from| {
            let (_, token) = PlainToken::parse_instance(text.get(from..from + INSTANCE)?)?;
            Some((from, Found::Instance(token)))
        });
        instance.or_else(|| {
            let from = at.checked_sub(4)?;
            let token = PlainToken::parse_access(text.get(from..from + ACCESS)?)?;
            Some((from, Found::Access(token)))
        })
    })
}

/// Whether the text of a token is in it.
pub(crate) fn holds_token(text: &str) -> bool {
    candidates(text).next().is_some()
}

/// The text with every token in it replaced by its hint.
pub(crate) fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, found) in candidates(text) {
        if at >= done {
            out.push_str(&text[done..at]);
            out.push_str(&found.token().hint());
            done = at + found.token().expose().len();
        }
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use model::Entropy;

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

    fn two() -> (PlainToken, PlainToken) {
        let entropy = Counting::default();
        let id: InstanceId = "k7mq2x9dr4ht".parse().unwrap();
        (
            PlainToken::instance(&id, &entropy),
            PlainToken::access(&entropy),
        )
    }

    #[test]
    fn tokens_are_found_wherever_they_stand() {
        let (instance, access) = two();
        let (one, other) = (instance.expose(), access.expose());
        let text = format!("é_prism_ key={one}&x; {other}{other} prism_{one} hiat_é {one}");
        let found = scan(&text, 20);
        assert_eq!(found.len(), 2);
        assert!(matches!(&found[0], Found::Instance(it) if it.hash() == instance.hash()));
        assert!(matches!(&found[1], Found::Access(it) if it.hash() == access.hash()));
        assert_eq!(scan(&text, 1).len(), 1);
    }

    #[test]
    fn nothing_is_found_without_the_checksum() {
        let (instance, _) = two();
        let wrong = instance.expose().replace("prism_k7", "prism_k8");
        for text in ["", "_", "prism_", "hiat_", &wrong, &instance.expose()[..67]] {
            assert!(!holds_token(text), "{text}");
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn what_is_kept_has_the_hint_instead() {
        let (instance, access) = two();
        let text = format!("https://x/?k={}&a={} …", instance.expose(), access.expose());
        let kept = redact(&text);
        assert_eq!(
            kept,
            format!("https://x/?k={}&a={} …", instance.hint(), access.hint())
        );
        assert!(!holds_token(&kept));
    }
}
