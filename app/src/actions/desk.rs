//! What every handler works with: who asks and the services, and the few ways to answer. Errors have
//! one way onto the screen, here.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use leptos::prelude::{InnerHtmlAttribute, IntoAny, view};
use model::TenantId;
use model::permission::Permission;
use service::{Error, Services};

use super::posted::Posted;

use crate::context::{Caller, FLASH_SHOWN, Flash, NoCaller, flash_cookie};
use crate::frame::document;
use crate::pages::{Nav, Page, failure};
use crate::ui::form::Form;

/// Who asks, and the services.
pub struct Desk {
    /// Who asks.
    pub caller: Caller,
    /// The use cases.
    pub services: Arc<Services>,
    /// Whether the request only reads.
    reads: bool,
    /// Whether a dialog asks, which goes on by itself once it has succeeded.
    in_dialog: bool,
}

/// Header by which a dialog says that it is one, and by which it is told where to go on.
const IN_DIALOG: &str = "x-in-dialog";
const GO_ON: &str = "x-go-on";

impl<S: Send + Sync> FromRequestParts<S> for Desk {
    type Rejection = NoCaller;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NoCaller> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let services = parts
            .extensions
            .get::<Arc<Services>>()
            .cloned()
            .ok_or(NoCaller)?;
        let in_dialog = parts.headers.contains_key(IN_DIALOG);
        Ok(Self {
            caller,
            services,
            reads: parts.method == Method::GET,
            in_dialog,
        })
    }
}

impl Desk {
    /// Shows what was loaded, or why it could not be.
    pub fn answer<T>(
        &self,
        loaded: Result<T, Error>,
        page: impl FnOnce(&Caller, T) -> Page,
    ) -> Response {
        match loaded {
            Ok(loaded) => self.show(|caller| page(caller, loaded)),
            Err(error) => self.failed(&error),
        }
    }

    /// Shows a page.
    pub fn show(&self, page: impl FnOnce(&Caller) -> Page) -> Response {
        html(&self.caller, |caller| {
            let mut page = page(caller);
            if !self.reads && page.lives_at.is_empty() {
                // The address that a form is sent to shows nothing to whoever only asks for it.
                page.live.clear();
            }
            page
        })
    }

    /// Goes on to another page, which says what was done.
    pub fn done(&self, text: impl Into<String>, to: &str) -> Response {
        let mut response = redirect(
            to,
            Some(&Flash {
                refused: false,
                text: text.into(),
            }),
        );
        if self.in_dialog
            && let Some(location) = response.headers_mut().remove(LOCATION)
        {
            // Were it redirected, the dialog would fetch the page and use up the sentence on it.
            response.headers_mut().insert(GO_ON, location);
            *response.status_mut() = StatusCode::OK;
        }
        response
    }

    /// Goes on to another page, which says why something was not done.
    pub fn not_done(text: impl Into<String>, to: &str) -> Response {
        redirect(
            to,
            Some(&Flash {
                refused: true,
                text: text.into(),
            }),
        )
    }

    /// Puts what is wrong into the form.
    ///
    /// # Errors
    /// Gives the error back when it is not about what was typed.
    pub fn refused(error: Error, mut form: Form) -> Result<Form, Error> {
        match error {
            Error::Invalid(fields) => {
                for field in fields {
                    form.refuse(field.field, field.message);
                }
                Ok(form)
            }
            Error::Conflict { detail, code } => {
                let field = match code {
                    "name_taken" => "name",
                    "email_taken" => "email",
                    _ => "",
                };
                form.refuse(field, detail);
                Ok(form)
            }
            Error::Limited { detail, .. } => {
                form.refuse("", detail);
                Ok(form)
            }
            other => Err(other),
        }
    }

    /// Shows a form again with what is wrong, or the error page.
    pub fn again(
        &self,
        error: Error,
        posted: Posted,
        page: impl FnOnce(&Caller, &Form) -> Page,
    ) -> Response {
        match Self::refused(error, posted.into_form()) {
            Ok(form) => self.show(|caller| page(caller, &form)),
            Err(error) => self.failed(&error),
        }
    }

    /// The same within one tenant, whose things the caller may see.
    pub fn allowed_in(&self, permission: Permission, tenant: TenantId) -> Result<(), Error> {
        self.allowed_if(self.caller.may(permission, Some(tenant)))
    }

    /// Whether to show a form at all: the services decide again when it is sent.
    pub fn allowed(&self, permission: Permission) -> Result<(), Error> {
        self.allowed_if(self.caller.may(permission, None))
    }

    fn allowed_if(&self, may: bool) -> Result<(), Error> {
        if may {
            return Ok(());
        }
        let detail = if self.caller.me.is_some() {
            "Your role does not allow this."
        } else {
            "Sign in first."
        };
        Err(if self.caller.me.is_some() {
            Error::Forbidden {
                detail: detail.to_owned(),
            }
        } else {
            Error::Unauthenticated {
                detail: detail.to_owned(),
            }
        })
    }

    /// Answers a form without fields of its own: refusals go back to the page it stood on.
    pub fn outcome<T>(
        &self,
        done: Result<T, Error>,
        text: impl FnOnce(T) -> String,
        to: &str,
    ) -> Response {
        match done {
            Ok(value) => self.done(text(value), to),
            Err(error @ (Error::Invalid(_) | Error::Conflict { .. } | Error::Forbidden { .. })) => {
                Self::not_done(error.public(), to)
            }
            Err(error) => self.failed(&error),
        }
    }

    /// The error page, or the way to sign in.
    pub fn failed(&self, error: &Error) -> Response {
        if matches!(error, Error::Unauthenticated { .. }) && self.caller.me.is_none() {
            let next = if self.reads {
                self.caller.location.as_str()
            } else {
                "/"
            };
            return redirect(
                &crate::ui::list::address(
                    "/sign-in",
                    &[("next".to_owned(), next.to_owned())],
                    None,
                ),
                None,
            );
        }
        error_page(&self.caller, error)
    }
}

/// The error page for an error of the services. The log gets what the person does not.
pub fn error_page(caller: &Caller, error: &Error) -> Response {
    let (status, title) = match error {
        Error::NotFound { .. } => (StatusCode::NOT_FOUND, "Not found"),
        Error::Conflict { .. } => (StatusCode::CONFLICT, "Not possible now"),
        Error::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "Not accepted"),
        Error::Forbidden { .. } => (StatusCode::FORBIDDEN, "Not allowed"),
        Error::Unauthenticated { .. } => (StatusCode::UNAUTHORIZED, "Sign in first"),
        Error::Limited { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too often"),
        Error::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "Not available"),
        Error::Internal { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong"),
    };
    if let Error::Internal { source } = error {
        tracing::error!(error = %source, page = %caller.location, "a page could not be served");
    }
    let mut response = problem(caller, status, title, error.public());
    if let Some(after) = error.retry_after() {
        let seconds = after.as_secs().max(1);
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The error page with its own words.
pub fn problem(caller: &Caller, status: StatusCode, title: &'static str, text: String) -> Response {
    html(caller, |caller| {
        failure::page(caller, status.as_u16(), title, text)
    })
}

/// Puts what another part of this server wrote into the frame. `content` is HTML that it made itself,
/// never anything that was sent to it.
pub fn in_frame(caller: &Caller, status: u16, title: &str, content: String) -> Response {
    html(caller, |_| {
        let body = view! { <div inner_html=content></div> };
        let mut page = Page::new(Nav::Sandbox, title, body.into_any());
        page.status = status;
        page
    })
}

/// There is no such page.
pub async fn nowhere(desk: Desk) -> Response {
    problem(
        &desk.caller,
        StatusCode::NOT_FOUND,
        "Not found",
        "There is no such page.".to_owned(),
    )
}

fn html(caller: &Caller, page: impl FnOnce(&Caller) -> Page) -> Response {
    let (status, text) = document(caller, page);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    // What one person may see must not be kept for the next one.
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    let mut response = (status, headers, text).into_response();
    if caller.flash.is_some() {
        response
            .headers_mut()
            .append(SET_COOKIE, HeaderValue::from_static(FLASH_SHOWN));
    }
    response
}

/// A redirect that a browser follows with GET.
pub fn redirect(to: &str, flash: Option<&Flash>) -> Response {
    // Only ever our own addresses: anything else would send people away.
    let to = if local(to) { to } else { "/" };
    let location = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = flash.and_then(|flash| HeaderValue::from_str(&flash_cookie(flash)).ok()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Whether an address leads to this server.
pub fn local(to: &str) -> bool {
    to.starts_with('/')
        && !to.starts_with("//")
        && !to.contains('\\')
        && !to.contains(char::is_control)
}

/// Reads an id from a path; what is none names nothing.
pub fn id<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::NotFound { what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_here() {
        for (to, lands) in [
            ("/instances?a=b", "/instances?a=b"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\r\nset-cookie: b", "/"),
            ("", "/"),
        ] {
            assert_eq!(
                redirect(to, None).headers().get(LOCATION).unwrap(),
                lands,
                "{to}"
            );
        }
    }

    #[test]
    fn what_was_typed_wrong_goes_into_the_form_and_the_rest_does_not() {
        let form = Desk::refused(Error::invalid("name", "Enter a name."), Form::default()).unwrap();
        assert_eq!(form.error("name"), Some("Enter a name."));
        let form = Desk::refused(Error::conflict("name_taken", "Taken."), Form::default()).unwrap();
        assert_eq!(form.error("name"), Some("Taken."));
        assert!(Desk::refused(Error::NotFound { what: "tenant" }, Form::default()).is_err());
    }
}
