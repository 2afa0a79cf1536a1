//! The caller's own account: sessions, access tokens, password.

use axum::extract::Path;
use axum::response::Response;
use model::view::{AccessTokenView, SessionView};
use model::{AccessTokenId, SessionKey};
use service::Error;
use service::access_token::CreateAccessToken;

use super::Table;
use super::desk::{Desk, id, redirect};
use super::posted::Posted;
use crate::pages::account;
use crate::ui::form::Form;

const PATH: &str = "/account";

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table
        .page(PATH, show)
        .form("/account/access-tokens", make_token)
        .form("/account/access-tokens/{id}/revoke", revoke_token)
        .form("/account/sessions/{key}/end", end_session)
        .form("/account/sessions/end-others", end_others)
        .form("/account/password", change_password)
}

async fn load(desk: &Desk) -> Result<(Vec<SessionView>, Vec<AccessTokenView>), Error> {
    let actor = &desk.caller.actor;
    Ok((
        desk.services.session.list(actor).await?,
        desk.services.access_token.list(actor).await?,
    ))
}

async fn page(desk: &Desk, token: &Form, password: &Form) -> Response {
    let loaded = load(desk).await;
    desk.answer(loaded, |caller, (sessions, tokens)| {
        account::page(caller, &sessions, &tokens, token, password)
    })
}

async fn show(desk: Desk) -> Response {
    page(&desk, &Form::default(), &Form::default()).await
}

async fn make_token(desk: Desk, posted: Posted) -> Response {
    let caller = &desk.caller;
    let command = CreateAccessToken {
        name: posted.get("name").to_owned(),
        scopes: posted.all("scopes"),
        days: posted.get("days").parse().ok(),
    };
    match desk
        .services
        .access_token
        .create(&caller.actor, command, &caller.origin)
        .await
    {
        // Shown in this answer and nowhere else: no redirect, no session, no flash carries it.
        Ok(made) => {
            let origin = desk.services.context.settings.public_url.clone();
            desk.show(|caller| {
                account::token_made(caller, &made.view, made.token.expose(), &origin)
            })
        }
        Err(error) => match Desk::refused(error, posted.into_form()) {
            Ok(form) => page(&desk, &form, &Form::default()).await,
            Err(error) => desk.failed(&error),
        },
    }
}

async fn revoke_token(desk: Desk, Path(text): Path<String>) -> Response {
    let caller = &desk.caller;
    let done = match id::<AccessTokenId>(&text, "access token") {
        Ok(id) => {
            desk.services
                .access_token
                .revoke(&caller.actor, id, &caller.origin)
                .await
        }
        Err(error) => Err(error),
    };
    desk.outcome(
        done,
        |()| "The access token is revoked; it is refused from now on.".to_owned(),
        PATH,
    )
}

async fn end_session(desk: Desk, Path(text): Path<String>) -> Response {
    let key = match id::<SessionKey>(&text, "session") {
        Ok(key) => key,
        Err(error) => return desk.failed(&error),
    };
    let own = matches!(&desk.caller.actor, model::Actor::User(user) if user.session == key);
    let done = desk.services.session.end(&desk.caller.actor, key).await;
    if own && done.is_ok() {
        return redirect("/sign-in", None);
    }
    desk.outcome(done, |()| "The session is ended.".to_owned(), PATH)
}

async fn end_others(desk: Desk) -> Response {
    let done = desk.services.session.end_others(&desk.caller.actor).await;
    let said = |ended| match ended {
        0 => "There were no other sessions.".to_owned(),
        1 => "One other session is ended.".to_owned(),
        n => format!("{n} other sessions are ended."),
    };
    desk.outcome(done, said, PATH)
}

async fn change_password(desk: Desk, posted: Posted) -> Response {
    let caller = &desk.caller;
    let (current, new) = (posted.get("current_password"), posted.get("new_password"));
    match desk
        .services
        .auth
        .change_password(&caller.actor, current, new, &caller.origin)
        .await
    {
        Ok(()) => desk.done(
            "The password is changed; your other sessions are ended.",
            PATH,
        ),
        Err(error) => match Desk::refused(error, posted.into_form()) {
            Ok(form) => page(&desk, &Form::default(), &form).await,
            Err(error) => desk.failed(&error),
        },
    }
}
