//! Mail addresses. Checked only as far as a sign-in needs (one `@`, no spaces, a bounded length);
//! whether mail arrives is for mail to tell. Compared case-insensitively as a whole.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::fold;

/// The text is no mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Enter an email address in the form name@example.com.")]
pub struct InvalidEmail;

/// A mail address of at most 254 bytes, trimmed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Checks the text.
    ///
    /// # Errors
    /// [`InvalidEmail`] when it has not exactly one `@` between two parts, or unfit characters.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(InvalidEmail)?;
        let fit = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;:\"\\()[]".contains(c);
        let ok = text.len() <= 254
            && !local.is_empty()
            && local.len() <= 64
            && domain.len() >= 3
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains("..")
            && !domain.contains('@')
            && text.chars().all(fit);
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidEmail)
        }
    }

    /// The text as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as compared.
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(
            Email::parse(" Ada@Example.org ").unwrap().folded(),
            "ada@example.org"
        );
        for bad in [
            "", "a", "@b.c", "a@", "a@b", "a b@c.de", "a@b@c.de", "a@.de", "a@b..c", "a\0@b.cd",
        ] {
            assert_eq!(Email::parse(bad), Err(InvalidEmail), "{bad:?}");
        }
    }
}
