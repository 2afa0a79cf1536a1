//! Tokens of instances as the API shows them. The text of one is in the answer that issued it and
//! nowhere else.

pub mod change;
pub mod issue;
pub mod list;
pub mod list_of_instance;
pub mod policy;
pub mod read;
pub mod retire;
pub mod revoke;
pub mod revoke_all;
pub mod revoke_all_of_tenant;
pub mod rotate;
pub mod set_policy;
mod shape;

use service::token::IssuedToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::shape::{
    Latency, Progress, Receipt, ReplicaProgress, Revoked, Token, TokenDetail, Usage,
};
use crate::http::answer::CreatedSecret;
use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(list_of_instance::list, issue::issue))
        .routes(routes!(revoke_all::revoke_all))
        .routes(routes!(revoke_all_of_tenant::revoke_all))
        .routes(routes!(read::read, change::change, revoke::revoke))
        .routes(routes!(rotate::rotate))
        .routes(routes!(retire::retire))
        .routes(routes!(policy::read, set_policy::set))
}

/// Said where the text was and is not any more.
const OMITTED: &str = "The text is shown once, in the first answer. Revoke this token and issue another one if it was lost.";

/// The one answer with the text, and what a repeated request gets.
fn issued(made: IssuedToken) -> CreatedSecret<shape::IssuedToken> {
    let token = Token::from(made.view);
    let answer = |text: Option<String>| shape::IssuedToken {
        token: token.clone(),
        url: made.url.clone(),
        token_omitted: text.is_none().then_some(OMITTED),
        text,
    };
    CreatedSecret {
        location: format!("/api/v1/tokens/{}", token.id),
        remembered: answer(None),
        body: answer(Some(made.token.expose().to_owned())),
    }
}
