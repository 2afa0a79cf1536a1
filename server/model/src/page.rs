//! Keyset pages: a list ends with the cursor of its last row, and the next page starts behind it.

use serde::{Deserialize, Serialize};

/// Most rows a list returns, and the default.
pub const MAX_LIMIT: u32 = 200;
/// Rows of a list when the caller does not say.
pub const DEFAULT_LIMIT: u32 = 50;

/// Some rows of a list and where the next ones start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Give it back to read on; none when this was the end.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Cuts a list that was read with one row more than `limit`.
    pub fn cut(mut rows: Vec<T>, limit: u32, cursor: impl FnOnce(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(cursor) } else { None };
        Self {
            items: rows,
            next_cursor,
        }
    }

    /// The same page with other rows.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_cursor_only_when_there_is_more() {
        let page = Page::cut(vec![1, 2, 3], 2, ToString::to_string);
        assert_eq!(
            (page.items, page.next_cursor.as_deref()),
            (vec![1, 2], Some("2"))
        );
        assert_eq!(
            Page::cut(vec![1, 2], 2, ToString::to_string).next_cursor,
            None
        );
    }
}
