//! Rotating: a new token takes the place and the name of an old one, and both live for the overlap.
//! The old one is never retired before the new one has arrived, unless somebody says so, and lives on
//! when the new one comes to nothing.

use model::name::TokenName;
use model::token::{EndReason, LONGEST_OVERLAP, TokenState, TokenView, USUAL_OVERLAP};
use model::{Actor, Authorised, TokenId, may};
use serde_json::json;
use store::token::Token;

use super::issue::{Noted, days, written};
use super::view::announce;
use super::{IssuedToken, RotateToken, TokenService, WHAT};
use crate::audit::Entry;
use crate::error::Fields;
use crate::{Error, Origin, Result, audit};

impl TokenService {
    /// Issues a token in the place of another one, which is retired after the overlap by itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `overlap` or `days`; [`Error::Conflict`] `not_open` or `already_rotated`,
    /// and as [`TokenService::issue`].
    pub async fn rotate(
        &self,
        actor: &Actor,
        id: TokenId,
        command: RotateToken,
        origin: &Origin,
    ) -> Result<IssuedToken> {
        const ACTION: &str = "token.rotate";
        let old = self.find(actor, id).await?;
        let tenant = old.tenant_id;
        let may: Authorised<may::IssueToken> = self
            .context
            .allow(actor, Some(tenant), WHAT, ACTION, origin)
            .await?;
        let overlap = command.overlap.unwrap_or(USUAL_OVERLAP);
        let policy = self.effective(tenant).await?;
        let mut fields = Fields::default();
        if overlap > LONGEST_OVERLAP {
            fields.add("overlap", "Use an overlap of at most 30 days.");
        }
        let days = days(&mut fields, command.days, policy);
        fields.done()?;
        let mut tx = self.context.db.begin().await?;
        let instance = self.locked(&mut tx, &old.instance_id).await?;
        let aim = self.aim(&mut tx, &instance).await?;
        let old = store::token::by_id_in(&mut tx, id).await?;
        let old = old.ok_or(Error::NotFound { what: WHAT })?;
        self.rotatable(&mut tx, &old).await?;
        let noted = Noted {
            name: TokenName::parse(&old.name).map_err(Error::internal)?,
            note: old.note.clone(),
            owner: old.owner_id,
        };
        let draft = self.draft(&instance.id, tenant, noted, days, Some(id));
        let retires_at = draft.at + overlap;
        // First, since the old one gives its name up by it.
        store::token::retire_at(&mut tx, &may, &old, retires_at).await?;
        self.begin(&mut tx, &may, &draft).await?;
        let entry = Entry::new(may.actor(), origin, ACTION)
            .of(Some(tenant))
            .about(WHAT, id)
            .summary(format!(
                "Rotates the token {} of {}: {} takes the place of {}, which is retired at {}.",
                old.name,
                old.instance_name,
                draft.token.hint(),
                old.hint,
                retires_at.min(old.expires_at).to_minute()
            ))
            .change(&json!({"id": old.id, "hint": old.hint}), &written(&draft));
        audit::append(&mut tx, draft.at, entry).await?;
        announce(&mut tx, id, draft.at).await?;
        announce(&mut tx, draft.id, draft.at).await?;
        tx.commit().await?;
        self.carry(&may, draft, aim, origin, ACTION).await
    }

    /// Refuses to rotate what is not open, or what an open token replaces already.
    async fn rotatable(&self, tx: &mut store::Tx, old: &Token) -> Result<()> {
        if !old.state.is_open() {
            return Err(Error::conflict(
                "not_open",
                format!(
                    "This token is {}; only an open one can be rotated.",
                    old.state
                ),
            ));
        }
        let Some(next) = old.replaced_by else {
            return Ok(());
        };
        let next = store::token::by_id_in(tx, next).await?;
        match next {
            Some(next) if next.state.is_open() => Err(Error::conflict(
                "already_rotated",
                format!(
                    "This token was rotated; {} has its place. Rotate that one, or retire this one now.",
                    next.hint
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Begins to end a rotated token now instead of at the end of its overlap.
    ///
    /// # Errors
    /// [`Error::Conflict`] `not_rotated` when nothing takes its place; [`Error::NotFound`].
    pub async fn retire(&self, actor: &Actor, id: TokenId, origin: &Origin) -> Result<TokenView> {
        let found = self.find(actor, id).await?;
        if found.state.is_open() && found.retires_at.is_none() {
            return Err(Error::conflict(
                "not_rotated",
                "Nothing takes the place of this token yet. Rotate it first, or revoke it.",
            ));
        }
        if matches!(found.state, TokenState::Failed) {
            return Err(Error::conflict(
                "not_open",
                "This token never came into being.",
            ));
        }
        self.end_one(actor, id, EndReason::Rotated, "", origin, "token.retire")
            .await
    }
}
