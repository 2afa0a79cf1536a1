//! A form whose answer shows a secret is carried out once for each time it was shown: sending it again
//! (by reload, or back and send) leads to what it made the first time, without the secret.

use std::fmt::Write as _;
use std::future::Future;

use axum::response::Response;
use model::TokenId;
use model::secret_text::TokenHash;
use service::Error;
use service::idempotency::{Begun, IdempotencyKey, Ticket};

use super::desk::Desk;
use super::posted::Posted;

/// The right to carry out a form, which only the first sender of it gets.
pub struct Once(Option<Ticket>);

impl Once {
    /// A name for one showing of a form.
    pub fn draw(desk: &Desk) -> String {
        let mut bytes = [0; 16];
        desk.services.context.entropy.fill(&mut bytes);
        bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Takes the right, or answers the one who comes after.
    pub async fn begin(
        desk: &Desk,
        route: &str,
        thing: &str,
        posted: &Posted,
    ) -> Result<Self, Response> {
        let actor = &desk.caller.actor;
        let Some(key) = posted
            .optional("once")
            .filter(|_| *actor != model::Actor::Anonymous)
        else {
            // A form that was written by hand is on its own; a stranger is refused by the service.
            return Ok(Self(None));
        };
        let key = IdempotencyKey {
            actor: actor.reference().key(),
            route: format!("{route} by form"),
            key,
            body_hash: TokenHash::of(thing.as_bytes()).as_str().to_owned(),
        };
        match desk.services.idempotency.begin(key).await {
            Ok(Begun::Fresh(ticket)) => Ok(Self(Some(ticket))),
            Ok(Begun::Replay { body, .. }) => {
                let text = "This form was sent before: the token was issued then, and its text was shown once. Revoke it and issue another one if the text was lost.";
                Err(Desk::not_done(text, &format!("/tokens/{body}")))
            }
            Ok(Begun::Running) => Err(desk.failed(&Error::conflict(
                "still_running",
                "This form was sent a moment ago and is still being carried out. Look at the list of tokens.",
            ))),
            Ok(Begun::AnswerLost { .. }) => Err(desk.failed(&Error::conflict(
                "answer_lost",
                "This form was carried out before, but the server stopped before it could show the text. Look at the list of tokens, and revoke the one whose text nobody has.",
            ))),
            Ok(Begun::OtherBody) => Err(desk.failed(&Error::conflict(
                "form_reused",
                "This form was sent for something else before. Open it again.",
            ))),
            Err(error) => Err(desk.failed(&error)),
        }
    }

    /// Carries the form out under the right, and notes what it made; a refused one may be sent again.
    pub async fn carry_out<T>(
        self,
        desk: &Desk,
        work: impl Future<Output = Result<T, Error>>,
        made: impl FnOnce(&T) -> TokenId,
    ) -> Result<T, Error> {
        let Some(ticket) = self.0 else {
            return work.await;
        };
        let keys = &desk.services.idempotency;
        let done = keys.within(&ticket, work).await;
        let noted = match &done {
            Ok(value) => keys.finish(ticket, 201, &made(value).to_string()).await,
            Err(_) => keys.abandon(ticket).await,
        };
        if let Err(error) = noted {
            // The token is there and its text must be shown; the key runs out by itself.
            tracing::warn!(error = %error, "the end of a form could not be noted");
        }
        done
    }
}
