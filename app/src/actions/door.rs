//! Signing in and out, the first owner, invitations, and the theme: the only routes that answer
//! somebody who has not signed in.

use axum::extract::{Path, Query};
use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use service::Error;
use tower_sessions::Session;

use super::Table;
use super::desk::{Desk, redirect};
use super::posted::Posted;
use crate::context::{Caller, Theme};
use crate::pages::sign_in;
use crate::ui::form::Form;

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table
        .open_page("/sign-in", show_sign_in)
        .open_form("/sign-in", sign_in)
        .form("/sign-out", sign_out)
        .open_page("/setup/{token}", show_setup)
        .open_form("/setup/{token}", setup)
        .open_page("/invitations/{token}", show_invitation)
        .open_form("/invitations/{token}", accept)
        .open_form("/theme", theme)
}

/// Pairs of a query, in order.
type Pairs = Query<Vec<(String, String)>>;

async fn show_sign_in(desk: Desk, Query(query): Pairs) -> Response {
    if desk.caller.me.is_some() {
        return redirect("/", None);
    }
    let next = query.into_iter().filter(|(key, _)| key == "next").collect();
    desk.show(|caller| sign_in::sign_in(caller, &Form::sent(next)))
}

async fn sign_in(desk: Desk, session: Session, posted: Posted) -> Response {
    let origin = &desk.caller.origin;
    let user = desk
        .services
        .auth
        .sign_in(posted.get("email"), posted.get("password"), origin)
        .await;
    let begun = match user {
        Ok(user) => desk.services.session.begin(&session, user, origin).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(()) => redirect(posted.get("next"), None),
        Err(error) => again(&desk, error, posted.into_form(), sign_in::sign_in),
    }
}

/// Shows the form again. A wrong password is not about one field, and too many tries say when to
/// come back.
fn again(
    desk: &Desk,
    error: Error,
    mut form: Form,
    page: impl FnOnce(&Caller, &Form) -> crate::pages::Page,
) -> Response {
    let answer = match error {
        Error::Unauthenticated { detail } => {
            form.refuse("", detail);
            Ok(form)
        }
        error => {
            let after = error.retry_after();
            match Desk::refused(error, form) {
                Ok(form) => {
                    let mut response = desk.show(|caller| page(caller, &form));
                    if let Some(after) = after {
                        *response.status_mut() = axum::http::StatusCode::TOO_MANY_REQUESTS;
                        let seconds = HeaderValue::from(after.as_secs().max(1));
                        response
                            .headers_mut()
                            .insert(axum::http::header::RETRY_AFTER, seconds);
                    }
                    return response;
                }
                Err(error) => Err(error),
            }
        }
    };
    match answer {
        Ok(form) => desk.show(|caller| page(caller, &form)),
        Err(error) => desk.failed(&error),
    }
}

async fn sign_out(desk: Desk, session: Session) -> Response {
    match session.flush().await {
        Ok(()) => redirect("/sign-in", None),
        Err(error) => desk.failed(&Error::internal(error)),
    }
}

async fn show_setup(desk: Desk, Path(token): Path<String>) -> Response {
    let open = desk.services.auth.setup_open(&token).await;
    let open = open.and_then(|open| {
        if open {
            Ok(())
        } else {
            Err(Error::NotFound {
                what: "set-up link",
            })
        }
    });
    desk.answer(open, |caller, ()| {
        sign_in::setup(caller, &token, &Form::default())
    })
}

async fn setup(
    desk: Desk,
    Path(token): Path<String>,
    session: Session,
    posted: Posted,
) -> Response {
    let command = service::auth::FirstOwner {
        email: posted.get("email").to_owned(),
        name: posted.get("name").to_owned(),
        password: posted.get("password").to_owned(),
    };
    let origin = &desk.caller.origin;
    let user = desk.services.auth.set_up(&token, command, origin).await;
    let begun = match user {
        Ok(user) => desk.services.session.begin(&session, user, origin).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(()) => desk.done("You are the first owner. Next: create a tenant.", "/"),
        Err(error) => again(&desk, error, posted.into_form(), |c, form| {
            sign_in::setup(c, &token, form)
        }),
    }
}

async fn invited(desk: &Desk, token: &str) -> Result<sign_in::Invited, Error> {
    let found = desk.services.user.invitation(token).await?;
    Ok(sign_in::Invited {
        email: found.email,
        role: found.role.title().to_owned(),
        tenant: found.tenant_name,
        inviter: found.inviter,
        known: found.known,
    })
}

async fn show_invitation(desk: Desk, Path(token): Path<String>) -> Response {
    let found = invited(&desk, &token).await;
    desk.answer(found, |caller, found| {
        sign_in::invitation(caller, &token, &found, &Form::default())
    })
}

async fn accept(
    desk: Desk,
    Path(token): Path<String>,
    session: Session,
    posted: Posted,
) -> Response {
    let origin = &desk.caller.origin;
    let command = service::user::AcceptInvitation {
        name: posted.get("name").to_owned(),
        password: posted.get("password").to_owned(),
    };
    let user = desk.services.user.accept(&token, command, origin).await;
    let begun = match user {
        Ok(user) => desk.services.session.begin(&session, user, origin).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(()) => desk.done("Welcome. You are signed in.", "/"),
        Err(error) => match invited(&desk, &token).await {
            Ok(found) => again(&desk, error, posted.into_form(), |c, form| {
                sign_in::invitation(c, &token, &found, form)
            }),
            Err(_) => desk.failed(&error),
        },
    }
}

async fn theme(posted: Posted) -> Response {
    let theme = Theme::parse(posted.get("theme")).unwrap_or_default();
    let mut response = redirect(posted.get("next"), None);
    let cookie = format!(
        "theme={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax",
        theme.as_str()
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
