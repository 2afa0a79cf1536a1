//! From a token's row to what lists show and events carry. What a state waits for is always said: by
//! whoever carries it out, else by the proof under way, else in general words.

use model::event::Subject;
use model::token::{TokenState, TokenView, UNPROVEN_AFTER, UsageView};
use model::{Timestamp, TokenId};
use store::Tx;
use store::token::Token;

use crate::{Error, Result, event};

/// A token as it is shown at `now`.
#[must_use]
pub(crate) fn view(token: &Token, now: Timestamp) -> TokenView {
    TokenView {
        id: token.id,
        instance_id: token.instance_id.clone(),
        instance_name: token.instance_name.clone(),
        tenant_id: token.tenant_id,
        tenant_name: token.tenant_name.clone(),
        name: token.name.clone(),
        note: token.note.clone(),
        hint: token.hint.clone(),
        owner_id: token.owner_id,
        owner: token
            .owner_name
            .clone()
            .unwrap_or_else(|| token.tenant_name.clone()),
        state: token.state,
        since: token.since,
        reason: token.reason,
        waiting: waiting(token),
        unproven: token.state == TokenState::Revoking && now.since(token.since) >= UNPROVEN_AFTER,
        created_at: token.created_at,
        created_by: token.created_by.clone(),
        expires_at: token.expires_at,
        retires_at: token.retires_at,
        replaced_by: token.replaced_by,
        replaces: token.replaces,
        late_ms: token.late_ms,
        receipt: token.receipt.clone(),
        usage: token.usage_at.map(|as_of| UsageView {
            last_used_at: token.last_used_at,
            uses: token.uses,
            as_of,
        }),
    }
}

fn waiting(token: &Token) -> Option<String> {
    let said = token.waiting.clone();
    let proof = || {
        let progress = token.progress.as_ref();
        let of_now = progress.filter(|progress| progress.generation >= token.generation);
        of_now.and_then(model::enforcement::Progress::waiting)
    };
    let general = match token.state {
        TokenState::Active | TokenState::Revoked => return None,
        TokenState::Failed => return said,
        TokenState::Issuing if !token.written => "Secrets Manager is being given its key.",
        TokenState::Issuing => "Its key is on the way to the gateway.",
        TokenState::Revoking => "The gateway is being told to refuse it.",
    };
    Some(said.or_else(proof).unwrap_or_else(|| general.to_owned()))
}

/// Announces a token as it stands now in this transaction, and gives its row; late in a transaction,
/// after every other write.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub(crate) async fn announce(tx: &mut Tx, id: TokenId, now: Timestamp) -> Result<Token> {
    let found = store::token::by_id_in(tx, id).await?;
    let found = found.ok_or(Error::NotFound { what: super::WHAT })?;
    let data = serde_json::to_value(view(&found, now)).map_err(Error::internal)?;
    let tenant = Some(found.tenant_id);
    event::append(tx, now, Subject::Token, &id.to_string(), tenant, &data).await?;
    Ok(found)
}
