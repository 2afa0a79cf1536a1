//! How long steps usually take: the median of the latest operations of that kind that succeeded, or
//! what `model` assumes where there is none. Read again at most once a minute, since it moves slowly
//! and every page asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::operation::{OperationKind, StepName};
use store::Db;
use store::operation::Durations;

use crate::Result;

const KEPT: Duration = Duration::from_mins(1);

/// The usual duration of each step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usual(Arc<HashMap<(OperationKind, StepName), Duration>>);

impl Usual {
    /// How long that step of that kind of operation usually takes.
    pub(crate) fn of(&self, kind: OperationKind, step: StepName) -> Duration {
        self.0
            .get(&(kind, step))
            .copied()
            .unwrap_or_else(|| step.usual())
    }
}

impl From<Durations> for Usual {
    fn from(durations: Durations) -> Self {
        let medians = durations.into_iter().filter_map(|(key, mut some)| {
            some.sort_unstable();
            let median = some.get(some.len() / 2)?;
            // The grace period is what somebody chose, not what it takes.
            (key.1 != StepName::Grace).then(|| (key, Duration::from_micros(*median)))
        });
        Self(Arc::new(medians.collect()))
    }
}

/// Keeps what was read last.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Option<(Instant, Usual)>>);

impl History {
    /// The usual durations, read anew when they are older than a minute.
    pub(crate) async fn usual(&self, db: &Db) -> Result<Usual> {
        let kept = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((_, usual)) = kept.filter(|(at, _)| at.elapsed() < KEPT) {
            return Ok(usual);
        }
        let usual = Usual::from(store::operation::durations(db).await?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), usual.clone()));
        Ok(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_counts_and_the_grace_period_does_not() {
        let key = (OperationKind::Delete, StepName::RemoveApplication);
        let grace = (OperationKind::Delete, StepName::Grace);
        let usual = Usual::from(Durations::from([
            (key, vec![9_000_000, 1_000_000, 2_000_000]),
            (grace, vec![86_400_000_000]),
        ]));
        assert_eq!(usual.of(key.0, key.1), Duration::from_secs(2));
        assert_eq!(usual.of(grace.0, grace.1), StepName::Grace.usual());
        assert_eq!(
            usual.of(key.0, StepName::ProveEmpty),
            StepName::ProveEmpty.usual()
        );
    }
}
