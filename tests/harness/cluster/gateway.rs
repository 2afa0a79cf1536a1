//! The imagined cluster's gateway: several replicas of several workers, each with a copy of its own of
//! what it enforces. A push takes what Kubernetes wishes for to every worker, item by item; replicas
//! lag, are stuck, keep silent or are gone, and a push may break off half-way. The key space is global,
//! as APISIX has it: which doors a key opens is decided by the whitelist alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::InstanceId;
use model::enforcement::{GatewayLook, ReplicaLook, WorkerAnswer};

/// The keyed routes of every instance.
pub const ROUTES: [&str; 2] = ["GET /cloud-agent/gate-proof", "GET /enterprise/gate-proof"];

/// What is the matter with a replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    #[default]
    Well,
    /// Takes each push so many ticks late; a look is a tick.
    Lags(u32),
    /// Takes no push, and answers with what it has.
    Stuck,
    /// Takes no push, and answers us not at all; others it may.
    Silent,
    /// Is not there any more and answers nobody.
    Gone,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Door {
    pub generation: i64,
    pub open_to: BTreeSet<String>,
}

/// What is enforced: a door per instance, and which consumer a key belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub doors: BTreeMap<InstanceId, Door>,
    pub keys: BTreeMap<String, String>,
}

impl Config {
    /// The status that a request with that key, or without one, is answered with.
    pub fn answer(&self, instance: &InstanceId, key: Option<&str>) -> u16 {
        let Some(door) = self.doors.get(instance) else {
            return 404;
        };
        match key.and_then(|key| self.keys.get(key)) {
            None => 401,
            Some(consumer) if door.open_to.contains(consumer) => 200,
            Some(_) => 403,
        }
    }

    /// Takes what differs; of a push that breaks off only every other item.
    fn take(&mut self, wished: &Self, half: bool) {
        let mut turn = false;
        let mut takes = || {
            turn = !turn;
            turn || !half
        };
        let ids: BTreeSet<_> = self
            .doors
            .keys()
            .chain(wished.doors.keys())
            .cloned()
            .collect();
        for id in ids {
            let to = wished.doors.get(&id);
            if self.doors.get(&id) != to && takes() {
                match to {
                    Some(door) => self.doors.insert(id, door.clone()),
                    None => self.doors.remove(&id),
                };
            }
        }
        let keys: BTreeSet<_> = self
            .keys
            .keys()
            .chain(wished.keys.keys())
            .cloned()
            .collect();
        for key in keys {
            let to = wished.keys.get(&key);
            if self.keys.get(&key) != to && takes() {
                match to {
                    Some(name) => self.keys.insert(key, name.clone()),
                    None => self.keys.remove(&key),
                };
            }
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Replica {
    name: String,
    trouble: Trouble,
    workers: Vec<Config>,
    coming: VecDeque<(u32, Config)>,
}

/// The gateway.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    replicas: Vec<Replica>,
    wished: Config,
    half: bool,
    unknown_workers: bool,
}

impl Gateway {
    pub fn new(replicas: usize, workers: usize) -> Self {
        let replica = |number| Replica {
            name: format!("apisix-{number}"),
            workers: vec![Config::default(); workers],
            ..Replica::default()
        };
        Self {
            replicas: (0..replicas).map(replica).collect(),
            ..Self::default()
        }
    }

    /// Something is the matter with a replica from now on. One that comes back, or can take pushes
    /// again, takes everything at once.
    pub fn trouble(&mut self, replica: usize, trouble: Trouble) {
        let replica = &mut self.replicas[replica];
        replica.trouble = trouble;
        if matches!(trouble, Trouble::Well | Trouble::Gone) {
            replica.coming.clear();
        }
        if trouble == Trouble::Gone {
            // What comes back is a new process, and knows nothing of before.
            replica.workers.fill(Config::default());
        }
        self.deliver();
    }

    /// Pushes break off half-way from now on, or do so no more.
    pub fn half(&mut self, half: bool) {
        self.half = half;
        self.deliver();
    }

    /// Nobody knows how many workers a replica has.
    pub fn hide_workers(&mut self) {
        self.unknown_workers = true;
    }

    pub fn heal(&mut self) {
        self.half = false;
        for replica in &mut self.replicas {
            replica.trouble = Trouble::Well;
            replica.coming.clear();
        }
        self.deliver();
    }

    /// Takes what Kubernetes wishes for to the workers.
    pub fn push(&mut self, wished: Config) {
        if wished != self.wished {
            self.wished = wished;
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        for replica in &mut self.replicas {
            match replica.trouble {
                Trouble::Well => {
                    for worker in &mut replica.workers {
                        worker.take(&self.wished, self.half);
                    }
                }
                Trouble::Lags(ticks) => {
                    replica.coming.push_back((ticks, self.wished.clone()));
                }
                Trouble::Stuck | Trouble::Silent | Trouble::Gone => {}
            }
        }
    }

    /// Time goes on: pushes that are late arrive, first at one worker, a tick later at the next.
    pub fn tick(&mut self) {
        let lags = |replica: &&mut Replica| matches!(replica.trouble, Trouble::Lags(_));
        for replica in self.replicas.iter_mut().filter(lags) {
            for (ticks, _) in &mut replica.coming {
                *ticks = ticks.saturating_sub(1);
            }
            let Some((0, config)) = replica.coming.front().cloned() else {
                continue;
            };
            let late = replica.workers.iter_mut().find(|it| **it != config);
            match late {
                Some(worker) => worker.take(&config, false),
                None => {
                    replica.coming.pop_front();
                }
            }
        }
    }

    /// Whether any worker that serves anybody lets that key in.
    pub fn opens(&self, instance: &InstanceId, key: &str) -> bool {
        self.serving()
            .flat_map(|replica| &replica.workers)
            .any(|worker| worker.answer(instance, Some(key)) == 200)
    }

    fn serving(&self) -> impl Iterator<Item = &Replica> {
        self.replicas
            .iter()
            .filter(|replica| replica.trouble != Trouble::Gone)
    }

    /// What a request through the load balancer is answered: by the first worker of the first replica
    /// that answers.
    pub fn ask(&self, instance: &InstanceId, key: Option<&str>) -> Option<u16> {
        let replica = self.serving().find(|it| it.trouble != Trouble::Silent)?;
        let status = replica.workers.first()?.answer(instance, key);
        (status != 404).then_some(status)
    }

    /// One round at every replica.
    pub fn look(&self, instance: &InstanceId, deployed: bool) -> GatewayLook {
        let routes: &[&str] = if deployed { &ROUTES } else { &[] };
        let replicas = self.serving().map(|replica| {
            let silent = replica.trouble == Trouble::Silent;
            let answers = replica
                .workers
                .iter()
                .enumerate()
                .flat_map(|(number, worker)| {
                    routes.iter().map(move |route| WorkerAnswer {
                        route: (*route).to_owned(),
                        worker: (100 + number).to_string(),
                        status: worker.answer(instance, None),
                        generation: worker.doors.get(instance).map(|door| door.generation),
                    })
                });
            ReplicaLook {
                name: replica.name.clone(),
                ready: !silent,
                workers: u32::try_from(replica.workers.len())
                    .ok()
                    .filter(|_| !self.unknown_workers),
                answers: if silent {
                    Vec::new()
                } else {
                    answers.collect()
                },
                trouble: silent.then(|| "it does not answer within 2 s".to_owned()),
            }
        });
        GatewayLook {
            routes: routes.iter().map(|route| (*route).to_owned()).collect(),
            replicas: replicas.collect(),
        }
    }
}
