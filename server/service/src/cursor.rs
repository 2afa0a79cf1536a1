//! Cursors of keyset pages: the key of the last row, as text that callers hand back unread. A version
//! byte stands in front, so that a later form can be told from this one, and a made-up cursor is a
//! plain mistake of the caller's, never a wrong page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Error, Result};

const VERSION: u8 = 1;
const SEPARATOR: char = '\u{1f}';
/// Longest cursor taken, in bytes of its text.
const MAX: usize = 1_024;

/// Packs the parts of a key.
#[must_use]
pub fn pack(parts: &[&str]) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(parts.join(&SEPARATOR.to_string()).as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Takes a cursor apart into exactly `N` parts.
///
/// # Errors
/// [`Error::Invalid`] on the field `cursor`.
pub fn unpack<const N: usize>(cursor: &str) -> Result<[String; N]> {
    let parts = || -> Option<[String; N]> {
        if cursor.len() > MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (version, rest) = bytes.split_first()?;
        if *version != VERSION || rest.contains(&0) {
            return None;
        }
        let text = std::str::from_utf8(rest).ok()?;
        let parts: Vec<String> = text.split(SEPARATOR).map(str::to_owned).collect();
        parts.try_into().ok()
    };
    parts().ok_or_else(unreadable)
}

/// The answer to a cursor that nobody was given.
#[must_use]
pub fn unreadable() -> Error {
    Error::invalid(
        "cursor",
        "This cursor was not given by this list. Start again without one.",
    )
}

/// Limits a list to what one page may hold; none means the default.
///
/// # Errors
/// [`Error::Invalid`] on the field `limit` when it is 0 or too large.
pub fn limit(asked: Option<u32>) -> Result<u32> {
    match asked {
        None => Ok(model::page::DEFAULT_LIMIT),
        Some(n) if (1..=model::page::MAX_LIMIT).contains(&n) => Ok(n),
        Some(_) => Err(Error::invalid(
            "limit",
            format!("Use a limit from 1 to {}.", model::page::MAX_LIMIT),
        )),
    }
}

/// Prepares what somebody searches for: folded, with the wildcards of `like` taken literally.
///
/// # Errors
/// [`Error::Invalid`] on the field `q` when it is too long or has control characters.
pub fn search_pattern(q: Option<&str>) -> Result<String> {
    let text = q.unwrap_or("").trim();
    if text.len() > 400 || text.chars().count() > 100 {
        return Err(Error::invalid("q", "Search for at most 100 characters."));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid("q", "Remove the control characters."));
    }
    let mut pattern = String::from("%");
    for c in model::name::fold(text).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    if pattern.len() > 1 {
        pattern.push('%');
    }
    Ok(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_and_nothing_else() {
        let cursor = pack(&["a", "", "é"]);
        assert_eq!(unpack::<3>(&cursor).unwrap(), ["a", "", "é"]);
        let other_version = URL_SAFE_NO_PAD.encode([2, b'a']);
        for bad in [
            "",
            "x",
            "!!!",
            &cursor[1..],
            &other_version,
            &"A".repeat(2_000),
        ] {
            assert_eq!(unpack::<3>(bad).unwrap_err().code(), "invalid", "{bad}");
        }
        assert!(unpack::<2>(&cursor).is_err());
    }

    #[test]
    fn wildcards_are_taken_literally() {
        assert_eq!(search_pattern(None).unwrap(), "%");
        assert_eq!(
            search_pattern(Some(" 50% of A_B\\ ")).unwrap(),
            "%50\\% of a\\_b\\\\%"
        );
        assert!(search_pattern(Some("a\0b")).is_err());
        assert!(search_pattern(Some(&"x".repeat(101))).is_err());
    }

    #[test]
    fn limits() {
        assert_eq!(limit(None).unwrap(), 50);
        assert_eq!(limit(Some(200)).unwrap(), 200);
        assert!(limit(Some(0)).is_err() && limit(Some(201)).is_err());
    }
}
