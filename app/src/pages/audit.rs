//! The audit trail: who did what to what, and when. Rows are chained; the number is a row's place in
//! its chain.

use leptos::prelude::*;
use model::Timestamp;
use model::page::Page as Rows;
use model::view::AuditView;

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::layout::{empty, header};
use crate::ui::list::{column, number, pager, table};
use crate::ui::time::ago;

/// The page.
pub fn page(caller: &Caller, rows: &Rows<AuditView>, cursor: Option<&str>) -> Page {
    let list = if rows.items.is_empty() {
        empty(
            "Nothing yet",
            "Every change writes one row here, chained to the one before it, so that a missing or altered row is noticed.",
            None,
        )
    } else {
        let columns = [
            number("Place"),
            column("When").by("descending"),
            column("Who"),
            column("What"),
            column("To what").wide(),
        ];
        let lines = rows.items.iter().map(|one| row(one, caller.now)).collect();
        view! {
            {table("Audit trail, newest first", &columns, lines, "audit")}
            {pager("/audit", &[], cursor, rows.next_cursor.as_deref())}
        }
        .into_any()
    };
    let body = view! { {header("Audit", "Every change, newest first.", None)}{list} };
    Page::new(Nav::Audit, "Audit", body.into_any()).wide()
}

fn row(one: &AuditView, now: Timestamp) -> AnyView {
    let address = (!one.address.is_empty())
        .then(|| view! { <span class="id muted">{one.address.clone()}</span> });
    view! {
        <tr>
            <td class="num">{one.sequence}</td>
            <td>{ago(one.at, now)}</td>
            <td>{one.actor.clone()}{address}</td>
            <th scope="row">{one.summary.clone()}<code class="id">{one.action.clone()}</code></th>
            <td class="wide-only"><code>{one.subject.clone()}</code></td>
        </tr>
    }
    .into_any()
}
