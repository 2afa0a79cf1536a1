//! How often tokens are used, by the gateway's own counters: read at most once a minute per cluster,
//! by whichever process takes the turn. What a counter does not show is not claimed: where there is no
//! counter nothing is known, and one that went back begins anew without counting as a use.

use std::collections::HashMap;
use std::time::Duration;

use model::Timestamp;
use model::cluster::ClusterSettings;
use store::token::{Counted, Seen};
use tokio::time::timeout;

use super::TokenService;
use crate::Result;

/// Between two questions to one cluster.
const EVERY: Duration = Duration::from_mins(1);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// A counter that is met for the first time so soon after the issue has counted from zero.
const FRESH: Duration = Duration::from_mins(5);

impl TokenService {
    /// Asks the clusters whose turn it is how often their tokens were used; how many answered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_uses(&self) -> Result<u32> {
        let mut answered = 0;
        for cluster in store::cluster::list(&self.context.db).await? {
            answered += u32::from(self.count_uses_of(&cluster.settings).await?);
        }
        Ok(answered)
    }

    async fn count_uses_of(&self, cluster: &ClusterSettings) -> Result<bool> {
        let context = &self.context;
        let duty = format!("usage:{}", cluster.name);
        let mut tx = context.db.begin().await?;
        let lease = store::lease::take(&mut tx, &duty, "calendar", EVERY, context.now()).await?;
        tx.commit().await?;
        // Never given back: as long as it lasts, nobody asks again.
        let Some(lease) = lease else { return Ok(false) };
        let asked = timeout(PATIENCE, context.clusters.usage(cluster)).await;
        let counters: HashMap<String, u64> = match asked {
            Ok(Ok(Some(list))) => list
                .into_iter()
                .map(|it| (it.consumer, it.requests))
                .collect(),
            Ok(Ok(None)) => return Ok(false),
            Ok(Err(error)) => {
                tracing::debug!(%error, cluster = %cluster.name, "The use of tokens could not be counted.");
                return Ok(false);
            }
            Err(_) => {
                tracing::debug!(cluster = %cluster.name, "The use of tokens could not be counted in time.");
                return Ok(false);
            }
        };
        let now = context.now();
        let before = store::token::counted(&context.db, &cluster.name).await?;
        let mut tx = context.db.begin().await?;
        if !store::lease::renew(&mut tx, &lease, EVERY, now).await? {
            return Ok(false);
        }
        for one in &before {
            let name = format!("{}_{}", one.instance.namespace(), one.consumer);
            let requests = counters.get(&name).copied().unwrap_or(0);
            if let Some(seen) = compare(one, requests, now) {
                store::token::see(&mut tx, &lease, seen).await?;
            }
        }
        store::token::refresh(&mut tx, &lease, &cluster.name, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// What follows from a counter; none when nothing changed.
fn compare(before: &Counted, requests: u64, now: Timestamp) -> Option<Seen> {
    let base = before.counted.unwrap_or(0);
    if before.counted == Some(requests) {
        return None;
    }
    let more = requests.saturating_sub(base);
    let known = before.counted.is_some() || now.since(before.created_at) <= FRESH;
    Some(Seen {
        id: before.id,
        counted: requests,
        more,
        used_at: (more > 0 && known).then(|| minute(now)),
    })
}

fn minute(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros() - at.micros().rem_euclid(60_000_000))
}

#[cfg(test)]
mod tests {
    use model::{InstanceId, TokenId};

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn before(counted: Option<u64>, age: Duration) -> Counted {
        Counted {
            id: TokenId::zero(),
            instance: InstanceId::zero(),
            consumer: "t1".to_owned(),
            counted,
            created_at: NOW - age,
            asked_at: None,
        }
    }

    fn seen(counted: Option<u64>, age: Duration, requests: u64) -> Option<(u64, bool)> {
        let seen = compare(&before(counted, age), requests, NOW)?;
        assert_eq!(seen.counted, requests);
        Some((seen.more, seen.used_at.is_some()))
    }

    #[test]
    fn an_increase_is_a_use_and_a_counter_that_went_back_is_none() {
        let hour = Duration::from_hours(1);
        assert_eq!(seen(Some(5), hour, 5), None);
        assert_eq!(seen(Some(5), hour, 9), Some((4, true)));
        assert_eq!(seen(Some(5), hour, 2), Some((0, false)));
        assert_eq!(seen(Some(2), hour, 3), Some((1, true)));
    }

    #[test]
    fn a_counter_met_for_the_first_time_says_when_only_for_a_fresh_token() {
        assert_eq!(seen(None, Duration::from_hours(1), 7), Some((7, false)));
        assert_eq!(seen(None, Duration::from_mins(1), 7), Some((7, true)));
        assert_eq!(seen(None, Duration::from_mins(1), 0), Some((0, false)));
        assert_eq!(minute(NOW).micros() % 60_000_000, 0);
    }
}
