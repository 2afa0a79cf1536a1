//! The machine's randomness: the only place in the product that draws it. Everything else is handed
//! an [`Entropy`]. Every byte comes from the operating system; nothing is stretched from a seed.

use model::Entropy;
use rand::TryRng as _;
use rand::rngs::SysRng;

/// Draws from the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Where the operating system has no randomness to give, no secret can be made: going on
        // would make guessable ones.
        #[expect(
            clippy::expect_used,
            reason = "no caller could go on without randomness"
        )]
        SysRng
            .try_fill_bytes(bytes)
            .expect("the operating system gives randomness");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ() {
        let (mut one, mut other) = ([0; 32], [0; 32]);
        SystemEntropy.fill(&mut one);
        SystemEntropy.fill(&mut other);
        assert_ne!(one, other);
        assert_ne!(one, [0; 32]);
    }
}
