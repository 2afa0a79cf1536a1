//! Query parameters. Unknown ones are refused: a misspelt filter would otherwise list everything.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::misfit;
use crate::http::problem::Problem;

/// The parameters behind the question mark.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let parsed = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        let axum::extract::Query(value) = parsed.map_err(|rejection| {
            let text = rejection.body_text();
            let said = text
                .strip_prefix("Failed to deserialize query string: ")
                .unwrap_or(&text);
            match said.split_once(": ") {
                Some((path, rest)) if !path.contains(' ') => misfit(path, rest),
                _ => misfit("query", said),
            }
        })?;
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Problem::field(
                "query",
                "Text cannot contain the character NUL.",
            ));
        }
        Ok(Self(value))
    }
}
