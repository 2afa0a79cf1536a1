//! Work in the background: operations, watches, wake-ups from other servers. Each duty is kept
//! running: what panics or ends by itself is logged and begun again, later each time, so that one bad
//! moment ends no duty for good. All of them end when the server is told to stop.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use service::watch::Watcher;
use service::{Keeper, Services, Worker};
use store::Db;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::wiring::stop::Stop;

/// First pause before a duty is begun again; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);
/// A duty that ran for so long begins with the first pause again.
const STEADY: Duration = Duration::from_mins(1);

/// Pause between two looks at what is due.
const DUE: Duration = Duration::from_secs(1);

/// Pause between two rounds of dropping what has expired.
const PRUNE: Duration = Duration::from_mins(1);

/// The duties that run.
#[derive(Debug, Default)]
pub struct Background(JoinSet<()>);

impl Background {
    /// Begins everything that a server does by itself. `name` tells this process from all others.
    #[must_use]
    pub fn begin(services: &Arc<Services>, name: &str, stop: &Stop) -> Self {
        let mut background = Self::default();
        let (of, holder, until) = (services.clone(), name.to_owned(), stop.receiver());
        background.keep("worker", stop, move || {
            let (of, holder, until) = (of.clone(), holder.clone(), until.clone());
            async move { Worker::new(of, holder).run(until).await }
        });
        let (of, holder, until) = (services.clone(), name.to_owned(), stop.receiver());
        background.keep("watcher", stop, move || {
            let (of, holder, until) = (of.clone(), holder.clone(), until.clone());
            async move { Watcher::new(of, holder).run(until).await }
        });
        let (of, holder, until) = (services.clone(), name.to_owned(), stop.receiver());
        background.keep("keeper", stop, move || {
            let (of, holder, until) = (of.clone(), holder.clone(), until.clone());
            async move { Keeper::new(of, holder).run(until).await }
        });
        let (of, until) = (services.clone(), stop.clone());
        background.keep("calendar", stop, move || {
            calendar(of.clone(), until.clone())
        });
        let (of, until) = (services.clone(), stop.clone());
        background.keep("pruning", stop, move || prune(of.clone(), until.clone()));
        if services.context.db.engine() == "postgres" {
            let (db, until) = (services.context.db.clone(), stop.clone());
            background.keep("wake-ups", stop, move || relay(db.clone(), until.clone()));
        }
        background
    }

    /// Keeps a duty running until the server is told to stop.
    pub fn keep<F, R>(&mut self, duty: &'static str, stop: &Stop, begin: F)
    where
        F: Fn() -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn(keep_running(duty, stop.clone(), begin));
    }

    /// Waits until all duties have ended, for so long at most.
    pub async fn ended(mut self, within: Duration) {
        let ending = async { while self.0.join_next().await.is_some() {} };
        if tokio::time::timeout(within, ending).await.is_err() {
            tracing::warn!(
                "Work in the background did not end within {} s; its leases run out by themselves.",
                within.as_secs()
            );
        }
    }
}

/// Passes on what other servers wake us for, until the connection is lost or the server stops.
async fn relay(db: Db, stop: Stop) {
    let lost = tokio::select! {
        relayed = db.relay() => relayed,
        () = stop.asked() => return,
    };
    if let Err(error) = lost {
        tracing::warn!(%error, "Wake-ups from other servers are lost for now; work is found by looking.");
    }
}

/// Drops what has expired, about once a minute.
async fn prune(services: Arc<Services>, stop: Stop) {
    while !stop.is_asked() {
        if let Err(error) = services.prune().await {
            tracing::warn!(%error, "What has expired could not be dropped; it is tried again.");
        }
        tokio::select! {
            () = tokio::time::sleep(PRUNE) => {}
            () = stop.asked() => {}
        }
    }
}

/// Carries out what falls due: tokens that end, reminders, what is counted of their use.
async fn calendar(services: Arc<Services>, stop: Stop) {
    while !stop.is_asked() {
        if let Err(error) = services.token.calendar_round().await {
            tracing::warn!(%error, "What is due could not be carried out; it is tried again.");
        }
        tokio::select! {
            () = tokio::time::sleep(DUE) => {}
            () = stop.asked() => {}
        }
    }
}

async fn keep_running<F, R>(duty: &'static str, stop: Stop, begin: F)
where
    F: Fn() -> R,
    R: Future<Output = ()> + Send + 'static,
{
    let mut pause = FIRST;
    while !stop.is_asked() {
        let since = Instant::now();
        // A task of its own, so that a panic ends that task and not this one.
        let mut run = JoinSet::new();
        run.spawn(begin());
        let ended = tokio::select! {
            ended = run.join_next() => ended,
            () = stop.asked() => run.join_next().await,
        };
        if stop.is_asked() {
            return;
        }
        if since.elapsed() >= STEADY {
            pause = FIRST;
        }
        match ended {
            Some(Err(error)) if error.is_panic() => {
                tracing::error!(
                    duty,
                    "A duty broke off by a mistake of ours and begins again in {pause:?}."
                );
            }
            _ => tracing::debug!(duty, "A duty ended and begins again in {pause:?}."),
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.asked() => return,
        }
        pause = (pause * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::wiring::stop::pair;

    #[tokio::test]
    async fn a_duty_that_panics_begins_again_until_the_server_stops() {
        let (stopper, stop) = pair();
        let begun = Arc::new(AtomicU32::new(0));
        let (seen, told) = tokio::sync::watch::channel(0);
        let mut background = Background::default();
        let (count, until) = (begun.clone(), stop.clone());
        background.keep("test", &stop, move || {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            seen.send_replace(number);
            let until = until.clone();
            async move {
                assert!(number >= 3, "the first two fall over");
                until.asked().await;
            }
        });
        told.clone().wait_for(|number| *number == 3).await.unwrap();
        stopper.stop();
        background.ended(Duration::from_secs(5)).await;
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }
}
