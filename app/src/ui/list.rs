//! Tables and what stands around them: caption, filters in the address, keyset pages. A row is
//! opened by the link in its first cell; numbers stand right.

use leptos::prelude::*;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading; empty for a column of actions, which gets a hidden one.
    pub title: &'static str,
    /// `num` for numbers, else empty.
    pub class: &'static str,
    /// `ascending` or `descending` on the column by which the rows are sorted.
    pub sorted: Option<&'static str>,
}

/// A plain column.
#[must_use]
pub const fn column(title: &'static str) -> Column {
    Column {
        title,
        class: "",
        sorted: None,
    }
}

/// A column of numbers.
#[must_use]
pub const fn number(title: &'static str) -> Column {
    Column {
        title,
        class: "num",
        sorted: None,
    }
}

impl Column {
    /// The column by which the rows are sorted.
    #[must_use]
    pub const fn by(mut self, direction: &'static str) -> Self {
        self.sorted = Some(direction);
        self
    }

    /// A column that phones leave out; what it says stands on the row's own page.
    #[must_use]
    pub const fn wide(mut self) -> Self {
        self.class = "wide-only";
        self
    }
}

/// A table. `live` names it for updates in place; rows carry `data-live` of their own.
pub fn table(
    caption: impl Into<String>,
    columns: &[Column],
    rows: Vec<AnyView>,
    live: &'static str,
) -> AnyView {
    let heads: Vec<_> = columns
        .iter()
        .map(|column| {
            let title = if column.title.is_empty() {
                view! { <span class="sr">"Actions"</span> }.into_any()
            } else {
                column.title.into_any()
            };
            view! { <th scope="col" class=column.class aria-sort=column.sorted>{title}</th> }
        })
        .collect();
    let caption = caption.into();
    let label = format!("{caption}, scrolls sideways");
    view! {
        <div class="table-box" role="region" tabindex="0" aria-label=label>
            <table data-live-rows=live>
                <caption class="sr">{caption}</caption>
                <thead><tr>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// The link to the next page of a list, and back to its beginning.
pub fn pager(
    path: &str,
    query: &[(String, String)],
    cursor: Option<&str>,
    next: Option<&str>,
) -> Option<AnyView> {
    if cursor.is_none() && next.is_none() {
        return None;
    }
    let first = cursor
        .map(|_| view! { <a class="button" href=address(path, query, None)>"First page"</a> });
    let next = next.map(|next| {
        view! { <a class="button" rel="next" href=address(path, query, Some(next))>"Next page"</a> }
    });
    Some(view! { <nav class="pager" aria-label="Pages">{first}{next}</nav> }.into_any())
}

/// A path with a query, in which empty values are left out.
#[must_use]
pub fn address(path: &str, query: &[(String, String)], cursor: Option<&str>) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        out.append_pair(key, value);
    }
    if let Some(cursor) = cursor {
        out.append_pair("cursor", cursor);
    }
    let query = out.finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_carry_filters_and_leave_out_empty_ones() {
        let query = [
            ("q".to_owned(), "a&b".to_owned()),
            ("health".to_owned(), String::new()),
        ];
        assert_eq!(address("/instances", &query, None), "/instances?q=a%26b");
        assert_eq!(
            address("/instances", &[], Some("x y")),
            "/instances?cursor=x+y"
        );
        assert_eq!(address("/instances", &[], None), "/instances");
    }
}
