//! Tenants: their list and page, creating, renaming, deleting, and inviting people.

use axum::extract::{Path, Query};
use axum::response::Response;
use model::TenantId;
use model::permission::Permission;
use model::view::TenantView;
use service::Error;
use service::instance::InstanceFilter;
use service::tenant::{CreateTenant, TenantFilter};
use service::user::InvitePerson;

use super::Table;
use super::desk::{Desk, id};
use super::fleet::Asked;
use super::posted::Posted;
use crate::pages::tenant::Invited;
use crate::pages::{tenant, tenants};
use crate::ui::form::Form;

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table
        .page("/tenants", list)
        .form("/tenants", create)
        .page("/tenants/new", new)
        .page("/tenants/{id}", show)
        .form("/tenants/{id}/rename", rename)
        .form("/tenants/{id}/members", invite)
        .form("/tenants/{id}/invitations/{invitation}/withdraw", withdraw)
        .page("/tenants/{id}/delete", show_delete)
        .form("/tenants/{id}/delete", delete)
}

async fn list(desk: Desk, Query(asked): Query<Asked>) -> Response {
    let filter = TenantFilter {
        q: asked.given("q"),
        limit: None,
        cursor: asked.given("cursor"),
    };
    let rows = desk.services.tenant.list(&desk.caller.actor, filter).await;
    desk.answer(rows, |caller, rows| {
        tenants::list(
            caller,
            &rows,
            asked.get("q"),
            asked.given("cursor").as_deref(),
        )
    })
}

async fn new(desk: Desk) -> Response {
    let may = desk.allowed(Permission::CreateTenant);
    desk.answer(may, |caller, ()| tenants::new(caller, &Form::default()))
}

async fn create(desk: Desk, posted: Posted) -> Response {
    let command = CreateTenant {
        name: posted.get("name").to_owned(),
    };
    let made = desk
        .services
        .tenant
        .create(&desk.caller.actor, command, &desk.caller.origin)
        .await;
    match made {
        Ok(made) => first_admin(&desk, &made, &posted).await,
        Err(error) => desk.again(error, posted, tenants::new),
    }
}

/// The tenant is there; its first admin is invited as well when an address was typed. An address that
/// cannot be used is said on the tenant's page, where the invitation can be made again.
async fn first_admin(desk: &Desk, made: &TenantView, posted: &Posted) -> Response {
    let here = format!("/tenants/{}", made.id);
    let Some(email) = posted.optional("admin_email") else {
        return desk.done(format!("Tenant {} created.", made.name), &here);
    };
    match send_invitation(desk, made.id, &email, "tenant_admin").await {
        Ok(sent) => show_page(desk, made.id, &Form::default(), Some(sent)).await,
        Err(error) => Desk::not_done(
            format!(
                "Tenant {} created, but nobody was invited: {}",
                made.name,
                error.public()
            ),
            &here,
        ),
    }
}

async fn show(desk: Desk, Path(text): Path<String>) -> Response {
    match id(&text, "tenant") {
        Ok(id) => show_page(&desk, id, &Form::default(), None).await,
        Err(error) => desk.failed(&error),
    }
}

async fn load(desk: &Desk, id: TenantId, invited: Option<Invited>) -> Result<tenant::Shown, Error> {
    let actor = &desk.caller.actor;
    let found = desk.services.tenant.get(actor, id).await?;
    let filter = InstanceFilter {
        tenant: Some(id),
        limit: Some(model::page::MAX_LIMIT),
        ..Default::default()
    };
    let instances = desk.services.instance.list(actor, filter).await?.items;
    let members = desk.services.user.members(actor, id).await?;
    let policy = desk.services.token.policy(actor, id).await?;
    Ok(tenant::Shown {
        tenant: found,
        instances,
        members,
        policy: Some(policy),
        invited,
    })
}

async fn show_page(desk: &Desk, id: TenantId, form: &Form, invited: Option<Invited>) -> Response {
    let shown = load(desk, id, invited).await;
    desk.answer(shown, |caller, shown| tenant::page(caller, &shown, form))
}

/// Shows the tenant's page with what is wrong, or the error page.
pub async fn refused(desk: &Desk, id: TenantId, error: Error, posted: Posted) -> Response {
    match Desk::refused(error, posted.into_form()) {
        Ok(form) => show_page(desk, id, &form, None).await,
        Err(error) => desk.failed(&error),
    }
}

async fn rename(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let id = match id(&text, "tenant") {
        Ok(id) => id,
        Err(error) => return desk.failed(&error),
    };
    let caller = &desk.caller;
    match desk
        .services
        .tenant
        .rename(&caller.actor, id, posted.get("name"), &caller.origin)
        .await
    {
        Ok(now) => desk.done(
            format!("The tenant is called {} now.", now.name),
            &format!("/tenants/{id}"),
        ),
        Err(error) => refused(&desk, id, error, posted).await,
    }
}

async fn send_invitation(
    desk: &Desk,
    id: TenantId,
    email: &str,
    role: &str,
) -> Result<Invited, Error> {
    let role = model::user::Role::parse(role)
        .ok_or_else(|| Error::invalid("role", "Choose one of the roles."))?;
    let command = InvitePerson {
        email: email.to_owned(),
        role,
        tenant: Some(id),
    };
    let made = desk
        .services
        .user
        .invite(&desk.caller.actor, command, &desk.caller.origin)
        .await?;
    Ok(Invited {
        email: email.to_owned(),
        link: made.link,
    })
}

async fn invite(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let id = match id(&text, "tenant") {
        Ok(id) => id,
        Err(error) => return desk.failed(&error),
    };
    let email = posted.get("email").to_owned();
    match send_invitation(&desk, id, &email, posted.get("role")).await {
        Ok(sent) => show_page(&desk, id, &Form::default(), Some(sent)).await,
        Err(error) => refused(&desk, id, error, posted).await,
    }
}

async fn withdraw(desk: Desk, Path((tenant, invitation)): Path<(String, String)>) -> Response {
    let ids = id::<TenantId>(&tenant, "tenant")
        .and_then(|tenant| Ok((tenant, id(&invitation, "invitation")?)));
    let (tenant, invitation) = match ids {
        Ok(ids) => ids,
        Err(error) => return desk.failed(&error),
    };
    let done = desk
        .services
        .user
        .withdraw_invitation(&desk.caller.actor, invitation)
        .await;
    desk.outcome(
        done,
        |()| "The invitation is withdrawn; its link no longer works.".to_owned(),
        &format!("/tenants/{tenant}"),
    )
}

async fn found(desk: &Desk, text: &str) -> Result<TenantView, Error> {
    desk.services
        .tenant
        .get(&desk.caller.actor, id(text, "tenant")?)
        .await
}

async fn show_delete(desk: Desk, Path(text): Path<String>) -> Response {
    let found = found(&desk, &text)
        .await
        .and_then(|one| desk.allowed(Permission::DeleteTenant).map(|()| one));
    desk.answer(found, |caller, one| {
        tenant::delete(caller, &one, &Form::default())
    })
}

async fn delete(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let one = match found(&desk, &text).await {
        Ok(one) => one,
        Err(error) => return desk.failed(&error),
    };
    let caller = &desk.caller;
    let done = if posted.get("confirm").trim() == one.name {
        desk.services
            .tenant
            .delete(&caller.actor, one.id, &caller.origin)
            .await
    } else {
        Err(Error::invalid(
            "confirm",
            "Type the name exactly as it stands in the title.",
        ))
    };
    match done {
        Ok(()) => desk.done(format!("Tenant {} deleted.", one.name), "/tenants"),
        Err(error) => desk.again(error, posted, |caller, form| {
            tenant::delete(caller, &one, form)
        }),
    }
}
