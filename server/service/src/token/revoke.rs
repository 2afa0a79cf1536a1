//! Revoking: one token, or all of an instance, a tenant or an owner. However many end at once, the gate
//! of their instance moves once, and from that generation on it refuses all of them.

use model::token::{EndReason, TokenState, TokenView};
use model::{Actor, Authorised, InstanceId, TenantId, Timestamp, TokenId, UserId, may};
use serde_json::json;
use store::Tx;
use store::gate::GateProof;
use store::token::{End, Token, TokenProof};

use super::scan::redact;
use super::view::{announce, view};
use super::{RevokeAll, RevokeToken, TokenService, WHAT};
use crate::audit::{Entry, Why};
use crate::{Error, Origin, Result, audit};

/// Longest note in the trail, in characters.
const NOTE: usize = 200;

/// What ends together on one instance, and how.
pub(crate) struct Ending<'a> {
    /// The instance, locked by this transaction.
    pub instance: &'a InstanceId,
    /// Open tokens of it, as this transaction read them.
    pub tokens: &'a [Token],
    /// Why, and how late, each of them.
    pub how: &'a (dyn Fn(&Token) -> (EndReason, Option<u64>) + Sync),
    /// Now.
    pub now: Timestamp,
}

/// Moves the gate of an instance once and begins to end those tokens; gives the generation that refuses
/// them.
///
/// # Errors
/// When the database fails.
pub(crate) async fn end<P: GateProof + TokenProof>(
    tx: &mut Tx,
    proof: &P,
    ending: Ending<'_>,
) -> Result<i64> {
    let Ending {
        instance,
        tokens,
        how,
        now,
    } = ending;
    let generation = store::gate::bump(tx, proof, instance, now).await?;
    for token in tokens {
        let (reason, late_ms) = how(token);
        let how = End {
            reason,
            generation,
            late_ms,
            at: now,
        };
        store::token::end(tx, proof, token.id, how).await?;
    }
    for token in tokens {
        // A successor that never arrived takes nobody's place.
        if let Some(before) = token
            .replaces
            .filter(|_| token.state == TokenState::Issuing)
            && store::token::restore(tx, proof, before).await?
        {
            announce(tx, before, now).await?;
        }
    }
    Ok(generation)
}

impl TokenService {
    /// Begins to revoke a token: from the next generation of the gate on it is refused, and it counts
    /// as revoked once every worker of the gateway has shown that. One that has ended, or ends already,
    /// stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] on `reason`.
    pub async fn revoke(
        &self,
        actor: &Actor,
        id: TokenId,
        command: RevokeToken,
        origin: &Origin,
    ) -> Result<TokenView> {
        let reason = command.reason;
        if !matches!(reason, EndReason::Revoked | EndReason::Leaked) {
            return Err(Error::invalid("reason", "Say revoked or leaked."));
        }
        let note = said(&command.note);
        self.end_one(actor, id, reason, &note, origin, "token.revoke")
            .await
    }

    /// Ends one token for that reason.
    pub(super) async fn end_one(
        &self,
        actor: &Actor,
        id: TokenId,
        reason: EndReason,
        note: &str,
        origin: &Origin,
        action: &'static str,
    ) -> Result<TokenView> {
        let found = self.find(actor, id).await?;
        let may: Authorised<may::RevokeToken> = self
            .context
            .allow(actor, Some(found.tenant_id), WHAT, action, origin)
            .await?;
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        store::instance::lock(&mut tx, &found.instance_id).await?;
        let token = store::token::by_id_in(&mut tx, id).await?;
        let token = token.ok_or(Error::NotFound { what: WHAT })?;
        if !token.state.is_open() {
            return Ok(view(&token, now));
        }
        let ending = Ending {
            instance: &found.instance_id,
            tokens: std::slice::from_ref(&token),
            how: &|_| (reason, None),
            now,
        };
        end(&mut tx, &may, ending).await?;
        let entry = Entry::new(may.actor(), origin, action)
            .of(Some(token.tenant_id))
            .about(WHAT, id)
            .why(&Why::reason(reason))
            .summary(format!(
                "Revokes the token {} ({}) of {} ({reason}).{note}",
                token.name, token.hint, token.instance_name
            ))
            .change(
                &shown(&token, token.state),
                &shown(&token, TokenState::Revoking),
            );
        audit::append(&mut tx, now, entry).await?;
        let ended = announce(&mut tx, id, now).await?;
        tx.commit().await?;
        Ok(view(&ended, now))
    }

    /// Begins to revoke all open tokens of an instance, of a tenant, or of an owner; gives those that
    /// end by it.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Forbidden`]. When the database fails in between, the instances
    /// before that one are done; asking again goes on.
    pub async fn revoke_all(
        &self,
        actor: &Actor,
        which: RevokeAll,
        origin: &Origin,
    ) -> Result<Vec<TokenView>> {
        const ACTION: &str = "token.revoke_all";
        let (tenant, owner, instances) = match &which {
            RevokeAll::Instance(id) => {
                let found = self.find_instance(actor, id).await?;
                (found.tenant_id, None, vec![id.clone()])
            }
            RevokeAll::Tenant(tenant) => (*tenant, None, Vec::new()),
            RevokeAll::Owner(tenant, owner) => (*tenant, Some(*owner), Vec::new()),
        };
        let may: Authorised<may::RevokeToken> = self
            .context
            .allow(actor, Some(tenant), "tenant", ACTION, origin)
            .await?;
        let instances = if matches!(which, RevokeAll::Instance(_)) {
            instances
        } else {
            self.instances_of(tenant, owner).await?
        };
        let mut ended = Vec::new();
        for instance in instances {
            ended.extend(self.end_all(&may, &instance, owner, origin).await?);
        }
        Ok(ended)
    }

    async fn instances_of(
        &self,
        tenant: TenantId,
        owner: Option<UserId>,
    ) -> Result<Vec<InstanceId>> {
        let db = &self.context.db;
        if store::tenant::by_id(db, tenant).await?.is_none() {
            return Err(Error::NotFound { what: "tenant" });
        }
        Ok(store::token::instances_with_open(db, tenant, owner).await?)
    }

    async fn end_all(
        &self,
        may: &Authorised<may::RevokeToken>,
        instance: &InstanceId,
        owner: Option<UserId>,
        origin: &Origin,
    ) -> Result<Vec<TokenView>> {
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        store::instance::lock(&mut tx, instance).await?;
        let mut tokens = store::token::open_of(&mut tx, instance).await?;
        tokens.retain(|token| owner.is_none() || token.owner_id == owner);
        let Some(first) = tokens.first() else {
            return Ok(Vec::new());
        };
        let mut names: Vec<&str> = tokens.iter().map(|token| token.name.as_str()).collect();
        names.sort_unstable();
        let whose = match &first.owner_name {
            Some(name) if owner.is_some() => format!(" that {name} answers for"),
            _ => String::new(),
        };
        let entry = Entry::new(may.actor(), origin, "token.revoke_all")
            .of(Some(first.tenant_id))
            .about("instance", instance)
            .summary(format!(
                "Revokes every open token of {}{whose}: {}.",
                first.instance_name,
                names.join(", ")
            ))
            .change(
                &json!(
                    tokens
                        .iter()
                        .map(|it| shown(it, it.state))
                        .collect::<Vec<_>>()
                ),
                &json!({"state": TokenState::Revoking, "reason": EndReason::Revoked}),
            );
        let ending = Ending {
            instance,
            tokens: &tokens,
            how: &|_| (EndReason::Revoked, None),
            now,
        };
        end(&mut tx, may, ending).await?;
        audit::append(&mut tx, now, entry).await?;
        let mut ended = Vec::new();
        for token in &tokens {
            ended.push(view(&announce(&mut tx, token.id, now).await?, now));
        }
        tx.commit().await?;
        Ok(ended)
    }
}

/// What somebody wrote beside it, as it may be kept: one line, bounded, without any token.
pub(super) fn said(note: &str) -> String {
    let line: Vec<&str> = note.split_whitespace().collect();
    if line.is_empty() {
        return String::new();
    }
    let text: String = redact(&line.join(" ")).chars().take(NOTE).collect();
    format!(" {text}")
}

/// What the trail keeps of a token that ends.
pub(super) fn shown(token: &Token, state: TokenState) -> serde_json::Value {
    json!({"id": token.id, "name": token.name, "hint": token.hint, "owner": token.owner_id,
        "expires_at": token.expires_at, "state": state})
}
