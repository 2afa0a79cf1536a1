//! Operations: the list, one of them, cancelling and retrying.

use axum::extract::{Path, Query};
use axum::response::Response;
use model::OperationId;
use model::operation::OperationState;
use service::operation::OperationFilter;

use super::Table;
use super::desk::{Desk, id};
use super::fleet::Asked;
use super::posted::Posted;
use crate::pages::operations;
use crate::ui::form::Form;

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table
        .page("/operations", list)
        .page("/operations/{id}", show)
        .form("/operations/{id}/cancel", cancel)
        .form("/operations/{id}/retry", retry)
        .form("/operations/{id}/go-on-unproven", go_on)
}

async fn list(desk: Desk, Query(asked): Query<Asked>) -> Response {
    let filter = OperationFilter {
        state: OperationState::parse(asked.get("state")),
        cursor: asked.given("cursor"),
        ..OperationFilter::default()
    };
    let chosen = filter.state.map_or("", OperationState::as_str);
    let rows = desk
        .services
        .operation
        .list(&desk.caller.actor, filter)
        .await;
    let cursor = asked.given("cursor");
    desk.answer(rows, |caller, rows| {
        operations::list(caller, &rows, chosen, cursor.as_deref())
    })
}

async fn show_page(desk: &Desk, text: &str, form: &Form) -> Response {
    let found = match id(text, "operation") {
        Ok(id) => desk.services.operation.get(&desk.caller.actor, id).await,
        Err(error) => Err(error),
    };
    desk.answer(found, |caller, one| operations::show(caller, &one, form))
}

async fn show(desk: Desk, Path(text): Path<String>) -> Response {
    show_page(&desk, &text, &Form::default()).await
}

async fn go_on(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let caller = &desk.caller;
    let done = match id::<OperationId>(&text, "operation") {
        Ok(id) => {
            desk.services
                .operation
                .go_on_unproven(&caller.actor, id, posted.get("reason"), &caller.origin)
                .await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(one) => desk.done(
            "It goes on without the proof; the reason is kept in the audit trail.",
            &format!("/operations/{}", one.id),
        ),
        Err(error) => match Desk::refused(error, posted.into_form()) {
            Ok(form) => show_page(&desk, &text, &form).await,
            Err(error) => desk.failed(&error),
        },
    }
}

async fn cancel(desk: Desk, Path(text): Path<String>) -> Response {
    let caller = &desk.caller;
    let done = match id::<OperationId>(&text, "operation") {
        Ok(id) => {
            desk.services
                .operation
                .cancel(&caller.actor, id, &caller.origin)
                .await
        }
        Err(error) => Err(error),
    };
    let said = "It is being stopped; this page says when it has.";
    desk.outcome(done, |_| said.to_owned(), &format!("/operations/{text}"))
}

async fn retry(desk: Desk, Path(text): Path<String>) -> Response {
    let caller = &desk.caller;
    let done = match id::<OperationId>(&text, "operation") {
        Ok(id) => {
            desk.services
                .operation
                .retry(&caller.actor, id, &caller.origin)
                .await
        }
        Err(error) => Err(error),
    };
    match done {
        // A retry may be an operation of its own.
        Ok(one) => desk.done(
            "It goes on from the step that failed.",
            &format!("/operations/{}", one.id),
        ),
        Err(error) => desk.outcome(
            Err::<(), _>(error),
            |()| String::new(),
            &format!("/operations/{text}"),
        ),
    }
}
