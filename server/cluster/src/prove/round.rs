//! One round at one replica: each route is asked until every worker has answered it, and no longer than
//! something is heard that cannot be a proof. How many workers there are may be unknown; then it goes on
//! until no new one appears in many fresh connections, and where that end is not reached the round says
//! so instead of letting few be taken for all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use model::enforcement::{ReplicaLook, WorkerAnswer};
use tokio::time::Instant;

use super::gate::{Shown, shown};
use super::replica::{Heard, Replica};
use super::route::Route;

/// Within which one answer must come.
const ANSWER: Duration = Duration::from_secs(2);
/// Most requests at the same time at one replica.
const WIDEST: usize = 128;
/// Most requests of one round at one replica.
const MOST: usize = 2_000;
/// So many fresh connections for every worker that may be there must bring no new one before there is
/// taken to be none: with evenly spread connections one in three thousand rounds would miss one.
const QUIET: usize = 8;

/// What is known of a replica so far.
struct Round<'a> {
    replica: &'a Replica,
    routes: &'a [Route],
    workers: Option<u32>,
    generation: i64,
    end: Instant,
    /// Routes that each worker has answered as wished.
    seen: BTreeMap<String, BTreeSet<usize>>,
    answers: BTreeSet<(usize, String, u16, Option<i64>)>,
    /// Fresh connections since the last new worker.
    quiet: usize,
    widest: usize,
    asked: usize,
}

/// How a round goes on after an answer.
enum Next {
    On,
    /// Something was heard that no further answer can mend.
    End,
    Trouble(String),
}

/// Asks a replica.
pub async fn round(
    replica: &Replica,
    routes: &[Route],
    workers: Option<u32>,
    generation: i64,
    end: Instant,
) -> ReplicaLook {
    let mut round = Round {
        replica,
        routes,
        workers,
        generation,
        end,
        seen: BTreeMap::new(),
        answers: BTreeSet::new(),
        quiet: 0,
        widest: 0,
        asked: 0,
    };
    let trouble = round.run().await;
    round.told(trouble)
}

impl Round<'_> {
    async fn run(&mut self) -> Option<String> {
        // One request each shows at once whether anything has changed yet.
        let mut each = 1;
        while !self.is_complete() {
            if Instant::now() >= self.end || self.asked >= MOST {
                return self.unfinished();
            }
            match self.burst(each).await {
                Next::On => {}
                Next::End => return None,
                Next::Trouble(why) => return Some(why),
            }
            each = self.next_width(each);
        }
        None
    }

    /// How often each route is asked at the same time. Through the Kubernetes API every burst must be
    /// wider than the last, or it would only use the same connections again.
    fn next_width(&self, before: usize) -> usize {
        let workers = self.likely_workers();
        let most = (WIDEST / self.routes.len().max(1)).max(1);
        let wished = if self.replica.is_direct() {
            (2 * workers).max(4)
        } else {
            before + workers.max(2)
        };
        wished.min(most)
    }

    fn likely_workers(&self) -> usize {
        let known = self.workers.and_then(|it| usize::try_from(it).ok());
        known.unwrap_or(self.seen.len()).max(self.seen.len())
    }

    async fn burst(&mut self, each: usize) -> Next {
        let within = ANSWER.min(self.end.saturating_duration_since(Instant::now()));
        let open: Vec<usize> = (0..self.routes.len())
            .filter(|at| self.is_open(*at))
            .collect();
        if open.is_empty() {
            // A worker went while it was asked. What the others showed does not add up; the next round
            // begins with those that are there then.
            return Next::End;
        }
        let (replica, routes) = (self.replica, self.routes);
        // Route after route and not by turns: where connections go to workers in turn as well, each
        // worker would only ever meet the same route.
        let mut asked: FuturesUnordered<_> = open
            .iter()
            .flat_map(|at| std::iter::repeat_n(*at, each))
            .map(|at| async move { (at, replica.ask(&routes[at], within).await) })
            .collect();
        let width = asked.len();
        self.asked += width;
        let known = self.seen.len();
        while let Some((at, heard)) = asked.next().await {
            match self.hear(at, heard) {
                Next::On => {}
                end => return end,
            }
        }
        let fresh = if replica.is_direct() {
            width
        } else {
            width.saturating_sub(self.widest)
        };
        self.widest = self.widest.max(width);
        self.quiet = if self.seen.len() == known {
            self.quiet + fresh
        } else {
            0
        };
        Next::On
    }

    fn hear(&mut self, at: usize, heard: Result<Heard, String>) -> Next {
        let heard = match heard {
            Ok(heard) => heard,
            Err(why) => return Next::Trouble(why),
        };
        if (300..400).contains(&heard.status) {
            return Next::Trouble(format!(
                "it answers plain HTTP with a redirect ({}); name a port on which it answers itself",
                heard.status
            ));
        }
        let shown = shown(&heard.headers);
        let (worker, generation) = match shown {
            Some(Shown { generation, worker }) => (worker, Some(generation)),
            None => (String::new(), None),
        };
        let key = (at, worker.clone(), heard.status, generation);
        self.answers.insert(key);
        if heard.status != 401 || generation.is_none_or(|it| it < self.generation) {
            return Next::End;
        }
        self.seen.entry(worker).or_default().insert(at);
        Next::On
    }

    /// Whether a route has to be asked again. While nobody knows how many workers there are, every route
    /// is: each connection may lead to a new one.
    fn is_open(&self, at: usize) -> bool {
        let answered = self
            .seen
            .values()
            .filter(|routes| routes.contains(&at))
            .count();
        match self.workers.and_then(|it| usize::try_from(it).ok()) {
            Some(known) => answered < known.max(1),
            None => true,
        }
    }

    fn is_complete(&self) -> bool {
        let whole = self
            .seen
            .values()
            .filter(|routes| routes.len() == self.routes.len())
            .count();
        match self.workers.and_then(|it| usize::try_from(it).ok()) {
            Some(known) => whole >= known.max(1),
            None => {
                whole > 0 && whole == self.seen.len() && self.quiet >= QUIET * (self.seen.len() + 1)
            }
        }
    }

    fn unfinished(&self) -> Option<String> {
        // Where the number is known, the count of those that have shown it says enough.
        self.workers.is_none().then(|| {
            format!(
                "{} workers have answered {} requests, and no end of them was seen; set their number \
                 in the cluster's settings",
                self.seen.len(),
                self.asked
            )
        })
    }

    fn told(self, trouble: Option<String>) -> ReplicaLook {
        ReplicaLook {
            name: self.replica.name.clone(),
            ready: self.replica.ready,
            workers: self.workers,
            answers: self
                .answers
                .into_iter()
                .map(|(at, worker, status, generation)| WorkerAnswer {
                    route: self.routes[at].name.clone(),
                    worker,
                    status,
                    generation,
                })
                .collect(),
            trouble,
        }
    }
}
