//! Clusters as staff see and manage them. A cluster is checked before it is accepted, and what is
//! missing is said; settings that decide where instances are never change afterwards.

mod parse;

use model::cause::{Cause, CauseCode};
use model::cluster::{
    ChartSource, ClusterAccess, ClusterName, ClusterSettings, Gateway, OverrideSource, Purpose,
    Region, place,
};
use model::event::Subject;
use model::view::{AccessOffer, CauseView, CheckLine, ClusterView, RegionChoice};
use model::{Actor, Authorised, Timestamp, may};
use serde_json::json;
use store::cluster::{Cluster, Sight};
use store::{Tx, Wake};

use self::parse::checked;
use crate::audit::Entry;
use crate::context::authorise;
use crate::{Context, Error, Origin, Result, audit, event};

const WHAT: &str = "cluster";

/// Adds, checks, changes and removes clusters.
#[derive(Clone, Debug)]
pub struct ClusterService {
    context: Context,
}

/// What of a cluster is to be changed; none leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeCluster {
    /// How its Kubernetes API is reached.
    pub access: Option<ClusterAccess>,
    /// Where Argo CD itself lives.
    pub argocd_namespace: Option<String>,
    /// Where the Applications live.
    pub application_namespace: Option<String>,
    /// The `AppProject` that fences instances.
    pub project: Option<String>,
    /// Where the chart comes from.
    pub chart: Option<ChartSource>,
    /// Where override files come from; `Some(None)` for nowhere.
    pub overrides: Option<Option<OverrideSource>>,
    /// How its gateway is reached.
    pub gateway: Option<Gateway>,
    /// First part of the names of its entries in Secrets Manager.
    pub secrets_prefix: Option<String>,
    /// Role by which an instance's entries are read; `Some(None)` for none.
    pub secrets_role: Option<Option<String>>,
    /// Most instances it may hold.
    pub capacity: Option<u32>,
    /// No new instances while set.
    pub cordoned: Option<bool>,
}

impl ClusterService {
    pub(crate) fn new(context: Context) -> Self {
        Self { context }
    }

    /// All clusters, oldest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for people of tenants.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<ClusterView>> {
        authorise::<may::ReadCluster>(actor, None, WHAT)?;
        let rows = store::cluster::list(&self.context.db).await?;
        Ok(rows.into_iter().map(view).collect())
    }

    /// One cluster.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, actor: &Actor, name: &ClusterName) -> Result<ClusterView> {
        authorise::<may::ReadCluster>(actor, None, WHAT)?;
        let found = store::cluster::get(&self.context.db, name).await?;
        found.map(view).ok_or(Error::NotFound { what: WHAT })
    }

    /// Ways to reach a cluster that this server offers.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for people of tenants.
    #[expect(
        clippy::unused_async,
        reason = "every service method is awaited, whatever it reads"
    )]
    pub async fn offers(&self, actor: &Actor) -> Result<Vec<AccessOffer>> {
        authorise::<may::ReadCluster>(actor, None, WHAT)?;
        Ok(self.context.clusters.offers())
    }

    /// Checks a cluster without accepting it.
    ///
    /// # Errors
    /// [`Error::Invalid`] by field; what the cluster itself lacks is in the lines.
    pub async fn check(&self, actor: &Actor, settings: ClusterSettings) -> Result<Vec<CheckLine>> {
        authorise::<may::ChangeCluster>(actor, None, WHAT)?;
        let settings = checked(settings)?;
        Ok(self.context.clusters.check(&settings).await)
    }

    /// Accepts a cluster, after it was checked.
    ///
    /// # Errors
    /// [`Error::Conflict`] `check_failed` with what is missing, or `name_taken`; [`Error::Invalid`].
    pub async fn add(
        &self,
        actor: &Actor,
        settings: ClusterSettings,
        origin: &Origin,
    ) -> Result<ClusterView> {
        let may: Authorised<may::ChangeCluster> = self
            .context
            .allow(actor, None, WHAT, "cluster.add", origin)
            .await?;
        let settings = checked(settings)?;
        self.pass(&settings).await?;
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        if !store::cluster::insert(&mut tx, &may, &settings, now).await? {
            let name = &settings.name;
            let text = format!("There is already a cluster called {name}. Choose another name.");
            return Err(Error::conflict("name_taken", text));
        }
        let entry = Entry::new(may.actor(), origin, "cluster.add")
            .about(WHAT, &settings.name)
            .summary(format!("Added the cluster {}.", settings.name))
            .change(&json!(null), &json!(settings));
        let added = Cluster {
            settings,
            sight: Sight::default(),
            load: 0,
            updated_at: now,
        };
        self.finish(tx, entry, &added, now).await
    }

    async fn pass(&self, settings: &ClusterSettings) -> Result<()> {
        let lines = self.context.clusters.check(settings).await;
        let missing: Vec<String> = lines
            .iter()
            .filter(|line| !line.ok)
            .map(|line| format!("{}: {}", line.name, line.detail))
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Error::conflict("check_failed", missing.join(" ")))
        }
    }

    async fn finish(
        &self,
        mut tx: Tx,
        entry: Entry,
        cluster: &Cluster,
        now: Timestamp,
    ) -> Result<ClusterView> {
        audit::append(&mut tx, now, entry).await?;
        announce(&mut tx, cluster, now).await?;
        tx.wake(Wake::Work);
        tx.commit().await?;
        Ok(view(cluster.clone()))
    }

    /// Changes a cluster. What decides how it is reached is checked again first.
    ///
    /// # Errors
    /// As [`ClusterService::add`]; [`Error::NotFound`].
    pub async fn change(
        &self,
        actor: &Actor,
        name: &ClusterName,
        command: ChangeCluster,
        origin: &Origin,
    ) -> Result<ClusterView> {
        let may: Authorised<may::ChangeCluster> = self
            .context
            .allow(actor, None, WHAT, "cluster.change", origin)
            .await?;
        let found = store::cluster::get(&self.context.db, name).await?;
        let found = found.ok_or(Error::NotFound { what: WHAT })?;
        let wished = checked(apply(found.settings.clone(), &command))?;
        let plain = ClusterSettings {
            capacity: wished.capacity,
            cordoned: wished.cordoned,
            gateway: wished.gateway.clone(),
            ..found.settings
        };
        if plain != wished {
            self.pass(&wished).await?;
        }
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let before = store::cluster::lock(&mut tx, name, now).await?;
        let before = before.ok_or(Error::NotFound { what: WHAT })?;
        let settings = checked(apply(before.settings.clone(), &command))?;
        store::cluster::update(&mut tx, &may, &settings, now).await?;
        let entry = Entry::new(may.actor(), origin, "cluster.change")
            .about(WHAT, name)
            .summary(format!("Changed the cluster {name}."))
            .change(&json!(before.settings), &json!(settings));
        let after = Cluster {
            settings,
            updated_at: now,
            ..before
        };
        self.finish(tx, entry, &after, now).await
    }

    /// Removes a cluster that holds no instances.
    ///
    /// # Errors
    /// [`Error::Conflict`] `cluster_has_instances`; [`Error::NotFound`].
    pub async fn remove(&self, actor: &Actor, name: &ClusterName, origin: &Origin) -> Result<()> {
        let may: Authorised<may::ChangeCluster> = self
            .context
            .allow(actor, None, WHAT, "cluster.remove", origin)
            .await?;
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let found = store::cluster::lock(&mut tx, name, now).await?;
        let found = found.ok_or(Error::NotFound { what: WHAT })?;
        if found.load > 0 {
            return Err(Error::conflict(
                "cluster_has_instances",
                format!(
                    "The cluster {name} still holds {} instances. Delete them first and wait until their deletion has ended.",
                    found.load
                ),
            ));
        }
        store::cluster::remove(&mut tx, &may, name).await?;
        let entry = Entry::new(may.actor(), origin, "cluster.remove")
            .about(WHAT, name)
            .summary(format!("Removed the cluster {name}."))
            .change(&json!(found.settings), &json!(null));
        audit::append(&mut tx, now, entry).await?;
        let data = json!({"name": name, "removed": true});
        event::append(&mut tx, now, Subject::Cluster, name.as_str(), None, &data).await?;
        tx.wake(Wake::Work);
        tx.commit().await?;
        Ok(())
    }

    /// Takes a cluster that belongs to this server (the sandbox) into the list at start, or refreshes
    /// how it is reached; what staff have set stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn adopt(&self, settings: ClusterSettings) -> Result<()> {
        let may: Authorised<may::ChangeCluster> = authorise(&Actor::System, None, WHAT)?;
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let known = store::cluster::lock(&mut tx, &settings.name, now).await?;
        let (before, settings) = match known {
            None => {
                store::cluster::insert(&mut tx, &may, &settings, now).await?;
                (None, settings)
            }
            Some(known) => {
                let fresh = ClusterSettings {
                    access: settings.access,
                    gateway: settings.gateway,
                    ..known.settings.clone()
                };
                if fresh == known.settings {
                    return Ok(());
                }
                store::cluster::update(&mut tx, &may, &fresh, now).await?;
                (Some(known.settings), fresh)
            }
        };
        let entry = Entry::new(may.actor(), &Origin::local(), "cluster.adopt")
            .about(WHAT, &settings.name)
            .summary(format!(
                "Took the cluster {} into the list at start.",
                settings.name
            ))
            .change(&json!(before), &json!(settings));
        let cluster = Cluster {
            settings,
            sight: Sight::default(),
            load: 0,
            updated_at: now,
        };
        self.finish(tx, entry, &cluster, now).await?;
        Ok(())
    }

    /// Where an instance could be created, for the form: every region and purpose that has clusters,
    /// with the one that would be chosen or why none fits.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for people of tenants.
    pub async fn choices(&self, actor: &Actor) -> Result<Vec<RegionChoice>> {
        authorise::<may::ReadCluster>(actor, None, WHAT)?;
        let clusters = store::cluster::list(&self.context.db).await?;
        let candidates: Vec<_> = clusters.iter().map(Cluster::candidate).collect();
        let mut pairs: Vec<(Region, Purpose)> = candidates
            .iter()
            .map(|c| (c.region.clone(), c.purpose))
            .collect();
        pairs.sort();
        pairs.dedup();
        let choices = pairs.into_iter().map(|(region, purpose)| {
            let chosen = place(&candidates, &region, purpose);
            let zone = chosen.as_ref().ok().and_then(|name| {
                let cluster = clusters.iter().find(|c| c.settings.name == *name)?;
                Some(cluster.settings.zone.to_string())
            });
            let (cluster, refused) = match chosen {
                Ok(name) => (Some(name), None),
                Err(no_room) => (None, Some(no_room.0)),
            };
            RegionChoice {
                region,
                purpose,
                cluster,
                zone,
                refused,
            }
        });
        Ok(choices.collect())
    }
}

/// Announces a cluster as it stands now; last before the commit.
pub(crate) async fn announce(tx: &mut Tx, cluster: &Cluster, now: Timestamp) -> Result<()> {
    let shown = view(cluster.clone());
    let data = json!({
        "name": shown.settings.name,
        "region": shown.settings.region,
        "purpose": shown.settings.purpose,
        "capacity": shown.settings.capacity,
        "cordoned": shown.settings.cordoned,
        "reachable": shown.reachable,
        "since": shown.since,
        "cause": shown.cause,
    });
    let name = cluster.settings.name.as_str();
    event::append(tx, now, Subject::Cluster, name, None, &data).await?;
    Ok(())
}

fn apply(mut settings: ClusterSettings, command: &ChangeCluster) -> ClusterSettings {
    fn set<T: Clone>(field: &mut T, wished: Option<&T>) {
        if let Some(wished) = wished {
            field.clone_from(wished);
        }
    }
    set(&mut settings.access, command.access.as_ref());
    set(
        &mut settings.argocd_namespace,
        command.argocd_namespace.as_ref(),
    );
    set(
        &mut settings.application_namespace,
        command.application_namespace.as_ref(),
    );
    set(&mut settings.project, command.project.as_ref());
    set(&mut settings.chart, command.chart.as_ref());
    set(&mut settings.overrides, command.overrides.as_ref());
    set(&mut settings.gateway, command.gateway.as_ref());
    set(
        &mut settings.secrets_prefix,
        command.secrets_prefix.as_ref(),
    );
    set(&mut settings.secrets_role, command.secrets_role.as_ref());
    set(&mut settings.capacity, command.capacity.as_ref());
    set(&mut settings.cordoned, command.cordoned.as_ref());
    settings
}

fn view(cluster: Cluster) -> ClusterView {
    let Cluster {
        settings,
        sight,
        load,
        ..
    } = cluster;
    let name = settings.name.as_str();
    let cause = if sight.reachable == Some(false) {
        Some(Cause::new(CauseCode::ClusterUnreachable, name, &sight.why))
    } else if sight.overrides_trouble.is_empty() {
        None
    } else {
        Some(Cause::new(
            CauseCode::OverridesUnreachable,
            name,
            &sight.overrides_trouble,
        ))
    };
    ClusterView {
        instances: load,
        reachable: sight.reachable,
        since: sight.since,
        as_of: sight.as_of,
        cause: cause.as_ref().map(CauseView::from),
        kubernetes: Some(sight.kubernetes).filter(|version| !version.is_empty()),
        settings,
    }
}
