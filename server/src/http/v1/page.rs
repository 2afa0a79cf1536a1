//! How lists are answered: some rows, and the cursor of the next ones.

use model::page;
use serde::Serialize;
use utoipa::ToSchema;

/// Some rows of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Send it as `cursor` to read on; null at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of rows as the API shows them.
    pub fn of<V: Into<T>>(page: page::Page<V>) -> Self {
        let items = page.items.into_iter().map(Into::into).collect();
        Self {
            items,
            next_cursor: page.next_cursor,
        }
    }

    /// A list that always fits one page.
    pub fn whole<V: Into<T>>(rows: Vec<V>) -> Self {
        Self {
            items: rows.into_iter().map(Into::into).collect(),
            next_cursor: None,
        }
    }
}
