//! Changing what is noted of a token: its name, what it is for, and who answers for it. Whom it opens
//! the door for does not change by that.

use model::token::TokenView;
use model::{Actor, Authorised, TokenId, may};
use serde_json::json;
use store::token::Token;

use super::issue::name_taken;
use super::view::{announce, view};
use super::{ChangeToken, TokenService, WHAT};
use crate::audit::Entry;
use crate::error::Fields;
use crate::{Error, Origin, Result, audit};

impl TokenService {
    /// Changes what is noted of a token.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `name`, `note` or `owner`; [`Error::Conflict`] `name_taken`;
    /// [`Error::NotFound`].
    pub async fn change(
        &self,
        actor: &Actor,
        id: TokenId,
        command: ChangeToken,
        origin: &Origin,
    ) -> Result<TokenView> {
        const ACTION: &str = "token.change";
        let found = self.find(actor, id).await?;
        let tenant = found.tenant_id;
        let may: Authorised<may::IssueToken> = self
            .context
            .allow(actor, Some(tenant), WHAT, ACTION, origin)
            .await?;
        let name = command.name.as_deref().unwrap_or(&found.name);
        let note = command.note.as_deref().unwrap_or(&found.note);
        // Somebody who left the tenant may stay as they were noted, but is not chosen anew.
        let chosen = command.owner.filter(|owner| *owner != found.owner_id);
        let mut fields = Fields::default();
        let noted = self
            .noted(&mut fields, tenant, name, note, chosen.flatten())
            .await?;
        let noted = match noted {
            Some(noted) => fields.done().map(|()| noted)?,
            None => return Err(fields.into_error()),
        };
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        store::instance::lock(&mut tx, &found.instance_id).await?;
        let before = store::token::by_id_in(&mut tx, id).await?;
        let before = before.ok_or(Error::NotFound { what: WHAT })?;
        let owner = chosen.unwrap_or(before.owner_id);
        let written =
            store::token::change(&mut tx, &may, id, &noted.name, &noted.note, owner).await;
        match written {
            Err(error) if error.is_taken() => return Err(name_taken(&noted.name)),
            other => other?,
        };
        let after = store::token::by_id_in(&mut tx, id).await?;
        let after = after.ok_or(Error::NotFound { what: WHAT })?;
        if after == before {
            return Ok(view(&before, now));
        }
        let entry = Entry::new(may.actor(), origin, ACTION)
            .of(Some(tenant))
            .about(WHAT, id)
            .summary(format!(
                "Changed what is noted of the token {} of {}.",
                after.name, after.instance_name
            ))
            .change(&noted_of(&before), &noted_of(&after));
        audit::append(&mut tx, now, entry).await?;
        announce(&mut tx, id, now).await?;
        tx.commit().await?;
        Ok(view(&after, now))
    }
}

fn noted_of(token: &Token) -> serde_json::Value {
    json!({"name": token.name, "note": token.note, "owner": token.owner_id})
}
