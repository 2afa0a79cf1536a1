//! Tokens: the lists, one of them, issuing, rotating, and what is noted of them. The text of a token is
//! in the one answer that issued it: no redirect, no session, no flash carries it.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::response::Response;
use model::page::{MAX_LIMIT, Page};
use model::permission::Permission;
use model::token::{TokenDetail, TokenState, TokenView};
use model::view::InstanceView;
use model::{InstanceId, TenantId, TokenId, UserId};
use service::Error;
use service::tenant::TenantFilter;
use service::token::{ChangeToken, IssueToken, RotateToken, TokenFilter};

use super::Table;
use super::desk::{Desk, id};
use super::fleet::Asked;
use super::instance::read;
use super::once::Once;
use super::posted::Posted;
use crate::pages::token_issue::Offer;
use crate::pages::tokens::{Filters, Newest};
use crate::pages::{token, token_issue, tokens};
use crate::ui::form::Form;

/// What a list can be filtered by.
const FILTERS: [&str; 5] = ["q", "state", "tenant", "instance", "owner"];
/// Most that an instance's page shows.
const NEWEST: usize = 5;

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table
        .page("/tokens", list)
        .page("/instances/{id}/tokens", list_of_instance)
        .form("/instances/{id}/tokens", issue)
        .page("/instances/{id}/tokens/new", new)
        .page("/tokens/{id}", show)
        .form("/tokens/{id}/change", change)
        .page("/tokens/{id}/rotate", show_rotate)
        .form("/tokens/{id}/rotate", rotate)
}

fn filter(asked: &Asked) -> Result<TokenFilter, Error> {
    let state = asked.given("state").map(|text| {
        TokenState::parse(&text)
            .ok_or_else(|| Error::invalid("state", "Choose one of the five words."))
    });
    Ok(TokenFilter {
        tenant: read(asked, "tenant", "There is no such tenant.")?,
        instance: read(asked, "instance", "There is no such instance.")?,
        owner: read(asked, "owner", "There is no such person.")?,
        state: state.transpose()?,
        q: asked.given("q"),
        limit: None,
        cursor: asked.given("cursor"),
    })
}

async fn filters(desk: &Desk, asked: &Asked, tenant: Option<TenantId>) -> Result<Filters, Error> {
    let filter = TenantFilter {
        limit: Some(MAX_LIMIT),
        ..TenantFilter::default()
    };
    let rows = desk
        .services
        .tenant
        .list(&desk.caller.actor, filter)
        .await?;
    let tenants: Vec<(String, String)> = rows
        .items
        .into_iter()
        .map(|one| (one.id.to_string(), one.name))
        .collect();
    // Owners are people of one tenant: the chosen one, or the only one there is.
    let only = || match tenants.as_slice() {
        [(id, _)] => id.parse().ok(),
        _ => None,
    };
    let owners = match tenant.or_else(only) {
        Some(tenant) => owners(desk, tenant).await?,
        None => Vec::new(),
    };
    Ok(Filters {
        chosen: asked.only(&FILTERS),
        cursor: asked.given("cursor"),
        tenants,
        owners,
    })
}

/// Whom a form may offer as the one who answers for a token; nobody to those who may not say it.
async fn owners(desk: &Desk, tenant: TenantId) -> Result<Vec<(String, String)>, Error> {
    if !desk.caller.may(Permission::IssueToken, Some(tenant)) {
        return Ok(Vec::new());
    }
    let found = desk
        .services
        .token
        .owners(&desk.caller.actor, tenant)
        .await?;
    Ok(found
        .into_iter()
        .map(|(id, name)| (id.to_string(), name))
        .collect())
}

async fn load(desk: &Desk, asked: &Asked) -> Result<(Page<TokenView>, Filters), Error> {
    let filter = filter(asked)?;
    let tenant = filter.tenant;
    let rows = desk.services.token.list(&desk.caller.actor, filter).await?;
    Ok((rows, filters(desk, asked, tenant).await?))
}

async fn list(desk: Desk, Query(asked): Query<Asked>) -> Response {
    let loaded = load(&desk, &asked).await;
    desk.answer(loaded, |caller, (rows, filters)| {
        tokens::all(caller, &rows, &filters)
    })
}

pub async fn instance(desk: &Desk, text: &str) -> Result<InstanceView, Error> {
    desk.services
        .instance
        .get(&desk.caller.actor, &id(text, "instance")?)
        .await
}

async fn list_of_instance(
    desk: Desk,
    Path(text): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let loaded = async {
        let one = instance(&desk, &text).await?;
        let wanted = TokenFilter {
            instance: Some(one.id.clone()),
            tenant: None,
            ..filter(&asked)?
        };
        let rows = desk.services.token.list(&desk.caller.actor, wanted).await?;
        let mut filters = filters(&desk, &asked, Some(one.tenant_id)).await?;
        filters.chosen = asked.only(&["q", "state", "owner"]);
        Ok((one, rows, filters))
    };
    let loaded = loaded.await;
    desk.answer(loaded, |caller, (one, rows, filters)| {
        tokens::of_instance(caller, &one, &rows, &filters)
    })
}

/// What the instance's own page shows of its tokens.
pub async fn newest(desk: &Desk, instance: &InstanceId) -> Result<Newest, Error> {
    let filter = TokenFilter {
        instance: Some(instance.clone()),
        limit: Some(MAX_LIMIT),
        ..TokenFilter::default()
    };
    let rows = desk.services.token.list(&desk.caller.actor, filter).await?;
    let count = |wanted: &dyn Fn(&TokenState) -> bool| {
        let number = rows.items.iter().filter(|one| wanted(&one.state)).count();
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    Ok(Newest {
        open: count(&|state| state.is_open()),
        revoking: count(&|state| *state == TokenState::Revoking),
        more: rows.next_cursor.is_some(),
        newest: rows.items.into_iter().take(NEWEST).collect(),
    })
}

async fn offer(desk: &Desk, tenant: TenantId) -> Result<Offer, Error> {
    desk.allowed_in(Permission::IssueToken, tenant)?;
    Ok(Offer {
        policy: desk
            .services
            .token
            .policy(&desk.caller.actor, tenant)
            .await?,
        owners: owners(desk, tenant).await?,
        once: Once::draw(desk),
    })
}

async fn new_page(desk: &Desk, text: &str, form: &Form) -> Response {
    let loaded = async {
        let one = instance(desk, text).await?;
        let offer = offer(desk, one.tenant_id).await?;
        Ok((one, offer))
    };
    let loaded = loaded.await;
    desk.answer(loaded, |caller, (one, offer)| {
        token_issue::new(caller, &one, &offer, form)
    })
}

async fn new(desk: Desk, Path(text): Path<String>) -> Response {
    new_page(&desk, &text, &Form::default()).await
}

fn days(posted: &Posted) -> Result<Option<u32>, Error> {
    let given = posted.optional("days").map(|text| {
        text.parse()
            .map_err(|_| Error::invalid("days", "Choose one of the lengths."))
    });
    given.transpose()
}

/// Who answers for it; none for the tenant as a whole.
fn owner(posted: &Posted) -> Result<Option<UserId>, Error> {
    let given = posted.optional("owner").map(|text| {
        text.parse()
            .map_err(|_| Error::invalid("owner", "Choose one of the people."))
    });
    given.transpose()
}

async fn issue(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let once = match Once::begin(&desk, "POST /instances/{id}/tokens", &text, &posted).await {
        Ok(once) => once,
        Err(answer) => return answer,
    };
    let issuing = async {
        let command = IssueToken {
            name: posted.get("name").to_owned(),
            note: posted.get("note").to_owned(),
            owner: owner(&posted)?,
            days: days(&posted)?,
        };
        let caller = &desk.caller;
        let instance = id(&text, "instance")?;
        desk.services
            .token
            .issue(&caller.actor, &instance, command, &caller.origin)
            .await
    };
    let made = Box::pin(once.carry_out(&desk, issuing, |made| made.view.id)).await;
    match made {
        Ok(made) => desk.show(|caller| {
            let text = made.token.expose();
            token_issue::issued(caller, &made.view, text, made.url.as_deref(), None)
        }),
        Err(error) => match Desk::refused(error, posted.into_form()) {
            Ok(form) => new_page(&desk, &text, &form).await,
            Err(error) => desk.failed(&error),
        },
    }
}

/// A token, for whoever may see it.
pub async fn found(desk: &Desk, text: &str) -> Result<TokenDetail, Error> {
    desk.services
        .token
        .get(&desk.caller.actor, id(text, "token")?)
        .await
}

async fn show_page(desk: &Desk, text: &str, form: &Form) -> Response {
    let loaded = async {
        let view = found(desk, text).await?;
        let owners = owners(desk, view.token.tenant_id).await?;
        Ok((view, owners))
    };
    let loaded = loaded.await;
    desk.answer(loaded, |caller, (view, owners)| {
        token::show(caller, &view, &owners, form)
    })
}

async fn show(desk: Desk, Path(text): Path<String>) -> Response {
    show_page(&desk, &text, &Form::default()).await
}

async fn change(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let changing = async {
        let command = ChangeToken {
            name: Some(posted.get("name").to_owned()),
            note: Some(posted.get("note").to_owned()),
            owner: Some(owner(&posted)?),
        };
        let caller = &desk.caller;
        desk.services
            .token
            .change(&caller.actor, id(&text, "token")?, command, &caller.origin)
            .await
    };
    let changed = changing.await;
    match changed {
        Ok(one) => desk.done(
            format!("What is noted of token {} is changed.", one.name),
            &format!("/tokens/{}", one.id),
        ),
        Err(error) => match Desk::refused(error, posted.into_form()) {
            Ok(form) => show_page(&desk, &text, &form).await,
            Err(error) => desk.failed(&error),
        },
    }
}

async fn rotate_page(desk: &Desk, text: &str, form: &Form) -> Response {
    let loaded = async {
        let view = found(desk, text).await?;
        let offer = offer(desk, view.token.tenant_id).await?;
        Ok((view, offer))
    };
    let loaded = loaded.await;
    desk.answer(loaded, |caller, (view, offer)| {
        token_issue::rotate(caller, &view, &offer, form)
    })
}

async fn show_rotate(desk: Desk, Path(text): Path<String>) -> Response {
    rotate_page(&desk, &text, &Form::default()).await
}

async fn rotate(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let once = match Once::begin(&desk, "POST /tokens/{id}/rotate", &text, &posted).await {
        Ok(once) => once,
        Err(answer) => return answer,
    };
    let rotating = async {
        let overlap = posted
            .get("overlap")
            .parse()
            .map_err(|_| Error::invalid("overlap", "Choose one of the lengths."))?;
        let command = RotateToken {
            overlap: Some(Duration::from_secs(overlap)),
            days: days(&posted)?,
        };
        let (caller, old) = (&desk.caller, id::<TokenId>(&text, "token")?);
        desk.services
            .token
            .rotate(&caller.actor, old, command, &caller.origin)
            .await
    };
    let made = Box::pin(once.carry_out(&desk, rotating, |made| made.view.id)).await;
    match made {
        Ok(made) => {
            // What is shown of the old one is not worth losing the text of the new one for.
            let old = found(&desk, &text).await.ok().map(|view| view.token);
            desk.show(|caller| {
                let text = made.token.expose();
                token_issue::issued(caller, &made.view, text, made.url.as_deref(), old.as_ref())
            })
        }
        Err(error) => match Desk::refused(error, posted.into_form()) {
            Ok(form) => rotate_page(&desk, &text, &form).await,
            Err(error) => desk.failed(&error),
        },
    }
}
