//! Operations: one active per instance, claimed once, fenced, nudged, revived; lists in order.

use std::time::Duration;

use model::cause::{Cause, CauseCode};
use model::instance::InstanceState;
use model::operation::{OperationKind, OperationState, StepName, StepState, Wish};
use model::{InstanceId, OperationId, TenantId, may};
use store::operation::claim::{self, Claimed, Hold};
use store::operation::{self, Filter, NewOperation};
use tests::db::TestDb;

use super::instance::an_instance;
use super::{a_tenant, may};

const LASTS: Duration = Duration::from_mins(1);

/// Writes an operation; none when another one is active.
async fn an_operation(
    test: &TestDb,
    tenant: TenantId,
    instance: &InstanceId,
    kind: OperationKind,
) -> Option<OperationId> {
    let release = "2.1.0".parse().unwrap();
    let new = NewOperation {
        id: OperationId::new(&*test.clock, &*test.entropy),
        instance: instance.clone(),
        tenant,
        kind,
        wish: Wish {
            release,
            release_before: release,
            overrides: "a: 1".to_owned(),
            overrides_before: String::new(),
            state_before: InstanceState::Running,
            unproven: None,
        },
        summary: "New overrides".to_owned(),
        at: test.now(),
    };
    let mut tx = test.db.begin().await.unwrap();
    let written = operation::insert(&mut tx, &may::<may::ChangeInstance>(), &new)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    written.then_some(new.id)
}

async fn claim_all(test: &TestDb, owner: &str, limit: u32) -> Vec<Claimed> {
    let mut tx = test.db.begin().await.unwrap();
    let claimed = claim::claim(&mut tx, owner, LASTS, test.now(), limit)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    claimed
}

async fn release(test: &TestDb, one: &Claimed, pause: Duration, progress: bool) {
    let mut tx = test.db.begin().await.unwrap();
    claim::release(&mut tx, &one.held, test.now() + pause, progress)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_instance_has_one_active_operation() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let instance = an_instance(&test, tenant, "One").await;
    let kind = OperationKind::Reconfigure;
    let first = an_operation(&test, tenant, &instance, kind)
        .await
        .expect("the first");
    assert_eq!(an_operation(&test, tenant, &instance, kind).await, None);
    let kept = operation::by_id(&test.db, first).await.unwrap().unwrap();
    assert_eq!(kept.instance_name, "One");
    assert_eq!(kept.wish.overrides, "a: 1");
    let names: Vec<StepName> = kept.steps.iter().map(|step| step.name).collect();
    assert_eq!(names, kind.steps());
    assert!(
        kept.steps
            .iter()
            .all(|step| step.state == StepState::Pending)
    );
    let active = operation::active_of(&test.db, &instance)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(active, kept);

    let claimed = claim_all(&test, "w", 1).await.remove(0);
    let mut ended = kept;
    ended.end(OperationState::Succeeded, test.now());
    let mut tx = test.db.begin().await.unwrap();
    assert!(
        operation::save(&mut tx, &claimed.held, &ended)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert_eq!(
        operation::active_of(&test.db, &instance).await.unwrap(),
        None
    );
    assert!(an_operation(&test, tenant, &instance, kind).await.is_some());
}

#[tokio::test]
async fn what_is_due_is_claimed_once_and_counted() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let instance = an_instance(&test, tenant, name).await;
        test.clock.advance(Duration::from_millis(2));
        ids.extend(an_operation(&test, tenant, &instance, OperationKind::Create).await);
    }
    let first = claim_all(&test, "one", 2).await;
    let mut got: Vec<_> = first.iter().map(|c| c.held.operation()).collect();
    got.sort();
    assert_eq!(got, ids[..2]);
    let second = claim_all(&test, "two", 9).await;
    assert_eq!(
        second
            .iter()
            .map(|c| c.held.operation())
            .collect::<Vec<_>>(),
        ids[2..]
    );
    assert!(claim_all(&test, "three", 9).await.is_empty());
    assert_eq!(operation::next_due(&test.db).await.unwrap(), None);

    release(&test, &second[0], Duration::from_secs(5), false).await;
    assert!(claim_all(&test, "three", 9).await.is_empty(), "not due yet");
    assert_eq!(
        operation::next_due(&test.db).await.unwrap(),
        Some(test.now() + Duration::from_secs(5))
    );
    test.clock.advance(Duration::from_secs(5));
    let again = claim_all(&test, "three", 9).await.remove(0);
    assert_eq!((again.attempts, again.held.fence()), (2, 2));
    release(&test, &again, Duration::ZERO, true).await;
    assert_eq!(
        claim_all(&test, "three", 9).await[0].attempts,
        1,
        "progress forgets attempts"
    );
}

#[tokio::test]
async fn a_claim_is_handed_back_and_kept_by_a_heartbeat() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let instance = an_instance(&test, tenant, "One").await;
    an_operation(&test, tenant, &instance, OperationKind::Create).await;
    let held = claim_all(&test, "one", 1).await.remove(0);
    let mut tx = test.db.begin().await.unwrap();
    assert_eq!(
        claim::heartbeat(&mut tx, "one", LASTS, test.now())
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        claim::heartbeat(&mut tx, "two", LASTS, test.now())
            .await
            .unwrap(),
        0
    );
    assert_eq!(claim::hold(&mut tx, &held.held).await.unwrap(), Hold::Kept);
    assert_eq!(
        claim::hand_back(&mut tx, "one", test.now()).await.unwrap(),
        1
    );
    tx.commit().await.unwrap();
    assert_eq!(claim_all(&test, "two", 1).await.len(), 1);
    let mut tx = test.db.begin().await.unwrap();
    assert_eq!(claim::hold(&mut tx, &held.held).await.unwrap(), Hold::Lost);
}

#[tokio::test]
async fn a_nudge_while_it_is_held_is_not_lost() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let instance = an_instance(&test, tenant, "One").await;
    an_operation(&test, tenant, &instance, OperationKind::Create).await;
    let held = claim_all(&test, "one", 1).await.remove(0);
    let mut tx = test.db.begin().await.unwrap();
    assert!(claim::nudge(&mut tx, &instance, test.now()).await.unwrap());
    tx.commit().await.unwrap();
    release(&test, &held, Duration::from_hours(1), true).await;
    let held = claim_all(&test, "one", 1).await.remove(0);
    release(&test, &held, Duration::from_hours(1), true).await;
    assert!(claim_all(&test, "one", 1).await.is_empty());
}

#[tokio::test]
async fn a_cancellation_is_seen_by_the_holder_and_a_revival_keeps_what_is_done() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let instance = an_instance(&test, tenant, "One").await;
    let id = an_operation(&test, tenant, &instance, OperationKind::Create)
        .await
        .unwrap();
    let held = claim_all(&test, "one", 1).await.remove(0);
    let control = may::<may::ControlOperation>();
    let mut tx = test.db.begin().await.unwrap();
    assert!(
        operation::request_cancel(&mut tx, &control, id, test.now())
            .await
            .unwrap()
    );
    assert_eq!(
        claim::hold(&mut tx, &held.held).await.unwrap(),
        Hold::Cancelling
    );
    let mut one = operation::by_id_in(&mut tx, id).await.unwrap().unwrap();
    one.steps[0].state = StepState::Succeeded;
    one.steps[1].state = StepState::Running;
    one.cause = Some(Cause::new(CauseCode::NoRoom, "x", "y"));
    one.skip_rest(test.now());
    one.end(OperationState::Cancelled, test.now());
    assert!(operation::save(&mut tx, &held.held, &one).await.unwrap());
    for step in &one.steps {
        operation::save_step(&mut tx, &held.held, step)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let kept = operation::by_id(&test.db, id).await.unwrap().unwrap();
    assert_eq!(kept.steps[1].state, StepState::Skipped);
    assert!(kept.steps[1].finished_at.is_some());
    assert_eq!(kept.steps[2].state, StepState::Skipped);
    assert_eq!(kept.cause, one.cause);

    let mut tx = test.db.begin().await.unwrap();
    assert!(
        !operation::request_cancel(&mut tx, &control, id, test.now())
            .await
            .unwrap()
    );
    assert!(
        operation::revive(&mut tx, &control, id, test.now())
            .await
            .unwrap()
    );
    assert!(
        !operation::revive(&mut tx, &control, id, test.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let back = operation::by_id(&test.db, id).await.unwrap().unwrap();
    assert_eq!(
        (back.state, back.cancel_requested_at, back.cause.clone()),
        (OperationState::Queued, None, None)
    );
    assert_eq!(back.done(), [StepName::Place]);
    assert!(
        back.steps[1..]
            .iter()
            .all(|step| step.state == StepState::Pending)
    );
}

#[tokio::test]
async fn lists_run_from_the_newest_and_filter() {
    let test = TestDb::new().await;
    let (acme, other) = (
        a_tenant(&test, "Acme").await,
        a_tenant(&test, "Other").await,
    );
    let mut ids = Vec::new();
    for (tenant, name) in [(acme, "a"), (other, "b"), (acme, "c")] {
        let instance = an_instance(&test, tenant, name).await;
        test.clock.advance(Duration::from_millis(2));
        ids.extend(an_operation(&test, tenant, &instance, OperationKind::Create).await);
    }
    let list = async |filter: Filter| -> Vec<OperationId> {
        let rows = operation::list(&test.db, &filter, 10).await.unwrap();
        rows.into_iter().map(|row| row.id).collect()
    };
    assert_eq!(list(Filter::default()).await, [ids[2], ids[1], ids[0]]);
    let of = |tenants: Vec<TenantId>| Filter {
        tenants: Some(tenants),
        ..Filter::default()
    };
    assert_eq!(list(of(vec![acme])).await, [ids[2], ids[0]]);
    assert_eq!(list(of(vec![acme, other])).await.len(), 3);
    assert!(list(of(Vec::new())).await.is_empty());
    let before = Filter {
        before: Some(ids[2]),
        ..Filter::default()
    };
    assert_eq!(list(before).await, [ids[1], ids[0]]);
    let active = |active| Filter {
        active: Some(active),
        ..Filter::default()
    };
    assert_eq!(list(active(true)).await.len(), 3);
    assert!(list(active(false)).await.is_empty());
    let state = Filter {
        state: Some(OperationState::Stuck),
        ..Filter::default()
    };
    assert!(list(state).await.is_empty());
    assert_eq!(
        operation::count_active(&test.db, Some(&[acme]))
            .await
            .unwrap(),
        2
    );
    assert!(operation::durations(&test.db).await.unwrap().is_empty());
}
