//! Issuing: the row first, so that a crash leaves something to clean up from; then Secrets Manager,
//! inside the request, since the text lives nowhere else; then the gate. Whatever goes wrong, nothing
//! is left behind, or the row stays as failed until it is.

use model::instance::InstanceState;
use model::name::{TokenName, single_line};
use model::secret_text::PlainToken;
use model::token::{DAY, MOST_PER_INSTANCE, TokenPolicy};
use model::{Actor, Authorised, InstanceId, TenantId, Timestamp, TokenId, UserId, may};
use serde_json::json;
use store::Tx;
use store::instance::Instance;
use store::token::{NewToken, Token};

use super::carry::Carried;
use super::scan::holds_token;
use super::view::announce;
use super::{IssueToken, IssuedToken, TokenService, WHAT};
use crate::audit::Entry;
use crate::error::Fields;
use crate::ports::Target;
use crate::{Error, Origin, Result, audit, target};

/// Longest note, in characters.
const NOTE: usize = 300;

/// A token that is about to be written. Has no `Debug`.
pub(super) struct Draft {
    pub id: TokenId,
    pub instance: InstanceId,
    pub tenant: TenantId,
    pub name: TokenName,
    pub note: String,
    pub owner: Option<UserId>,
    pub token: PlainToken,
    pub consumer: String,
    pub at: Timestamp,
    pub expires_at: Timestamp,
    pub replaces: Option<TokenId>,
}

/// What is noted of a token, as it may be kept.
pub(super) struct Noted {
    pub name: TokenName,
    pub note: String,
    pub owner: Option<UserId>,
}

impl TokenService {
    /// Issues a token for an instance. Returns once Secrets Manager has it; the rest of the way to the
    /// gateway goes on by itself, and the token is *issuing* until every worker has it.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `name`, `note`, `owner` or `days`; [`Error::Conflict`] `name_taken`,
    /// `too_many_tokens`, `not_running` or `revoked_meanwhile`; [`Error::Unavailable`] when Secrets
    /// Manager does not take it, and then nothing is left.
    pub async fn issue(
        &self,
        actor: &Actor,
        instance: &InstanceId,
        command: IssueToken,
        origin: &Origin,
    ) -> Result<IssuedToken> {
        const ACTION: &str = "token.issue";
        let found = self.find_instance(actor, instance).await?;
        let tenant = found.tenant_id;
        let may: Authorised<may::IssueToken> = self
            .context
            .allow(actor, Some(tenant), WHAT, ACTION, origin)
            .await?;
        let policy = self.effective(tenant).await?;
        let mut fields = Fields::default();
        let noted = self
            .noted(
                &mut fields,
                tenant,
                &command.name,
                &command.note,
                command.owner,
            )
            .await?;
        let days = days(&mut fields, command.days, policy);
        let noted = match noted {
            Some(noted) => fields.done().map(|()| noted)?,
            None => return Err(fields.into_error()),
        };
        let draft = self.draft(&found.id, tenant, noted, days, None);
        let mut tx = self.context.db.begin().await?;
        let locked = self.locked(&mut tx, &draft.instance).await?;
        let aim = self.aim(&mut tx, &locked).await?;
        self.begin(&mut tx, &may, &draft).await?;
        let summary = format!(
            "Issues the token {} ({}) for {}, valid until {}.",
            draft.name,
            draft.token.hint(),
            locked.name,
            draft.expires_at.to_minute()
        );
        let entry = Entry::new(may.actor(), origin, ACTION)
            .of(Some(tenant))
            .about(WHAT, draft.id)
            .summary(summary)
            .change(&json!(null), &written(&draft));
        audit::append(&mut tx, draft.at, entry).await?;
        announce(&mut tx, draft.id, draft.at).await?;
        tx.commit().await?;
        self.carry(&may, draft, aim, origin, ACTION).await
    }

    /// What is to be noted of a token, or what is wrong with it.
    pub(super) async fn noted(
        &self,
        fields: &mut Fields,
        tenant: TenantId,
        name: &str,
        note: &str,
        owner: Option<UserId>,
    ) -> Result<Option<Noted>> {
        const TEXT: &str = "This holds the text of a token, which is kept nowhere. Remove it.";
        let parsed = fields.take("name", TokenName::parse(name));
        if holds_token(name) {
            fields.add("name", TEXT);
        }
        let empty = note.trim().is_empty();
        let note = if empty {
            Some(String::new())
        } else {
            fields.take("note", single_line(note, NOTE))
        };
        if note.as_deref().is_some_and(holds_token) {
            fields.add("note", TEXT);
        }
        if let Some(owner) = owner {
            let members = store::membership::list(&self.context.db, tenant).await?;
            if !members.iter().any(|member| member.user_id == Some(owner)) {
                fields.add("owner", "Choose somebody of the tenant, or nobody.");
            }
        }
        Ok(parsed
            .zip(note)
            .map(|(name, note)| Noted { name, note, owner }))
    }

    pub(super) fn draft(
        &self,
        instance: &InstanceId,
        tenant: TenantId,
        noted: Noted,
        days: u32,
        replaces: Option<TokenId>,
    ) -> Draft {
        let context = &self.context;
        let at = context.now();
        let id = TokenId::new(&*context.clock, &*context.entropy);
        Draft {
            id,
            instance: instance.clone(),
            tenant,
            name: noted.name,
            note: noted.note,
            owner: noted.owner,
            token: PlainToken::instance(instance, &*context.entropy),
            consumer: format!("t{}", id.to_string().replace('-', "")),
            at,
            expires_at: at + days * DAY,
            replaces,
        }
    }

    /// Takes an instance for this transaction, if tokens can be issued for it.
    pub(super) async fn locked(&self, tx: &mut Tx, id: &InstanceId) -> Result<Instance> {
        store::instance::lock(tx, id).await?;
        let found = store::instance::by_id_in(tx, id).await?;
        let found = found.ok_or(Error::NotFound { what: "instance" })?;
        if is_open(found.state) {
            Ok(found)
        } else {
            Err(not_running(found.state))
        }
    }

    /// Where a token's entry goes, and the address it opens.
    pub(super) async fn aim(&self, tx: &mut Tx, instance: &Instance) -> Result<(Target, String)> {
        let release = store::release::by_version_in(tx, instance.release).await?;
        let release =
            release.ok_or_else(|| Error::internal("its release is not in the catalogue"))?;
        let target = target::of(instance, &release.release)?;
        let target = target.ok_or_else(|| not_running(InstanceState::Creating))?;
        let url = target.cluster.url_of(&target.host);
        Ok((target, url))
    }

    /// Writes the row of a token that is being issued.
    pub(super) async fn begin(
        &self,
        tx: &mut Tx,
        may: &Authorised<may::IssueToken>,
        draft: &Draft,
    ) -> Result<()> {
        if store::token::count_open(tx, &draft.instance).await? >= MOST_PER_INSTANCE {
            return Err(Error::conflict(
                "too_many_tokens",
                format!("This instance has {MOST_PER_INSTANCE} open tokens. Revoke some first."),
            ));
        }
        let request_token = draft.id.to_string();
        let new = NewToken {
            id: draft.id,
            instance: &draft.instance,
            tenant: draft.tenant,
            name: &draft.name,
            note: &draft.note,
            owner: draft.owner,
            token: &draft.token,
            consumer: &draft.consumer,
            request_token: &request_token,
            by: &may.actor().name,
            at: draft.at,
            expires_at: draft.expires_at,
            replaces: draft.replaces,
        };
        match store::token::insert(tx, may, &new).await {
            Err(error) if error.is_taken() => Err(name_taken(&draft.name)),
            other => Ok(other?),
        }
    }

    /// Notes that Secrets Manager has a token, and opens the gate for it; none when it was revoked
    /// meanwhile or its instance is no longer open.
    pub(super) async fn complete(
        &self,
        may: &Authorised<may::IssueToken>,
        draft: &Draft,
    ) -> Result<Carried> {
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        store::instance::lock(&mut tx, &draft.instance).await?;
        let instance = store::instance::by_id_in(&mut tx, &draft.instance).await?;
        let state = instance.map_or(InstanceState::Deleted, |found| found.state);
        if !is_open(state) {
            return Ok(Carried::Closed(state));
        }
        let generation = store::gate::bump(&mut tx, may, &draft.instance, now).await?;
        if !store::token::mark_written(&mut tx, may, draft.id, generation).await? {
            return Ok(Carried::Ended);
        }
        let token: Token = announce(&mut tx, draft.id, now).await?;
        tx.commit().await?;
        Ok(Carried::Through(Box::new(token)))
    }
}

/// Whether an instance in that state has a door that tokens may open.
fn is_open(state: InstanceState) -> bool {
    matches!(state, InstanceState::Running | InstanceState::Changing)
}

pub(super) fn not_running(state: InstanceState) -> Error {
    Error::conflict(
        "not_running",
        format!("This instance is {state}; tokens are issued for a running one."),
    )
}

pub(super) fn name_taken(name: &TokenName) -> Error {
    Error::conflict(
        "name_taken",
        format!(
            "This instance already has an open token called {name}. Choose another name, or rotate that one."
        ),
    )
}

/// The days that were asked for, if the policy allows them.
pub(super) fn days(fields: &mut Fields, asked: Option<u32>, policy: TokenPolicy) -> u32 {
    let days = asked.unwrap_or(policy.default_days);
    if !(1..=policy.max_days).contains(&days) {
        fields.add("days", format!("Use 1 to {} days.", policy.max_days));
    }
    days
}

/// What the trail keeps of a token.
pub(super) fn written(draft: &Draft) -> serde_json::Value {
    json!({
        "instance": draft.instance,
        "name": draft.name,
        "note": draft.note,
        "hint": draft.token.hint(),
        "owner": draft.owner,
        "expires_at": draft.expires_at,
        "replaces": draft.replaces,
    })
}
