//! From columns to types. A column that does not hold what its type says is our mistake and is named
//! with its row, never a panic and never a guess.

use std::fmt::Display;
use std::str::FromStr;

use crate::{Error, Result};

/// Reads an id, version or other parsed text from a column.
pub(crate) fn read<T>(table: &'static str, row: &str, text: &str) -> Result<T>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse()
        .map_err(|error| Error::broken(table, row, error))
}

/// Reads one of a closed set of words.
pub(crate) fn word<T>(table: &'static str, row: &str, text: &str, found: Option<T>) -> Result<T> {
    found.ok_or_else(|| Error::broken(table, row, format!("unknown word {text}")))
}

/// Reads JSON.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    table: &'static str,
    row: &str,
    text: &str,
) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::broken(table, row, error))
}

/// A count, which the engines give as a signed number.
pub(crate) fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(if number < 0 { 0 } else { u32::MAX })
}
