//! Changing an instance: its name, its overrides, its release, its end, and the way back from that.

use axum::extract::{Path, Query};
use axum::response::Response;
use model::InstanceId;
use model::permission::Permission;
use model::view::InstanceDetail;
use service::Error;
use service::instance::{DeleteInstance, UpgradeInstance};

use super::Table;
use super::desk::{Desk, id};
use super::fleet::Asked;
use super::posted::Posted;
use crate::context::Caller;
use crate::pages::{Page, instance_change};
use crate::ui::form::Form;
use crate::ui::time::span;

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table
        .form("/instances/{id}/rename", rename)
        .page("/instances/{id}/overrides", show_overrides)
        .form("/instances/{id}/overrides", reconfigure)
        .page("/instances/{id}/upgrade", show_upgrade)
        .form("/instances/{id}/upgrade", upgrade)
        .page("/instances/{id}/delete", show_delete)
        .form("/instances/{id}/delete", delete)
        .form("/instances/{id}/undelete", undelete)
}

async fn load(desk: &Desk, text: &str, permission: Permission) -> Result<InstanceDetail, Error> {
    let found = desk
        .services
        .instance
        .detail(&desk.caller.actor, &id(text, "instance")?)
        .await?;
    desk.allowed(permission)?;
    Ok(found)
}

/// Shows a form again beside the instance as it is now.
async fn again(
    desk: &Desk,
    text: &str,
    error: Error,
    posted: Posted,
    page: impl FnOnce(&Caller, &InstanceDetail, &Form) -> Page,
) -> Response {
    match (
        load(desk, text, Permission::ChangeInstance).await,
        Desk::refused(error, posted.into_form()),
    ) {
        (Ok(view), Ok(form)) => desk.show(|caller| page(caller, &view, &form)),
        (Err(error), _) | (_, Err(error)) => desk.failed(&error),
    }
}

fn here(text: &str) -> String {
    format!("/instances/{text}")
}

async fn rename(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let caller = &desk.caller;
    let done = match id::<InstanceId>(&text, "instance") {
        Ok(id) => {
            desk.services
                .instance
                .rename(&caller.actor, &id, posted.get("name"), &caller.origin)
                .await
        }
        Err(error) => Err(error),
    };
    desk.outcome(
        done,
        |now| format!("The instance is called {} now.", now.name),
        &here(&text),
    )
}

async fn show_overrides(desk: Desk, Path(text): Path<String>) -> Response {
    let view = load(&desk, &text, Permission::ChangeInstance).await;
    desk.answer(view, |caller, view| {
        instance_change::overrides(caller, &view, &Form::default())
    })
}

async fn reconfigure(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let caller = &desk.caller;
    let asked = match id::<InstanceId>(&text, "instance") {
        // What a browser sends of a text area has line ends of another kind.
        Ok(id) => {
            let overrides = posted.get("overrides").replace("\r\n", "\n");
            desk.services
                .instance
                .reconfigure(&caller.actor, &id, &overrides, &caller.origin)
                .await
        }
        Err(error) => Err(error),
    };
    match asked {
        Ok(_) => desk.done("The overrides are being applied.", &here(&text)),
        Err(error) => again(&desk, &text, error, posted, instance_change::overrides).await,
    }
}

async fn show_upgrade(
    desk: Desk,
    Path(text): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let view = load(&desk, &text, Permission::ChangeInstance).await;
    let form = Form::sent(asked.only(&["release"]));
    desk.answer(view, |caller, view| {
        instance_change::upgrade(caller, &view, &form)
    })
}

async fn upgrade(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let caller = &desk.caller;
    let command = UpgradeInstance {
        release: posted.get("release").to_owned(),
        confirm: posted.optional("confirm"),
    };
    let asked = match id::<InstanceId>(&text, "instance") {
        Ok(id) => {
            desk.services
                .instance
                .upgrade(&caller.actor, &id, command, &caller.origin)
                .await
        }
        Err(error) => Err(error),
    };
    match asked {
        Ok(_) => desk.done("The upgrade has begun.", &here(&text)),
        Err(error) => again(&desk, &text, error, posted, instance_change::upgrade).await,
    }
}

/// For how long a deletion can be undone, in words.
fn grace(desk: &Desk) -> String {
    span(desk.services.context.settings.deletion_grace)
}

async fn show_delete(desk: Desk, Path(text): Path<String>) -> Response {
    let view = load(&desk, &text, Permission::DeleteInstance).await;
    let grace = grace(&desk);
    desk.answer(view, |caller, view| {
        instance_change::delete(caller, &view, &grace, &Form::default())
    })
}

async fn delete(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let caller = &desk.caller;
    let command = DeleteInstance {
        confirm: posted.get("confirm").to_owned(),
        grace: None,
    };
    let asked = match id::<InstanceId>(&text, "instance") {
        Ok(id) => {
            desk.services
                .instance
                .delete(&caller.actor, &id, command, &caller.origin)
                .await
        }
        Err(error) => Err(error),
    };
    let grace = grace(&desk);
    match asked {
        Ok(_) => desk.done(
            format!("The door is closed. The deletion can be undone for {grace}."),
            &here(&text),
        ),
        Err(error) => {
            again(&desk, &text, error, posted, |c, view, form| {
                instance_change::delete(c, view, &grace, form)
            })
            .await
        }
    }
}

async fn undelete(desk: Desk, Path(text): Path<String>) -> Response {
    let caller = &desk.caller;
    let done = match id::<InstanceId>(&text, "instance") {
        Ok(id) => {
            desk.services
                .instance
                .undelete(&caller.actor, &id, &caller.origin)
                .await
        }
        Err(error) => Err(error),
    };
    desk.outcome(
        done,
        |_| "The deletion is undone; the door opens again.".to_owned(),
        &here(&text),
    )
}
