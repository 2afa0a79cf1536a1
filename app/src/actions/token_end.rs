//! Ending tokens: one, one whose place was taken, or all of an instance, a tenant or a person.

use axum::extract::Path;
use axum::response::Response;
use model::page::MAX_LIMIT;
use model::permission::Permission;
use model::token::{EndReason, TokenDetail, TokenView};
use model::{TenantId, UserId};
use service::Error;
use service::token::{RevokeAll, RevokeToken, TokenFilter};

use super::Table;
use super::desk::{Desk, id};
use super::posted::Posted;
use super::token::{found, instance};
use crate::pages::token_end;
use crate::pages::token_end::Everything;
use crate::ui::form::Form;
use crate::ui::layout::count;

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table
        .page("/tokens/{id}/revoke", show_revoke)
        .form("/tokens/{id}/revoke", revoke)
        .page("/tokens/{id}/retire", show_retire)
        .form("/tokens/{id}/retire", retire)
        .page("/instances/{id}/tokens/revoke-all", show_instance)
        .form("/instances/{id}/tokens/revoke-all", all_of_instance)
        .page("/tenants/{id}/tokens/revoke-all", show_tenant)
        .form("/tenants/{id}/tokens/revoke-all", all_of_tenant)
        .page("/tenants/{id}/members/{user}/revoke-tokens", show_person)
        .form("/tenants/{id}/members/{user}/revoke-tokens", all_of_person)
}

async fn revocable(desk: &Desk, text: &str) -> Result<TokenDetail, Error> {
    let view = found(desk, text).await?;
    desk.allowed_in(Permission::RevokeToken, view.token.tenant_id)?;
    Ok(view)
}

async fn show_revoke(desk: Desk, Path(text): Path<String>) -> Response {
    let view = revocable(&desk, &text).await;
    desk.answer(view, |caller, view| {
        token_end::revoke(caller, &view, &Form::default())
    })
}

async fn revoke(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let revoking = async {
        let reason = match posted.get("reason") {
            "leaked" => EndReason::Leaked,
            "revoked" | "" => EndReason::Revoked,
            _ => return Err(Error::invalid("reason", "Choose one of the reasons.")),
        };
        let command = RevokeToken {
            reason,
            note: posted.get("note").to_owned(),
        };
        let caller = &desk.caller;
        desk.services
            .token
            .revoke(&caller.actor, id(&text, "token")?, command, &caller.origin)
            .await
    };
    let done = revoking.await;
    match done {
        Ok(one) => desk.done(begun(&one), &format!("/tokens/{}", one.id)),
        Err(error) => match (
            revocable(&desk, &text).await,
            Desk::refused(error, posted.into_form()),
        ) {
            (Ok(view), Ok(form)) => desk.show(|caller| token_end::revoke(caller, &view, &form)),
            (Err(error), _) | (_, Err(error)) => desk.failed(&error),
        },
    }
}

fn begun(one: &TokenView) -> String {
    format!(
        "Token {} is being revoked; this page says when every gateway has shown that it refuses.",
        one.name
    )
}

async fn show_retire(desk: Desk, Path(text): Path<String>) -> Response {
    let view = revocable(&desk, &text).await;
    desk.answer(view, |caller, view| {
        token_end::retire(caller, &view, &Form::default())
    })
}

async fn retire(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let retiring = async {
        let caller = &desk.caller;
        desk.services
            .token
            .retire(&caller.actor, id(&text, "token")?, &caller.origin)
            .await
    };
    let done = retiring.await;
    match done {
        Ok(one) => desk.done(begun(&one), &format!("/tokens/{}", one.id)),
        Err(error) => match (
            revocable(&desk, &text).await,
            Desk::refused(error, posted.into_form()),
        ) {
            (Ok(view), Ok(form)) => desk.show(|caller| token_end::retire(caller, &view, &form)),
            (Err(error), _) | (_, Err(error)) => desk.failed(&error),
        },
    }
}

/// All that are to be ended, and what does it.
struct Wanted {
    shown: Everything,
    command: RevokeAll,
}

/// Fills in the tokens that would be revoked.
async fn wanted(desk: &Desk, mut wanted: Wanted, tenant: TenantId) -> Result<Wanted, Error> {
    desk.allowed_in(Permission::RevokeToken, tenant)?;
    let (instance, owner) = match &wanted.command {
        RevokeAll::Instance(instance) => (Some(instance.clone()), None),
        RevokeAll::Tenant(_) => (None, None),
        RevokeAll::Owner(_, user) => (None, Some(*user)),
    };
    let filter = TokenFilter {
        tenant: Some(tenant),
        instance,
        owner,
        limit: Some(MAX_LIMIT),
        ..TokenFilter::default()
    };
    let rows = desk.services.token.list(&desk.caller.actor, filter).await?;
    wanted.shown.more = rows.next_cursor.is_some();
    wanted.shown.names = rows
        .items
        .into_iter()
        .filter(|one| one.state.is_open())
        .map(|one| (one.name, one.hint))
        .collect();
    Ok(wanted)
}

async fn of_instance(desk: &Desk, text: &str) -> Result<Wanted, Error> {
    let one = instance(desk, text).await?;
    let back = format!("/instances/{}/tokens", one.id);
    let shown = Everything {
        what: "instance",
        name: one.name,
        to: format!("{back}/revoke-all"),
        back,
        back_name: "Tokens".to_owned(),
        names: Vec::new(),
        more: false,
    };
    let command = RevokeAll::Instance(one.id);
    wanted(desk, Wanted { shown, command }, one.tenant_id).await
}

async fn of_tenant(desk: &Desk, text: &str) -> Result<Wanted, Error> {
    let tenant = id::<TenantId>(text, "tenant")?;
    let one = desk.services.tenant.get(&desk.caller.actor, tenant).await?;
    let back = format!("/tenants/{tenant}");
    let shown = Everything {
        what: "tenant",
        name: one.name.clone(),
        to: format!("{back}/tokens/revoke-all"),
        back,
        back_name: one.name,
        names: Vec::new(),
        more: false,
    };
    let command = RevokeAll::Tenant(tenant);
    wanted(desk, Wanted { shown, command }, tenant).await
}

async fn of_person(desk: &Desk, tenant: &str, user: &str) -> Result<Wanted, Error> {
    let tenant = id::<TenantId>(tenant, "tenant")?;
    let user = id::<UserId>(user, "person")?;
    let actor = &desk.caller.actor;
    let one = desk.services.tenant.get(actor, tenant).await?;
    let people = desk.services.user.members(actor, tenant).await?;
    let person = people
        .into_iter()
        .find(|person| person.user_id == Some(user))
        .ok_or(Error::NotFound { what: "person" })?;
    let back = format!("/tenants/{tenant}");
    let shown = Everything {
        what: "person",
        name: person.name,
        to: format!("{back}/members/{user}/revoke-tokens"),
        back,
        back_name: one.name,
        names: Vec::new(),
        more: false,
    };
    let command = RevokeAll::Owner(tenant, user);
    wanted(desk, Wanted { shown, command }, tenant).await
}

fn ask(desk: &Desk, wanted: Result<Wanted, Error>) -> Response {
    desk.answer(wanted, |caller, wanted| {
        token_end::revoke_all(caller, &wanted.shown, &Form::default())
    })
}

async fn end(desk: &Desk, wanted: Result<Wanted, Error>, posted: Posted) -> Response {
    let Wanted { shown, command } = match wanted {
        Ok(wanted) => wanted,
        Err(error) => return desk.failed(&error),
    };
    let caller = &desk.caller;
    let done = if posted.get("confirm").trim() == shown.name {
        desk.services
            .token
            .revoke_all(&caller.actor, command, &caller.origin)
            .await
    } else {
        Err(Error::invalid(
            "confirm",
            "Type the name exactly as it stands in the title.",
        ))
    };
    match done {
        Ok(ended) => {
            let number = u32::try_from(ended.len()).unwrap_or(u32::MAX);
            let said = match number {
                0 => "There was no token to revoke.".to_owned(),
                n => format!(
                    "{} being revoked; each ends with its own receipt.",
                    count(n, "token is", "tokens are")
                ),
            };
            desk.done(said, &shown.back)
        }
        Err(error) => desk.again(error, posted, |caller, form| {
            token_end::revoke_all(caller, &shown, form)
        }),
    }
}

async fn show_instance(desk: Desk, Path(text): Path<String>) -> Response {
    ask(&desk, of_instance(&desk, &text).await)
}

async fn all_of_instance(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    end(&desk, of_instance(&desk, &text).await, posted).await
}

async fn show_tenant(desk: Desk, Path(text): Path<String>) -> Response {
    ask(&desk, of_tenant(&desk, &text).await)
}

async fn all_of_tenant(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    end(&desk, of_tenant(&desk, &text).await, posted).await
}

async fn show_person(desk: Desk, Path((tenant, user)): Path<(String, String)>) -> Response {
    ask(&desk, of_person(&desk, &tenant, &user).await)
}

async fn all_of_person(
    desk: Desk,
    Path((tenant, user)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    end(&desk, of_person(&desk, &tenant, &user).await, posted).await
}
