//! Tokens of one-time links: 256 random bits as text for the link, and only their hash for the
//! database. Found by looking up the hash, so that no comparison depends on how much of it was right.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Entropy;
use model::secret_text::TokenHash;

const BYTES: usize = 32;

/// Draws a token: its text, to be handed out once, and its hash.
pub(crate) fn draw(entropy: &dyn Entropy) -> (String, TokenHash) {
    let mut bytes = [0; BYTES];
    entropy.fill(&mut bytes);
    let text = URL_SAFE_NO_PAD.encode(bytes);
    let hash = TokenHash::of(text.as_bytes());
    (text, hash)
}

/// The hash of a text that somebody presented; none when it has not the form of a token.
pub(crate) fn hash(text: &str) -> Option<TokenHash> {
    // 32 bytes are 43 characters of base64; anything else needs no look-up.
    (text.len() == 43
        && URL_SAFE_NO_PAD
            .decode(text)
            .is_ok_and(|bytes| bytes.len() == BYTES))
    .then(|| TokenHash::of(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn only_what_has_the_form_is_looked_up() {
        let (text, stored) = draw(&Sevens);
        assert_eq!(hash(&text), Some(stored));
        for bad in ["", "a", &text[1..], &"é".repeat(22), &"!".repeat(43)] {
            assert_eq!(hash(bad), None, "{bad}");
        }
    }
}
