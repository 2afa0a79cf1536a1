//! Changing an instance: to a newer release, forward only and never over destroyed data without an
//! explicit confirmation, or to other overrides.

use model::instance::InstanceState;
use model::operation::OperationKind;
use model::release::{Release, Upgrade, Version, upgrade};
use model::view::OperationView;
use model::{Actor, Authorised, InstanceId, may};
use store::instance::Instance;

use super::{Change, InstanceService, WHAT, find, values};
use crate::{Error, Origin, Result, target};

/// An upgrade, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpgradeInstance {
    /// The release to go to.
    pub release: String,
    /// The instance's name, typed; needed where data is destroyed on the way.
    pub confirm: Option<String>,
}

impl InstanceService {
    /// Begins to take an instance to a newer release.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `release` with the reason, or on `confirm` with what is destroyed;
    /// [`Error::Conflict`] `operation_active`, `not_running` or `not_created`.
    pub async fn upgrade(
        &self,
        actor: &Actor,
        id: &InstanceId,
        command: UpgradeInstance,
        origin: &Origin,
    ) -> Result<OperationView> {
        let found = find(&self.context, actor, id).await?;
        let may: Authorised<may::ChangeInstance> = self
            .context
            .allow(
                actor,
                Some(found.tenant_id),
                WHAT,
                "instance.upgrade",
                origin,
            )
            .await?;
        let to: Version = command
            .release
            .trim()
            .parse()
            .map_err(|why| Error::invalid("release", why))?;
        let catalogue = target::catalogue(&self.context).await?;
        let usual = self.history.usual(&self.context.db).await?;
        let mut tx = self.context.db.begin().await?;
        let before = self.lock(&mut tx, id).await?;
        self.running(&mut tx, &before).await?;
        judge(&catalogue, &before, to, command.confirm.as_deref())?;
        let mut after = before.clone();
        after.release = to;
        after.state = InstanceState::Changing;
        let summary = format!("From release {} to {to}", before.release);
        self.begin(Change {
            may: &may,
            tx,
            before,
            after,
            kind: OperationKind::Upgrade,
            summary,
            action: "instance.upgrade",
            origin,
            usual,
        })
        .await
    }

    /// Begins to give an instance other overrides. The same ones again are allowed: they write our
    /// values anew where somebody else has changed them.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `overrides`; [`Error::Conflict`] `operation_active`, `not_running` or
    /// `not_created`.
    pub async fn reconfigure(
        &self,
        actor: &Actor,
        id: &InstanceId,
        overrides: &str,
        origin: &Origin,
    ) -> Result<OperationView> {
        let found = find(&self.context, actor, id).await?;
        let may: Authorised<may::ChangeInstance> = self
            .context
            .allow(
                actor,
                Some(found.tenant_id),
                WHAT,
                "instance.reconfigure",
                origin,
            )
            .await?;
        values::check(overrides, self.context.settings.values_schema.as_deref())
            .map_err(|why| Error::invalid("overrides", why))?;
        let usual = self.history.usual(&self.context.db).await?;
        let mut tx = self.context.db.begin().await?;
        let before = self.lock(&mut tx, id).await?;
        self.running(&mut tx, &before).await?;
        let mut after = before.clone();
        overrides.clone_into(&mut after.overrides);
        after.state = InstanceState::Changing;
        let same = after.overrides == before.overrides;
        let summary = match (same, overrides.trim().is_empty()) {
            (true, _) => "The same overrides, written again",
            (false, true) => "No overrides",
            (false, false) => "New overrides",
        };
        self.begin(Change {
            may: &may,
            tx,
            before,
            after,
            kind: OperationKind::Reconfigure,
            summary: summary.to_owned(),
            action: "instance.reconfigure",
            origin,
            usual,
        })
        .await
    }
}

impl InstanceService {
    /// Writes a running instance's specification again because this control plane would write another
    /// one now: its own version, or settings of the cluster, have changed. Says whether it was begun.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn rewrite(&self, id: &InstanceId) -> Result<bool> {
        let found = find(&self.context, &Actor::System, id).await?;
        let may: Authorised<may::ChangeInstance> =
            crate::context::authorise(&Actor::System, Some(found.tenant_id), WHAT)?;
        let usual = self.history.usual(&self.context.db).await?;
        let mut tx = self.context.db.begin().await?;
        let before = self.lock(&mut tx, id).await?;
        if self.running(&mut tx, &before).await.is_err() {
            return Ok(false);
        }
        let mut after = before.clone();
        after.state = InstanceState::Changing;
        self.begin(Change {
            may: &may,
            tx,
            before,
            after,
            kind: OperationKind::Reconfigure,
            summary: "The specification as this control plane writes it now".to_owned(),
            action: "instance.rewrite",
            origin: &Origin::local(),
            usual,
        })
        .await?;
        Ok(true)
    }
}

/// Refuses what the catalogue refuses, and destruction that nobody has confirmed.
fn judge(
    catalogue: &[Release],
    instance: &Instance,
    to: Version,
    confirm: Option<&str>,
) -> Result<()> {
    match upgrade(catalogue, instance.release, to) {
        Upgrade::Safe => Ok(()),
        Upgrade::Refused(why) => Err(Error::invalid("release", why)),
        Upgrade::Destructive(_) if confirm.map(str::trim) == Some(instance.name.as_str()) => Ok(()),
        Upgrade::Destructive(losses) => {
            let (losses, name) = (losses.join("; "), &instance.name);
            let text =
                format!("On the way to {to} data is destroyed ({losses}). Type {name} to confirm.");
            Err(Error::invalid("confirm", text))
        }
    }
}
