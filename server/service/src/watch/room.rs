//! Everything a watch knows about its cluster, in memory: the tiles, the cluster's own sign of life,
//! and the wishes that the adapter asks for. Filled from rows at the start, so that a hand-over
//! changes nobody's health.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use model::cluster::ClusterSettings;
use model::instance::InstanceState;
use model::observation::{ClusterFact, Observation, is_repository_trouble};
use model::{InstanceId, Timestamp};
use store::cluster::{Cluster, Sight};

use super::tile::Tile;
use crate::ports::{Target, Targets, WatchEvent};
use crate::{Context, Result, target};

/// Rows are read again from so long before the last reading: a transaction that began earlier may
/// have been committed later.
const OVERLAP: Duration = Duration::from_secs(30);

/// The wishes on a cluster, for the adapter.
#[derive(Debug, Default)]
pub(super) struct Wishes(RwLock<HashMap<InstanceId, Arc<Target>>>);

impl Targets for Wishes {
    fn target(&self, instance: &InstanceId) -> Option<Arc<Target>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(instance)
            .cloned()
    }
}

/// What is known.
#[derive(Debug)]
pub(super) struct Room {
    pub settings: ClusterSettings,
    pub tiles: HashMap<InstanceId, Tile>,
    pub wishes: Arc<Wishes>,
    pub sight: Sight,
    pub sight_saved: Sight,
    /// The cluster answers again, and nobody was told yet.
    pub back: bool,
    read_to: Timestamp,
}

impl Room {
    /// What the rows know.
    pub async fn open(context: &Context, cluster: Cluster) -> Result<Self> {
        let mut room = Self {
            settings: cluster.settings,
            tiles: HashMap::new(),
            wishes: Arc::default(),
            sight: cluster.sight.clone(),
            sight_saved: cluster.sight,
            back: false,
            read_to: Timestamp::from_micros(0),
        };
        room.read(context).await?;
        for known in store::observation::of_cluster(&context.db, &room.settings.name).await? {
            if let Some(tile) = room.tiles.get_mut(&known.instance) {
                tile.seen = known.seen;
                tile.probe = known.probe;
            }
        }
        Ok(room)
    }

    /// Takes the rows that changed since the last reading.
    pub async fn read(&mut self, context: &Context) -> Result<()> {
        let since = self.read_to - OVERLAP;
        let rows = store::instance::changed(&context.db, &self.settings.name, since).await?;
        let Some(newest) = rows.iter().map(|row| row.updated_at).max() else {
            return Ok(());
        };
        self.read_to = self.read_to.max(newest);
        let known = |row: &store::instance::Instance| {
            self.tiles
                .get(&row.id)
                .is_some_and(|tile| tile.instance.updated_at == row.updated_at)
        };
        if rows.iter().all(|row| {
            known(row) || row.state == InstanceState::Deleted && !self.tiles.contains_key(&row.id)
        }) {
            return Ok(());
        }
        let catalogue = target::catalogue(context).await?;
        for row in rows {
            if row.state == InstanceState::Deleted {
                self.tiles.remove(&row.id);
                self.wish(&row.id, None);
                continue;
            }
            if self
                .tiles
                .get(&row.id)
                .is_some_and(|t| t.instance.updated_at == row.updated_at)
            {
                continue;
            }
            let release = catalogue
                .iter()
                .find(|release| release.version == row.release);
            let target = match release {
                Some(release) => target::of(&row, release)?.map(Arc::new),
                None => None,
            };
            self.wish(&row.id, target.clone());
            if let Some(tile) = self.tiles.get_mut(&row.id) {
                tile.take(row, target);
            } else {
                let mut tile = Tile::new(row, target);
                tile.look_at = Some(Instant::now() + Duration::from_secs(1));
                self.tiles.insert(tile.instance.id.clone(), tile);
            }
        }
        Ok(())
    }

    fn wish(&self, id: &InstanceId, target: Option<Arc<Target>>) {
        let mut wishes = self
            .wishes
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match target {
            Some(target) => wishes.insert(id.clone(), target),
            None => wishes.remove(id),
        };
    }

    /// Takes what the watch reports.
    pub fn apply(&mut self, event: WatchEvent, now: Timestamp) {
        match event {
            WatchEvent::Reachable { kubernetes } => {
                self.answers(now);
                self.sight.kubernetes = kubernetes;
            }
            WatchEvent::Unreachable { why } => {
                if self.sight.reachable != Some(false) {
                    self.sight.reachable = Some(false);
                    self.sight.since = Some(now);
                    self.hurry();
                }
                self.sight.why = why;
            }
            WatchEvent::Seen {
                instance,
                observation,
            } => {
                self.answers(now);
                if let Some(tile) = self.tiles.get_mut(&instance) {
                    tile.see(*observation);
                }
            }
            WatchEvent::Listed => {
                self.answers(now);
                for tile in self.tiles.values_mut().filter(|tile| !tile.fresh) {
                    tile.see(Observation {
                        at: now,
                        ..Observation::default()
                    });
                    // Should it have appeared just after the list, a look of our own finds it.
                    tile.look_at = Some(Instant::now() + Duration::from_secs(1));
                }
            }
        }
    }

    /// The cluster has given a sign of life.
    pub fn answers(&mut self, now: Timestamp) {
        if self.sight.reachable != Some(true) {
            self.sight.reachable = Some(true);
            self.sight.since = Some(now);
            self.sight.why = String::new();
            self.back = true;
            self.hurry();
        }
        self.sight.as_of = Some(now);
    }

    fn hurry(&mut self) {
        for tile in self.tiles.values_mut() {
            tile.hurry();
        }
    }

    /// The cluster as instances are judged by it.
    pub fn fact(&self) -> ClusterFact {
        let lost = self.sight.reachable == Some(false);
        let since = self.sight.since.unwrap_or_default();
        ClusterFact {
            name: self.settings.name.to_string(),
            unreachable: lost.then(|| (since, self.sight.why.clone())),
            overrides_unreachable: Some(self.sight.overrides_trouble.clone())
                .filter(|trouble| !trouble.is_empty()),
        }
    }

    /// Whether Argo CD tells of any instance that a repository cannot be read.
    pub fn find_overrides_trouble(&mut self) {
        let told = self
            .tiles
            .values()
            .filter_map(|tile| tile.seen.as_ref()?.application.as_ref())
            .flat_map(|application| &application.conditions)
            .filter(|(_, message)| is_repository_trouble(message))
            .map(|(_, message)| message)
            .min();
        // The same trouble has as many texts as instances; the first one kept stays.
        match told {
            None => self.sight.overrides_trouble.clear(),
            Some(message) if self.sight.overrides_trouble.is_empty() => {
                self.sight.overrides_trouble = message.chars().take(300).collect();
            }
            Some(_) => {}
        }
    }
}
