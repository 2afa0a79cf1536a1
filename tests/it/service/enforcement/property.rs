//! Whatever people do and whatever breaks, in any order: no token is shown as revoked while any worker
//! of any replica would let it in, none ever opens another tenant's instance, and once everything works
//! again all comes to rest as it should. Sequences are drawn from a seed that a failure prints;
//! `CAMPAIGN=1` draws thousands, `ENFORCEMENT_SEED` repeats one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use model::secret_text::PlainToken;
use model::token::{EndReason, TokenState};
use model::{Entropy, InstanceId, TenantId, TokenId};
use service::ports::ClusterError;
use service::token::{IssueToken, RevokeAll, RevokeToken, RotateToken};
use service::{Services, Settings};
use tests::cluster::gateway::Trouble;
use tests::cluster::{Fault, Method, REPLICAS};
use tests::entropy::SeededEntropy;
use tests::services::{origin, settings};
use tests::world::TestWorld;

use super::Keeping;

/// Sequences in one world, so that rows and objects of those before are there as well.
const EACH: usize = 10;
/// Worlds at the same time.
const AT_A_TIME: usize = 4;
/// Most actions in a sequence.
const ACTIONS: u32 = 14;

const FAULTY: [Method; 7] = [
    Method::Gate,
    Method::Look,
    Method::ApplyKey,
    Method::RemoveKey,
    Method::Keys,
    Method::WriteToken,
    Method::RemoveToken,
];

/// Numbers from a seed.
struct Draw(SeededEntropy);

impl Draw {
    fn below(&self, bound: u32) -> u32 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u32::try_from(u64::from_le_bytes(bytes) % u64::from(bound)).unwrap()
    }

    fn of<'a, T>(&self, some: &'a [T]) -> Option<&'a T> {
        let bound = u32::try_from(some.len()).unwrap();
        (bound > 0).then(|| &some[usize::try_from(self.below(bound)).unwrap()])
    }
}

/// A token whose text is known.
struct Known {
    id: TokenId,
    instance: InstanceId,
    text: PlainToken,
}

struct Story {
    world: TestWorld,
    draw: Draw,
    instances: Vec<InstanceId>,
    known: Vec<Known>,
    keeping: Option<Keeping>,
    told: Vec<String>,
    number: u32,
}

impl Story {
    async fn begin(seed: u64) -> Self {
        let quick = Settings {
            lease: Duration::from_millis(300),
            ..settings()
        };
        let world = TestWorld::with(quick).await;
        let mut instances = vec![world.running("One").await.id];
        let other = world.another_tenant("Umbrella").await;
        instances.push(running_of(&world, other).await);
        Self {
            keeping: Some(Keeping::begin(&world)),
            world,
            draw: Draw(SeededEntropy::new(seed)),
            instances,
            known: Vec::new(),
            told: Vec::new(),
            number: 0,
        }
    }

    async fn act(&mut self) {
        let told = match self.draw.below(20) {
            0..=3 => self.issue(None).await,
            4 => self.issue(Some(1)).await,
            5..=7 => self.revoke().await,
            8 => {
                let instance = self.draw.of(&self.instances).unwrap().clone();
                self.revoke_all(instance).await
            }
            9 => self.rotate().await,
            10 => self.expire().await,
            11 | 12 => self.crash().await,
            13..=15 => self.trouble(),
            16 => self.outage(),
            17 => self.fault(),
            18 => self.half(),
            _ => {
                self.world
                    .db
                    .clock
                    .advance(Duration::from_secs(u64::from(self.draw.below(50))));
                "time".to_owned()
            }
        };
        self.told.push(told);
        self.world.ring().await;
        let pause = u64::from(self.draw.below(12));
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    async fn issue(&mut self, days: Option<u32>) -> String {
        self.number += 1;
        let instance = self.draw.of(&self.instances).unwrap().clone();
        let command = IssueToken {
            name: format!("Token {}", self.number),
            days,
            ..IssueToken::default()
        };
        let (service, actor) = (&self.world.services.token, &self.world.actor);
        let issuing = service.issue(actor, &instance, command, &origin()).await;
        if let Ok(issued) = issuing {
            self.known.push(Known {
                id: issued.view.id,
                instance,
                text: issued.token,
            });
            return format!("issue {} for {days:?} days", issued.view.id);
        }
        "an issue that is refused".to_owned()
    }

    async fn revoke(&self) -> String {
        let Some(token) = self.draw.of(&self.known) else {
            return String::new();
        };
        let command = RevokeToken {
            reason: EndReason::Revoked,
            note: String::new(),
        };
        let (service, actor) = (&self.world.services.token, &self.world.actor);
        service
            .revoke(actor, token.id, command, &origin())
            .await
            .unwrap();
        format!("revoke {}", token.id)
    }

    async fn revoke_all(&self, instance: InstanceId) -> String {
        let told = format!("revoke all of {instance}");
        let (service, actor) = (&self.world.services.token, &self.world.actor);
        let all = RevokeAll::Instance(instance);
        service.revoke_all(actor, all, &origin()).await.unwrap();
        told
    }

    async fn rotate(&mut self) -> String {
        let Some(token) = self.draw.of(&self.known) else {
            return String::new();
        };
        let (before, instance) = (token.id, token.instance.clone());
        let overlap = Duration::from_secs(u64::from(self.draw.below(2)) * 30);
        let command = RotateToken {
            overlap: Some(overlap),
            days: None,
        };
        let (service, actor) = (&self.world.services.token, &self.world.actor);
        let rotated = service.rotate(actor, before, command, &origin()).await;
        if let Ok(rotated) = rotated {
            self.known.push(Known {
                id: rotated.view.id,
                instance,
                text: rotated.token,
            });
        }
        format!("rotate {before} with {overlap:?}")
    }

    async fn expire(&self) -> String {
        self.world.db.clock.advance(Duration::from_hours(25));
        self.calendar().await;
        "a day goes by".to_owned()
    }

    async fn calendar(&self) {
        self.world.services.token.calendar_round().await.unwrap();
    }

    async fn crash(&mut self) -> String {
        if let Some(keeping) = self.keeping.take() {
            keeping.kill().await;
        }
        let next = Arc::new(Services::new(self.world.services.context.clone()));
        self.keeping = Some(Keeping::of(next));
        "crash".to_owned()
    }

    fn trouble(&self) -> String {
        let replica = usize::try_from(self.draw.below(u32::try_from(REPLICAS).unwrap())).unwrap();
        let some = [
            Trouble::Well,
            Trouble::Lags(1 + self.draw.below(4)),
            Trouble::Stuck,
            Trouble::Silent,
            Trouble::Gone,
        ];
        let trouble = *self.draw.of(&some).unwrap();
        self.world.cluster.replica(replica, trouble);
        format!("replica {replica} {trouble:?}")
    }

    fn outage(&self) -> String {
        let (which, works) = (self.draw.below(3), self.draw.below(2) == 0);
        match which {
            0 => self.world.cluster.secrets_manager(works),
            1 => self.world.cluster.external_secrets(works),
            _ => {
                let why = (!works).then_some("connection refused");
                self.world.cluster.cut("eu-dev", why);
            }
        }
        format!("outage {which} ends: {works}")
    }

    fn fault(&self) -> String {
        let method = *self.draw.of(&FAULTY).unwrap();
        let lost = || ClusterError::Unreachable("connection reset".to_owned());
        // What is written inside a request may get no answer, but not for ever.
        let silent = !matches!(method, Method::WriteToken | Method::RemoveToken);
        let fault = match self.draw.below(4) {
            0 => Fault::Before(lost()),
            1 if silent => Fault::Silence,
            2 => Fault::Before(ClusterError::Busy("429".to_owned())),
            _ => Fault::After(lost()),
        };
        let told = format!("{method:?} fails: {fault:?}");
        self.world.cluster.fail(method, 1, fault);
        told
    }

    fn half(&self) -> String {
        let half = self.draw.below(2) == 0;
        self.world.cluster.half_pushes(half);
        format!("pushes break off: {half}")
    }

    async fn state(&self, id: TokenId) -> TokenState {
        let found = store::token::by_id(&self.world.db.db, id).await.unwrap();
        found.expect("the token is there").state
    }

    /// What must hold at every moment.
    async fn check(&self) {
        for token in &self.known {
            // The row first: what it says must hold from then on.
            let state = self.state(token.id).await;
            let text = token.text.expose();
            let open = self.world.cluster.opens(&token.instance, text);
            assert!(
                state != TokenState::Revoked || !open,
                "{} is shown as revoked and let in after {:#?}",
                token.id,
                self.told
            );
            for other in self.instances.iter().filter(|it| **it != token.instance) {
                assert!(
                    !self.world.cluster.opens(other, text),
                    "{} opens {other} after {:#?}",
                    token.id,
                    self.told
                );
            }
        }
    }

    /// Everything works again; all comes to rest as it should.
    async fn settle(&mut self) {
        self.world.cluster.heal();
        self.world.cluster.cut("eu-dev", None);
        self.world.cluster.heal_tokens();
        self.crash().await;
        let begun = Instant::now();
        while let Some(open) = self.unsettled().await {
            let late = begun.elapsed() > Duration::from_secs(20);
            assert!(!late, "never at rest: {open} after {:#?}", self.told);
            self.world.db.clock.advance(Duration::from_millis(500));
            self.calendar().await;
            self.world.ring().await;
            tokio::time::sleep(Duration::from_millis(3)).await;
            self.check().await;
        }
    }

    /// What is not as it should be at rest; none when all is.
    async fn unsettled(&self) -> Option<String> {
        let mut wished: Vec<BTreeSet<String>> = vec![BTreeSet::new(); self.instances.len()];
        for token in &self.known {
            let row = store::token::by_id(&self.world.db.db, token.id)
                .await
                .unwrap()
                .unwrap();
            let open = self
                .world
                .cluster
                .ask(&token.instance, Some(token.text.expose()));
            match row.state {
                TokenState::Active if open == Some(200) => {
                    let at = self
                        .instances
                        .iter()
                        .position(|it| *it == token.instance)
                        .unwrap();
                    wished[at].insert(row.consumer);
                }
                TokenState::Revoked if open != Some(200) => {}
                state => return Some(format!("{} is {state} and answered {open:?}", token.id)),
            }
        }
        for (instance, mut wished) in self.instances.iter().zip(wished) {
            let entries: BTreeSet<_> = self.world.cluster.entries(instance).into_iter().collect();
            if entries != wished {
                return Some(format!(
                    "entries of {instance}: {entries:?}, not {wished:?}"
                ));
            }
            let consumers: BTreeSet<_> =
                self.world.cluster.consumers(instance).into_iter().collect();
            let gate = store::gate::by_id(&self.world.db.db, instance)
                .await
                .unwrap()
                .unwrap();
            wished.insert(store::gate::watchman(gate.watchman));
            let open_to: BTreeSet<_> = gate.wish.open_to.iter().cloned().collect();
            if consumers != wished || open_to != wished || !gate.is_proven() {
                return Some(format!(
                    "{instance}: {consumers:?}, {gate:?}, not {wished:?}"
                ));
            }
        }
        None
    }
}

async fn running_of(world: &TestWorld, tenant: TenantId) -> InstanceId {
    let made = world.create_of(tenant, "Two").await;
    world.settle(made.operation.id).await;
    made.instance.id
}

async fn play(seed: u64, sequences: usize) {
    let mut story = Story::begin(seed).await;
    for _ in 0..sequences {
        story.told.clear();
        story.told.push(format!("seed {seed}"));
        for _ in 0..=story.draw.below(ACTIONS) {
            story.act().await;
            story.check().await;
        }
        story.settle().await;
        // Most of them end, so that the next sequence has some to begin with and not too many.
        let many = story.known.len();
        if many > 12 {
            for instance in story.instances.clone() {
                story.revoke_all(instance).await;
            }
            story.settle().await;
            story.known.clear();
        }
    }
    if let Some(keeping) = story.keeping.take() {
        keeping.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sequence_of_changes_and_faults_shows_as_revoked_what_is_let_in() {
    let campaign = std::env::var("CAMPAIGN").is_ok_and(|it| it == "1");
    let first = std::env::var("ENFORCEMENT_SEED")
        .ok()
        .and_then(|it| it.parse().ok());
    let worlds: u64 = match (first, campaign) {
        (Some(_), _) => 1,
        (None, true) => 300,
        (None, false) => 20,
    };
    let first: u64 = first.unwrap_or(1);
    let begun = Instant::now();
    let stories = (first..first + worlds).map(|seed| play(seed, EACH));
    stream::iter(stories)
        .buffer_unordered(AT_A_TIME)
        .collect::<Vec<()>>()
        .await;
    let many = worlds * u64::try_from(EACH).unwrap();
    println!("{many} sequences in {} s", begun.elapsed().as_secs());
}
