//! Enforcement at an imagined gateway of three replicas with two workers each: a token counts as active
//! or revoked when every worker has shown it and not before, whatever is away meanwhile; one keeper at a
//! time writes, and what somebody edits by hand is mended.

mod deletion;
mod outage;
mod property;
mod real;
mod repair;
mod watchman;

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::InstanceId;
use model::token::{EndReason, TokenState, TokenView};
use service::token::{IssueToken, IssuedToken, RevokeAll, RevokeToken};
use service::{Keeper, Services};
use tests::cluster::Method;
use tests::cluster::gateway::Trouble;
use tests::services::origin;
use tests::world::TestWorld;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A keeper that runs until it is ended.
struct Keeping {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Keeping {
    fn begin(world: &TestWorld) -> Self {
        Self::of(Arc::clone(&world.services))
    }

    fn of(services: Arc<Services>) -> Self {
        let keeper = Keeper::new(services, "keeper");
        let (stop, stopped) = watch::channel(false);
        Self {
            stop,
            task: tokio::spawn(async move { keeper.run(stopped).await }),
        }
    }

    /// Ends it as a signal would.
    async fn end(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }

    /// Ends it at whatever instruction it is.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn issue(world: &TestWorld, instance: &InstanceId, name: &str) -> IssuedToken {
    let command = IssueToken {
        name: name.to_owned(),
        ..IssueToken::default()
    };
    let origin = origin();
    let service = &world.services.token;
    let issued = service
        .issue(&world.actor, instance, command, &origin)
        .await;
    issued.expect("the token is issued")
}

async fn revoke(world: &TestWorld, token: &IssuedToken) -> TokenView {
    let command = RevokeToken {
        reason: EndReason::Revoked,
        note: String::new(),
    };
    let origin = origin();
    let service = &world.services.token;
    let id = token.view.id;
    let revoked = service.revoke(&world.actor, id, command, &origin).await;
    revoked.expect("the token is being revoked")
}

async fn view(world: &TestWorld, token: &IssuedToken) -> TokenView {
    let detail = world.services.token.get(&world.actor, token.view.id).await;
    detail.expect("the token is there").token
}

/// Waits for what must come true soon, moving the clock by `step` in the meantime.
async fn eventually<F: Future<Output = bool>>(
    world: &TestWorld,
    step: Duration,
    what: &str,
    mut holds: impl FnMut() -> F,
) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        world.db.clock.advance(step);
        world.ring().await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until a token is in that state, while time goes on.
async fn until(world: &TestWorld, token: &IssuedToken, state: TokenState) -> TokenView {
    eventually(
        world,
        Duration::from_millis(100),
        state.as_str(),
        || async { view(world, token).await.state == state },
    )
    .await;
    view(world, token).await
}

/// A running instance, a keeper at work, and an active token.
async fn with_token(world: &TestWorld) -> (InstanceId, Keeping, IssuedToken) {
    let instance = world.running("Staging").await.id;
    let keeping = Keeping::begin(world);
    let token = issue(world, &instance, "Payments").await;
    until(world, &token, TokenState::Active).await;
    (instance, keeping, token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_active_when_it_arrived_and_revoked_when_every_worker_refuses_it() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    let text = token.token.expose();
    assert_eq!(world.cluster.ask(&instance, Some(text)), Some(200));
    assert_eq!(world.cluster.ask(&instance, None), Some(401));
    let neighbour = world.running("Neighbour").await.id;
    assert_eq!(world.cluster.ask(&neighbour, Some(text)), Some(403));

    revoke(&world, &token).await;
    let revoked = until(&world, &token, TokenState::Revoked).await;
    assert!(!world.cluster.opens(&instance, text));
    let receipt = revoked.receipt.expect("a receipt");
    assert_eq!(
        (receipt.replicas, receipt.workers, receipt.routes),
        (3, 6, 2)
    );
    assert!(receipt.workers_known && revoked.waiting.is_none());
    eventually(&world, Duration::ZERO, "cleaned up", || async {
        world.cluster.entries(&instance).is_empty()
            && world.cluster.consumers(&instance) == ["watchman1"]
    })
    .await;
    keeping.end().await;
    let trail = world
        .services
        .audit
        .list(&world.actor, service::AuditFilter::default())
        .await;
    let trail = trail.unwrap().items;
    let proof = trail
        .iter()
        .find(|row| row.action == "token.proof")
        .expect("a row");
    assert!(
        proof.summary.contains("refused by 3 of 3 gateways"),
        "{proof:?}"
    );
    let cluster = "eu-dev".parse().unwrap();
    let latency = world.services.enforcement.latency(&cluster).await.unwrap();
    assert!(latency.is_some_and(|it| it.samples >= 2), "{latency:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_worker_that_lags_is_enough_to_go_on_waiting() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    world.cluster.replica(2, Trouble::Lags(3));
    revoke(&world, &token).await;
    // The load balancer's first replica refuses it already, and so would a push that succeeded say.
    eventually(&world, Duration::ZERO, "the first refuses", || async {
        world.cluster.ask(&instance, Some(token.token.expose())) != Some(200)
    })
    .await;
    if world.cluster.opens(&instance, token.token.expose()) {
        assert_eq!(view(&world, &token).await.state, TokenState::Revoking);
    }
    until(&world, &token, TokenState::Revoked).await;
    assert!(!world.cluster.opens(&instance, token.token.expose()));
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_replica_is_named_then_overdue_and_the_proof_comes_when_it_is_well() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    world.cluster.replica(1, Trouble::Stuck);
    revoke(&world, &token).await;
    eventually(&world, Duration::from_millis(50), "named", || async {
        let waiting = view(&world, &token).await.waiting.unwrap_or_default();
        waiting.contains("apisix-1") && waiting.contains("generation")
    })
    .await;
    assert!(world.cluster.opens(&instance, token.token.expose()));
    let overdue = || async {
        world
            .services
            .enforcement
            .overdue(&world.actor)
            .await
            .unwrap()
    };
    assert_eq!(overdue().await.gates, 0);
    eventually(&world, Duration::from_secs(2), "overdue", || async {
        overdue().await.gates == 1
    })
    .await;
    let late = view(&world, &token).await;
    assert!(
        late.unproven && late.state == TokenState::Revoking,
        "{late:?}"
    );
    let row = store::instance::by_id(&world.db.db, &instance)
        .await
        .unwrap()
        .unwrap();
    assert!(
        row.unproven
            .is_some_and(|(_, why)| why.contains("apisix-1"))
    );
    world.cluster.replica(1, Trouble::Well);
    until(&world, &token, TokenState::Revoked).await;
    assert_eq!(overdue().await.gates, 0);
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_changes_of_one_instance_are_one_write() {
    let world = TestWorld::new().await;
    let (instance, keeping, _) = with_token(&world).await;
    let mut tokens = Vec::new();
    for number in 0..30 {
        tokens.push(issue(&world, &instance, &format!("Token {number}")).await);
    }
    for token in &tokens {
        until(&world, token, TokenState::Active).await;
    }
    keeping.end().await;
    let before = world.cluster.calls(Method::Gate);
    let all = RevokeAll::Instance(instance.clone());
    let ended = world
        .services
        .token
        .revoke_all(&world.actor, all, &origin())
        .await;
    assert_eq!(ended.unwrap().len(), 31);
    for name in ["One", "Two", "Three"] {
        tokens.push(issue(&world, &instance, name).await);
    }
    let keeping = Keeping::begin(&world);
    for token in &tokens[..30] {
        until(&world, token, TokenState::Revoked).await;
    }
    for token in &tokens[30..] {
        until(&world, token, TokenState::Active).await;
    }
    keeping.end().await;
    assert_eq!(world.cluster.calls(Method::Gate) - before, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revocations_among_many_live_tokens_do_not_slow_each_other() {
    let long = std::env::var("CAMPAIGN").is_ok();
    let (instances, each, ended) = if long { (10, 100, 200) } else { (5, 20, 20) };
    let world = TestWorld::new().await;
    let mut all = Vec::new();
    let keeping = Keeping::begin(&world);
    for number in 0..instances {
        let instance = world.running(&format!("Instance {number}")).await.id;
        for token in 0..each {
            all.push(issue(&world, &instance, &format!("Token {token}")).await);
        }
    }
    for token in &all {
        until(&world, token, TokenState::Active).await;
    }
    let mut took = Vec::new();
    for token in all.iter().step_by(all.len() / ended).take(ended) {
        let begun = Instant::now();
        revoke(&world, token).await;
        let within = Duration::from_secs(10);
        let waited = world
            .services
            .token
            .wait(&world.actor, token.view.id, within)
            .await;
        assert_eq!(waited.unwrap().state, TokenState::Revoked);
        took.push(begun.elapsed());
    }
    keeping.end().await;
    took.sort_unstable();
    let (median, most) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    println!(
        "{} revocations among {} tokens: median {} ms, 99th percentile {} ms",
        took.len(),
        all.len(),
        median.as_millis(),
        most.as_millis()
    );
    assert!(median < Duration::from_millis(500), "{median:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_workers_of_a_replica_need_not_be_known() {
    let world = TestWorld::new().await;
    world.cluster.hide_workers();
    let (_, keeping, token) = with_token(&world).await;
    revoke(&world, &token).await;
    let revoked = until(&world, &token, TokenState::Revoked).await;
    assert!(!revoked.receipt.expect("a receipt").workers_known);
    keeping.end().await;
}
