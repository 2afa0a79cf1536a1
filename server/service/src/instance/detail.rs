//! Everything about one instance on one page: parts, values, operations, history, and where it could
//! be upgraded to.

use std::time::Duration;

use model::health::HealthStatus;
use model::instance::InstanceState;
use model::observation::parts;
use model::overrides::Overrides;
use model::permission;
use model::release::{Release, Upgrade, upgrade};
use model::view::{HistorySpan, InstanceDetail, OperationView, UpgradeChoice, ValueOrigin};
use model::{Actor, InstanceId, Timestamp, may};
use store::health::Transition;
use store::instance::Instance;

use super::{InstanceService, find, values, view};
use crate::{Error, Result, target};

/// How far back the history strip goes.
const HISTORY: Duration = Duration::from_hours(24 * 90);
/// Most changes of status that are shown.
const MOST_CHANGES: u32 = 1_000;
/// Latest operations that are shown.
const OPERATIONS: u32 = 10;

impl InstanceService {
    /// Everything about one instance.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or not for this actor.
    pub async fn detail(&self, actor: &Actor, id: &InstanceId) -> Result<InstanceDetail> {
        let found = find(&self.context, actor, id).await?;
        let (now, db) = (self.context.now(), &self.context.db);
        let known = store::observation::get(db, id).await?;
        let (seen, probe) = known.map_or((None, None), |known| (known.seen, known.probe));
        let wanted = store::operation::Filter {
            instance: Some(id.clone()),
            ..Default::default()
        };
        let operations = store::operation::list(db, &wanted, OPERATIONS).await?;
        let usual = self.history.usual(db).await?;
        let operations: Vec<OperationView> = operations
            .iter()
            .map(|operation| crate::operation::view::view(operation, &usual, now))
            .collect();
        let active = operations
            .iter()
            .find(|operation| operation.state.is_active())
            .cloned();
        let transitions = store::health::since(db, id, now - HISTORY, MOST_CHANGES).await?;
        let catalogue = target::catalogue(&self.context).await?;
        let release = catalogue
            .iter()
            .find(|release| release.version == found.release);
        let parsed = Overrides::parse(&found.overrides).unwrap_or_default();
        let may_see = permission::authorise::<may::ReadOverrides>(actor, Some(found.tenant_id));
        let may_see = may_see.is_ok();
        let mut origins = values::origins(Some(&found), release, &parsed);
        if !may_see {
            origins.retain(|value| value.origin != "console");
        }
        let deleting = found.state == InstanceState::Deleting;
        Ok(InstanceDetail {
            running_version: found.running_version.clone(),
            parts: parts(seen.as_ref(), probe.as_ref(), Some(found.release)),
            overrides: may_see.then(|| found.overrides.clone()),
            values: origins,
            operations,
            history: spans(&found, &transitions, now),
            upgrades: choices(&catalogue, &found),
            grace_until: (deleting && found.grace_until > now).then_some(found.grace_until),
            outside_changes: seen.map(|seen| seen.outside_changes).unwrap_or_default(),
            instance: view::view(&found, active, now),
        })
    }

    /// What an override text would come to, before it is saved; for a new instance none is named.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `overrides`; [`Error::NotFound`].
    pub async fn preview(
        &self,
        actor: &Actor,
        id: Option<&InstanceId>,
        overrides: &str,
    ) -> Result<Vec<ValueOrigin>> {
        let found = match id {
            Some(id) => Some(find(&self.context, actor, id).await?),
            None => None,
        };
        let tenant = found.as_ref().map(|instance| instance.tenant_id);
        crate::context::authorise::<may::ReadOverrides>(actor, tenant, super::WHAT)?;
        let parsed = values::check(overrides, self.context.settings.values_schema.as_deref())
            .map_err(|why| Error::invalid("overrides", why))?;
        let catalogue = target::catalogue(&self.context).await?;
        let release = found
            .as_ref()
            .and_then(|instance| catalogue.iter().find(|r| r.version == instance.release));
        Ok(values::origins(found.as_ref(), release, &parsed))
    }
}

/// Changes of status as spans without gaps, oldest first.
fn spans(instance: &Instance, changes: &[Transition], now: Timestamp) -> Vec<HistorySpan> {
    let start = instance.created_at.max(now - HISTORY);
    let mut spans: Vec<HistorySpan> = Vec::new();
    let mut open = HistorySpan {
        from: start,
        to: now,
        status: HealthStatus::Unknown,
        cause: None,
    };
    for change in changes {
        let at = change.at.max(start);
        if at > open.from {
            spans.push(HistorySpan { to: at, ..open });
        }
        let cause = change.cause.as_ref().map(model::cause::Cause::sentence);
        open = HistorySpan {
            from: at,
            to: now,
            status: change.status,
            cause,
        };
    }
    open.to = instance.deleted_at.unwrap_or(now).max(open.from);
    spans.push(open);
    spans
}

fn choices(catalogue: &[Release], instance: &Instance) -> Vec<UpgradeChoice> {
    let mut choices: Vec<UpgradeChoice> = catalogue
        .iter()
        .filter_map(|release| {
            let destroys = match upgrade(catalogue, instance.release, release.version) {
                Upgrade::Safe => Vec::new(),
                Upgrade::Destructive(losses) => losses,
                Upgrade::Refused(_) => return None,
            };
            let channel = release.channel.as_str().to_owned();
            Some(UpgradeChoice {
                version: release.version,
                channel,
                destroys,
            })
        })
        .collect();
    choices.sort_by_key(|choice| std::cmp::Reverse(choice.version));
    choices
}
