//! What a form sent, taken apart without trusting it: bounded, decoded, and refused as a whole when it
//! is no UTF-8.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::desk::Desk;
use crate::ui::form::Form;

/// The most bytes of a form: an overrides document with room to spare.
const MOST: usize = 256 * 1024;

/// The fields of a posted form.
pub struct Posted(Vec<(String, String)>);

impl Posted {
    /// The first value of a field, or nothing.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// A value that may be left out.
    pub fn optional(&self, name: &str) -> Option<String> {
        let value = self.get(name).trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// All values of a field that can be chosen several times.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// The form as it was sent, to be shown again.
    pub fn into_form(self) -> Form {
        Form::sent(self.0)
    }
}

/// Reads pairs from a query or a body; none when it is not UTF-8.
pub fn pairs(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(bytes)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    // The parser puts this mark where something was not UTF-8; no field of ours needs it.
    let broken = pairs
        .iter()
        .any(|(key, value)| key.contains('\u{FFFD}') || value.contains('\u{FFFD}'));
    (!broken).then_some(pairs)
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let desk =
            <Desk as axum::extract::FromRequestParts<S>>::from_request_parts(&mut parts, state)
                .await
                .map_err(IntoResponse::into_response)?;
        let (caller, short) = (desk.caller, "The form was not taken");
        let refuse = |status: StatusCode, text: &str| {
            super::desk::problem(&caller, status, short, text.to_owned())
        };
        let size = "It is larger than 256 KiB. Shorten what you typed.";
        let bytes = axum::body::to_bytes(body, MOST)
            .await
            .map_err(|_| refuse(StatusCode::PAYLOAD_TOO_LARGE, size))?;
        let bytes: Bytes = bytes;
        let unreadable = "Its text is not UTF-8. Type it again.";
        pairs(&bytes)
            .map(Self)
            .ok_or_else(|| refuse(StatusCode::BAD_REQUEST, unreadable))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_broken_ones_refused() {
        let read = pairs(b"a=1&a=%C3%A9+2&b=").map(Posted);
        let read = read.unwrap();
        assert_eq!((read.get("a"), read.get("b"), read.get("c")), ("1", "", ""));
        assert_eq!(read.all("a"), ["1", "é 2"]);
        assert_eq!(read.optional("b"), None);
        assert!(pairs(b"a=%FF").is_none());
    }
}
