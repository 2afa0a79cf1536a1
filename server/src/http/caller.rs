//! Who asks. An access token decides where there is one, even beside a cookie, and one that is wrong
//! is refused rather than overlooked; tokens count for the API only, so that their scopes cannot be
//! gone round by a page. Else the session decides.

use std::fmt;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::Actor;
use model::secret_text::PlainToken;
use service::{Origin, Services};
use tower_sessions::Session;

use super::problem::Problem;
use super::state::AppState;

/// What the caller proved who they are with; kept for as long as a stream stays open, so that it can
/// be asked again. Has no plain `Debug`.
#[derive(Clone)]
pub enum Credential {
    /// Nothing.
    None,
    /// A session's cookie.
    Session(tower_sessions::session::Id),
    /// An access token.
    Token(PlainToken),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Session(_) => "Session(..)",
            Self::Token(_) => "Token(..)",
        })
    }
}

impl Credential {
    /// Whom it still stands for, asked without counting as a use of it; nobody when it was revoked or
    /// has ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn still(&self, services: &Services) -> service::Result<Actor> {
        match self {
            Self::Session(id) => {
                let found = services.session.still(id).await?;
                Ok(found.unwrap_or(Actor::Anonymous))
            }
            _ => self.actor(services).await,
        }
    }

    /// Whom it stands for at this moment; nobody when it was revoked or has ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn actor(&self, services: &Services) -> service::Result<Actor> {
        let found = match self {
            Self::None => None,
            Self::Session(id) => services.session.caller(id).await?,
            Self::Token(token) => services.access_token.authenticate(token.expose()).await?,
        };
        Ok(found.unwrap_or(Actor::Anonymous))
    }
}

/// Who asks, from where. As an extractor it refuses whoever has not said who they are.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// With what.
    pub credential: Credential,
    /// From where.
    pub origin: Origin,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(Problem::internal)?;
        if caller.actor == Actor::Anonymous {
            return Err(Problem::unauthenticated(
                "Sign in first, or send an access token: Authorization: Bearer hiat_….",
            ));
        }
        Ok(caller)
    }
}

/// The text of a bearer token, where the path takes one. Something that cannot be read as text is a
/// token too, and a wrong one.
#[must_use]
pub fn bearer_text<'a>(path: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    if !path.starts_with("/api/") {
        return None;
    }
    headers.get_all(AUTHORIZATION).iter().find_map(|value| {
        let Ok(text) = value.to_str() else {
            return Some("");
        };
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
    })
}

/// The layer: puts the [`Caller`] beside the request.
pub async fn layer(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let found = match present(&request) {
        Ok(found) => identify(&state, found).await,
        Err(problem) => Err(problem),
    };
    match found {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// What the request brings to prove who asks.
fn present(request: &Request) -> Result<(Credential, Origin), Problem> {
    let extensions = request.extensions();
    let origin = extensions
        .get::<Origin>()
        .cloned()
        .ok_or_else(Problem::internal)?;
    let credential = if let Some(text) = bearer_text(request.uri().path(), request.headers()) {
        Credential::Token(PlainToken::parse_access(text).ok_or_else(wrong_token)?)
    } else {
        let session = extensions.get::<Session>().and_then(Session::id);
        session.map_or(Credential::None, Credential::Session)
    };
    Ok((credential, origin))
}

async fn identify(
    state: &AppState,
    (credential, origin): (Credential, Origin),
) -> Result<Caller, Problem> {
    let actor = credential.actor(&state.services).await?;
    if matches!(credential, Credential::Token(_)) && actor == Actor::Anonymous {
        return Err(wrong_token());
    }
    Ok(Caller {
        actor,
        credential,
        origin,
    })
}

fn wrong_token() -> Problem {
    Problem::unauthenticated(
        "This access token is not valid: it is mistyped, revoked or expired. Make a new one in \
         the console.",
    )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn bearer(path: &str, value: &'static [u8]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        bearer_text(path, &headers).map(str::to_owned)
    }

    #[test]
    fn tokens_count_for_the_api_only() {
        assert_eq!(bearer("/api/v1/me", b"Bearer abc").as_deref(), Some("abc"));
        assert_eq!(bearer("/api/v1/me", b"bearer  abc").as_deref(), Some("abc"));
        assert_eq!(bearer("/tenants", b"Bearer abc"), None);
    }

    #[test]
    fn an_empty_or_unreadable_token_is_a_wrong_one() {
        assert_eq!(bearer("/api/v1/me", b"Bearer").as_deref(), Some(""));
        assert_eq!(bearer("/api/v1/me", b"Bearer \xff").as_deref(), Some(""));
        assert_eq!(bearer("/api/v1/me", b"Basic abc"), None);
    }

    #[test]
    fn a_credential_does_not_show_itself() {
        let id = tower_sessions::session::Id(7);
        assert_eq!(format!("{:?}", Credential::Session(id)), "Session(..)");
    }
}
