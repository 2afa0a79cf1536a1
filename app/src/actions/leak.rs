//! Reports of leaked tokens, by anybody. What was pasted is handed to the service and nowhere else: it
//! is in no redirect, flash, log or page.

use axum::response::Response;
use service::token::LeakReport;

use super::Table;
use super::desk::Desk;
use super::posted::Posted;
use crate::pages::leak;
use crate::ui::form::Form;

const PATH: &str = "/leaks";

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table.open_page(PATH, show).open_form(PATH, report)
}

async fn show(desk: Desk) -> Response {
    desk.show(|caller| leak::page(caller, &Form::default()))
}

async fn report(desk: Desk, posted: Posted) -> Response {
    let found = LeakReport {
        text: posted.get("text").to_owned(),
        place: posted.get("place").to_owned(),
    };
    match desk
        .services
        .token
        .report_leak(found, &desk.caller.origin)
        .await
    {
        Ok(()) => desk.done(leak::RECEIVED, PATH),
        Err(error) => desk.again(error, posted, leak::page),
    }
}
