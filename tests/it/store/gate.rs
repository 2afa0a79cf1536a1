//! Gates: a generation for every change of what passes and for nothing else, claimed once, fenced,
//! nudged, and their proofs timed.

use std::time::Duration;

use model::cluster::ClusterName;
use model::instance::InstanceState;
use model::secret_text::PlainToken;
use model::token::EndReason;
use model::{InstanceId, TenantId, TokenId, may};
use store::gate::claim::{self, Claimed};
use store::gate::{self, Gate, Seen};
use store::token::{End, NewToken};
use store::{instance, proof, token};
use tests::db::TestDb;

use super::instance::an_instance;
use super::{a_tenant, may};

const LASTS: Duration = Duration::from_mins(1);

async fn read(test: &TestDb, id: &InstanceId) -> Gate {
    gate::by_id(&test.db, id).await.unwrap().expect("a gate")
}

async fn bump(test: &TestDb, id: &InstanceId) -> i64 {
    let mut tx = test.db.begin().await.unwrap();
    let proof = may::<may::RevokeToken>();
    let generation = gate::bump(&mut tx, &proof, id, test.now()).await.unwrap();
    tx.commit().await.unwrap();
    generation
}

async fn claim_all(test: &TestDb, owner: &str) -> Vec<Claimed> {
    let mut tx = test.db.begin().await.unwrap();
    let claimed = claim::claim(&mut tx, owner, LASTS, test.now(), 10)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    claimed
}

async fn set_state(test: &TestDb, id: &InstanceId, state: InstanceState) {
    let mut tx = test.db.begin().await.unwrap();
    instance::lock(&mut tx, id).await.unwrap();
    let mut one = instance::by_id_in(&mut tx, id).await.unwrap().unwrap();
    one.state = state;
    let proof = may::<may::ChangeInstance>();
    instance::save(&mut tx, &proof, &one, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// Writes a token that Secrets Manager has.
async fn a_token(test: &TestDb, tenant: TenantId, id: &InstanceId, consumer: &str) -> TokenId {
    let new = TokenId::new(&*test.clock, &*test.entropy);
    let plain = PlainToken::instance(id, &*test.entropy);
    let name = model::name::TokenName::parse(consumer).unwrap();
    let proof = may::<may::IssueToken>();
    let mut tx = test.db.begin().await.unwrap();
    instance::lock(&mut tx, id).await.unwrap();
    let row = NewToken {
        id: new,
        instance: id,
        tenant,
        name: &name,
        note: "",
        owner: None,
        token: &plain,
        consumer,
        request_token: "a-request",
        by: "Pat",
        at: test.now(),
        expires_at: test.now() + Duration::from_hours(24),
        replaces: None,
    };
    token::insert(&mut tx, &proof, &row).await.unwrap();
    let generation = gate::bump(&mut tx, &proof, id, test.now()).await.unwrap();
    assert!(
        token::mark_written(&mut tx, &proof, new, generation)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    new
}

#[tokio::test]
async fn the_wish_is_the_open_tokens_and_the_watchman_and_nobody_behind_a_closed_door() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let id = an_instance(&test, tenant, "One").await;
    let first = read(&test, &id).await;
    assert_eq!(
        (first.wish.generation, first.written, first.proven),
        (1, 0, 0)
    );
    assert_eq!(first.wish.open_to, ["watchman1"]);
    a_token(&test, tenant, &id, "tb").await;
    let two = a_token(&test, tenant, &id, "ta").await;
    let open = read(&test, &id).await;
    assert_eq!(open.wish.generation, 3);
    assert_eq!(open.wish.open_to, ["ta", "tb", "watchman1"]);

    let mut tx = test.db.begin().await.unwrap();
    let proof = may::<may::RevokeToken>();
    let generation = gate::bump(&mut tx, &proof, &id, test.now()).await.unwrap();
    let how = End {
        reason: EndReason::Revoked,
        generation,
        late_ms: None,
        at: test.now(),
    };
    assert!(token::end(&mut tx, &proof, two, how).await.unwrap());
    let inside = gate::by_id_in(&mut tx, &id).await.unwrap().unwrap();
    assert_eq!(inside.wish.open_to, ["tb", "watchman1"]);
    drop(tx);
    let untouched = read(&test, &id).await;
    assert_eq!(
        untouched.wish, open.wish,
        "what was not committed moves nothing"
    );

    set_state(&test, &id, InstanceState::Deleting).await;
    assert!(read(&test, &id).await.wish.open_to.is_empty());
    set_state(&test, &id, InstanceState::Running).await;
    assert_eq!(
        read(&test, &id).await.wish,
        open.wish,
        "saving an instance moves no gate"
    );
}

#[tokio::test]
async fn a_gate_is_claimed_once_and_a_keeper_that_lost_it_is_refused() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let id = an_instance(&test, tenant, "One").await;
    assert!(
        claim_all(&test, "one").await.is_empty(),
        "its creation sets it up"
    );
    assert_eq!(bump(&test, &id).await, 2);
    let first = claim_all(&test, "one").await.remove(0);
    assert!(claim_all(&test, "two").await.is_empty());
    test.shell("update gate set lease_until = 0").await;
    assert!(
        claim_all(&test, "one").await.is_empty(),
        "what it has in hand it does not begin anew"
    );
    let second = claim_all(&test, "two").await.remove(0);
    assert_eq!(second.held.fence(), first.held.fence() + 1);
    assert_eq!(second.attempts, 2);

    let mut tx = test.db.begin().await.unwrap();
    assert!(!claim::hold(&mut tx, &first.held).await.unwrap());
    let seen = Seen {
        written: 9,
        ..Seen::default()
    };
    gate::note(&mut tx, &first.held, &seen, true, test.now())
        .await
        .unwrap();
    gate::prove(&mut tx, &first.held, 9, None, true, test.now())
        .await
        .unwrap();
    claim::release(&mut tx, &first.held, 1, test.now(), true)
        .await
        .unwrap();
    assert!(
        !gate::rotate(&mut tx, &first.held, test.now())
            .await
            .unwrap()
    );
    assert!(claim::hold(&mut tx, &second.held).await.unwrap());
    tx.commit().await.unwrap();
    let now = read(&test, &id).await;
    assert_eq!((now.written, now.proven, now.watchman), (0, 0, 1));
    assert!(
        claim_all(&test, "three").await.is_empty(),
        "it is still held"
    );
}

#[tokio::test]
async fn a_nudge_that_the_holder_does_not_know_of_makes_it_due_at_once() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let id = an_instance(&test, tenant, "One").await;
    bump(&test, &id).await;
    let known = claim_all(&test, "one").await.remove(0);
    let nudged = read(&test, &id).await.nudged;
    let later = test.now() + Duration::from_mins(5);
    bump(&test, &id).await;
    assert_eq!(
        gate::nudged(&test.db, "one").await.unwrap(),
        [(id.clone(), nudged + 1)]
    );
    let mut tx = test.db.begin().await.unwrap();
    claim::release(&mut tx, &known.held, nudged, later, true)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let again = claim_all(&test, "one").await.remove(0);
    assert_eq!(again.attempts, 1, "what went well is forgotten");
    let mut tx = test.db.begin().await.unwrap();
    claim::release(&mut tx, &again.held, nudged + 1, later, false)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(claim_all(&test, "one").await.is_empty());
    assert_eq!(gate::next_due(&test.db).await.unwrap(), Some(later));
    test.clock.set(later);
    assert_eq!(claim_all(&test, "one").await.remove(0).attempts, 2);
}

#[tokio::test]
async fn what_a_process_held_is_freed_for_the_next() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let id = an_instance(&test, tenant, "One").await;
    bump(&test, &id).await;
    claim_all(&test, "keeper/before/1").await;
    let mut tx = test.db.begin().await.unwrap();
    assert_eq!(claim::inherit(&mut tx, "before").await.unwrap(), 0);
    assert_eq!(claim::inherit(&mut tx, "after").await.unwrap(), 1);
    tx.commit().await.unwrap();
    claim_all(&test, "keeper/after/1").await.remove(0);
    let mut tx = test.db.begin().await.unwrap();
    claim::let_go(&mut tx, "somebody", &id, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(claim_all(&test, "keeper/after/2").await.is_empty());
    let mut tx = test.db.begin().await.unwrap();
    claim::let_go(&mut tx, "keeper/after/1", &id, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    claim_all(&test, "keeper/after/1").await.remove(0);
    let mut tx = test.db.begin().await.unwrap();
    let beat = claim::heartbeat(&mut tx, "keeper/after/1", LASTS, test.now())
        .await
        .unwrap();
    assert_eq!(beat, 1);
    assert_eq!(
        claim::hand_back(&mut tx, "keeper/after/1", test.now())
            .await
            .unwrap(),
        1
    );
    tx.commit().await.unwrap();
    assert_eq!(claim_all(&test, "keeper/later/1").await.len(), 1);
}

#[tokio::test]
async fn proofs_are_timed_by_cluster_and_overdue_ones_counted() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let id = an_instance(&test, tenant, "One").await;
    bump(&test, &id).await;
    let held = claim_all(&test, "one").await.remove(0).held;
    let cluster: ClusterName = "eu".parse().unwrap();
    let mut tx = test.db.begin().await.unwrap();
    assert!(claim::hold(&mut tx, &held).await.unwrap());
    for (generation, millis) in [(2, 300), (3, 100), (4, 200)] {
        let at = test.now();
        proof::add(&mut tx, &held, &cluster, generation, millis, at)
            .await
            .unwrap();
    }
    let overdue = Seen {
        written: 2,
        waiting: Some("apisix-1: it does not answer.".to_owned()),
        unproven_since: Some(test.now()),
        ..Seen::default()
    };
    gate::note(&mut tx, &held, &overdue, true, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        gate::unproven(&test.db).await.unwrap(),
        (1, Some(test.now()))
    );
    let row = instance::by_id(&test.db, &id).await.unwrap().unwrap();
    assert_eq!(
        row.unproven,
        Some((test.now(), "apisix-1: it does not answer.".to_owned()))
    );
    let all = proof::latencies(&test.db, None, test.now()).await.unwrap();
    assert_eq!(all.len(), 1);
    let (name, latency) = &all[0];
    assert_eq!(
        (name, latency.median_ms, latency.p99_ms, latency.samples),
        (&cluster, 200, 300, 3)
    );
    let later = test.now() + proof::WINDOW + Duration::from_secs(1);
    assert!(
        proof::latencies(&test.db, Some(&cluster), later)
            .await
            .unwrap()
            .is_empty()
    );

    let mut tx = test.db.begin().await.unwrap();
    gate::prove(&mut tx, &held, 2, None, true, test.now())
        .await
        .unwrap();
    assert_eq!(proof::prune(&mut tx, later).await.unwrap(), 3);
    tx.commit().await.unwrap();
    assert_eq!(gate::unproven(&test.db).await.unwrap(), (0, None));
    assert!(read(&test, &id).await.is_proven());
}

#[tokio::test]
async fn a_watchman_has_two_names_while_it_changes_and_generations_only_grow() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let id = an_instance(&test, tenant, "One").await;
    bump(&test, &id).await;
    let held = claim_all(&test, "one").await.remove(0).held;
    let mut tx = test.db.begin().await.unwrap();
    assert!(gate::rotate(&mut tx, &held, test.now()).await.unwrap());
    assert!(
        !gate::rotate(&mut tx, &held, test.now()).await.unwrap(),
        "one at a time"
    );
    tx.commit().await.unwrap();
    let both = read(&test, &id).await;
    assert_eq!(both.wish.open_to, ["watchman1", "watchman2"]);
    let row = instance::by_id(&test.db, &id).await.unwrap().unwrap();
    assert_eq!((row.watchman, row.watchman_before), (2, Some(1)));
    let mut tx = test.db.begin().await.unwrap();
    gate::settle_watchman(&mut tx, &held, test.now())
        .await
        .unwrap();
    assert_eq!(
        gate::jump(&mut tx, &held, 40, test.now()).await.unwrap(),
        41
    );
    assert_eq!(gate::jump(&mut tx, &held, 7, test.now()).await.unwrap(), 42);
    tx.commit().await.unwrap();
    assert_eq!(read(&test, &id).await.wish.open_to, ["watchman2"]);
}
