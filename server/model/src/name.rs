//! Names that people type. Normalised (NFC, single spaces), free of control and direction marks so
//! that two names that look alike are alike, and with a folded form for uniqueness and search, made
//! here because the two engines fold differently.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Why a text cannot be a name; the sentence goes beside the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing but spaces.
    #[error("Enter a name.")]
    Empty,
    /// Longer than the limit, in characters.
    #[error("Use at most {0} characters.")]
    TooLong(usize),
    /// A character that would not show, or would turn the text around it.
    #[error("Remove the invisible or control character {0}.")]
    Unfit(String),
}

/// Normalises `text` and refuses what must not be in any single-line text kept in the database.
///
/// # Errors
/// See [`InvalidName`]; `max` is in characters after normalisation.
pub fn single_line(text: &str, max: usize) -> Result<String, InvalidName> {
    // Bounds the work before any of it is done: one character may take four bytes.
    if text.len() > max.saturating_mul(8).saturating_add(64) {
        return Err(InvalidName::TooLong(max));
    }
    let text: String = text.nfc().collect();
    if let Some(bad) = text.trim().chars().find(|c| unfit(*c)) {
        return Err(InvalidName::Unfit(format!("U+{:04X}", u32::from(bad))));
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    if text.chars().count() > max {
        return Err(InvalidName::TooLong(max));
    }
    Ok(text)
}

fn unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}')
}

/// The form in which names are compared and searched: compatibility-decomposed and lower case.
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

macro_rules! name {
    ($($(#[$doc:meta])* $name:ident ($max:literal)),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Longest name in characters.
            pub const MAX: usize = $max;

            /// Normalises and checks the text.
            ///
            /// # Errors
            /// See [`InvalidName`].
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                single_line(text, $max).map(Self)
            }

            /// The text as shown.
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

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

name! {
    /// What an organisation is called.
    TenantName(80),
    /// What an instance is called beside its id.
    InstanceName(60),
    /// What a person is called.
    PersonName(80),
    /// What an access token is called.
    AccessTokenName(60),
    /// What a token is called.
    TokenName(60),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised() {
        assert_eq!(
            TenantName::parse("  Acme \t Ltd ").unwrap_err(),
            InvalidName::Unfit("U+0009".into())
        );
        assert_eq!(
            TenantName::parse("  Acme   Ltd ").unwrap().as_str(),
            "Acme Ltd"
        );
        assert_eq!(TenantName::parse("Cafe\u{301}").unwrap().as_str(), "Café");
        assert_eq!(TenantName::parse("ÉCOLE").unwrap().folded(), "école");
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        assert_eq!(TenantName::parse(" \u{3000} "), Err(InvalidName::Empty));
        assert_eq!(
            TenantName::parse("a\u{202E}b"),
            Err(InvalidName::Unfit("U+202E".into()))
        );
        assert_eq!(
            TenantName::parse("a\0b"),
            Err(InvalidName::Unfit("U+0000".into()))
        );
        assert_eq!(
            TenantName::parse(&"x".repeat(81)),
            Err(InvalidName::TooLong(80))
        );
        assert_eq!(
            TenantName::parse(&"x".repeat(10_000_000)),
            Err(InvalidName::TooLong(80))
        );
        assert!(TenantName::parse("<b>Acme</b> & Söhne").is_ok());
    }
}
