//! How long tokens may live and what a leak does: the staff's policy from the configuration, and a
//! tenant's own, which is never laxer.

use model::token::{TokenPolicy, TokenPolicyView};
use model::{Actor, Authorised, TenantId, may};
use serde_json::json;

use super::TokenService;
use crate::audit::Entry;
use crate::context::authorise;
use crate::error::Fields;
use crate::{Error, Origin, Result, audit};

const TENANT: &str = "tenant";

impl TokenService {
    /// What holds for a tenant's tokens.
    pub(super) async fn effective(&self, tenant: TenantId) -> Result<TokenPolicy> {
        let own = store::token_policy::get(&self.context.db, tenant).await?;
        Ok(self.shown(own).effective)
    }

    fn shown(&self, own: Option<TokenPolicy>) -> TokenPolicyView {
        let staff = self.context.settings.token_policy;
        TokenPolicyView {
            staff,
            own,
            effective: own.unwrap_or(staff).under(staff),
        }
    }

    /// A tenant's policy: the staff's, its own, and what holds.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such tenant for this actor.
    pub async fn policy(&self, actor: &Actor, tenant: TenantId) -> Result<TokenPolicyView> {
        authorise::<may::ReadToken>(actor, Some(tenant), TENANT)?;
        let db = &self.context.db;
        if store::tenant::by_id(db, tenant).await?.is_none() {
            return Err(Error::NotFound { what: TENANT });
        }
        Ok(self.shown(store::token_policy::get(db, tenant).await?))
    }

    /// Gives a tenant a policy of its own, or takes it away. Tokens that were issued before keep the
    /// time they were given.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `default_days` or `max_days`; [`Error::NotFound`].
    pub async fn set_policy(
        &self,
        actor: &Actor,
        tenant: TenantId,
        own: Option<TokenPolicy>,
        origin: &Origin,
    ) -> Result<TokenPolicyView> {
        const ACTION: &str = "token_policy.change";
        let may: Authorised<may::ChangeTokenPolicy> = self
            .context
            .allow(actor, Some(tenant), TENANT, ACTION, origin)
            .await?;
        if let Some(own) = own {
            check(own, self.context.settings.token_policy)?;
        }
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let name = store::tenant::hold(&mut tx, tenant).await?;
        let name = name.ok_or(Error::NotFound { what: TENANT })?;
        let before = store::token_policy::get_in(&mut tx, tenant).await?;
        if before != own {
            store::token_policy::set(&mut tx, &may, tenant, own).await?;
            let summary = match own {
                Some(own) => format!(
                    "Tokens of {name} live {} days, {} at most; a reported leak means: {}.",
                    own.default_days, own.max_days, own.on_leak
                ),
                None => format!("Tokens of {name} follow the staff's policy."),
            };
            let entry = Entry::new(may.actor(), origin, ACTION)
                .of(Some(tenant))
                .about(TENANT, tenant)
                .summary(summary)
                .change(&json!(before), &json!(own));
            audit::append(&mut tx, now, entry).await?;
            tx.commit().await?;
        }
        Ok(self.shown(own))
    }
}

fn check(own: TokenPolicy, staff: TokenPolicy) -> Result<()> {
    let mut fields = Fields::default();
    if !(1..=staff.max_days).contains(&own.max_days) {
        fields.add(
            "max_days",
            format!(
                "Use 1 to {} days, which is the staff's limit.",
                staff.max_days
            ),
        );
    }
    if !(1..=own.max_days.max(1)).contains(&own.default_days) {
        fields.add(
            "default_days",
            "Use at least 1 day, and no more than the longest life.",
        );
    }
    fields.done()
}
