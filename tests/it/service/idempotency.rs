//! Repeated requests: carried out once, answered alike.

use std::sync::Arc;
use std::time::Duration;

use service::{Begun, CreateTenant, IdempotencyKey, Ticket};
use tests::services::{TestServices, origin};

fn key(key: &str, body: &str) -> IdempotencyKey {
    IdempotencyKey {
        actor: "user:1".to_owned(),
        route: "POST /api/v1/tenants".to_owned(),
        key: key.to_owned(),
        body_hash: body.to_owned(),
    }
}

async fn fresh(test: &TestServices, wanted: IdempotencyKey) -> Ticket {
    match test.services.idempotency.begin(wanted).await.unwrap() {
        Begun::Fresh(ticket) => ticket,
        other => panic!("{other:?} is not fresh"),
    }
}

async fn begun(test: &TestServices, wanted: IdempotencyKey) -> String {
    match test.services.idempotency.begin(wanted).await.unwrap() {
        Begun::Fresh(_) => "fresh".to_owned(),
        Begun::Replay { status, body } => format!("{status} {body}"),
        Begun::Running => "running".to_owned(),
        Begun::AnswerLost { done } => format!("lost: {done}"),
        Begun::OtherBody => "other body".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_at_once_one_is_the_first() {
    let test = Arc::new(TestServices::new().await);
    let mut race = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let test = test.clone();
        race.spawn(async move { begun(&test, key("k", "b")).await });
    }
    let answers = race.join_all().await;
    assert_eq!(answers.iter().filter(|a| *a == "fresh").count(), 1);
    assert_eq!(answers.iter().filter(|a| *a == "running").count(), 99);
}

#[tokio::test]
async fn a_repeat_gets_the_same_answer_for_a_day() {
    let test = TestServices::new().await;
    let ticket = fresh(&test, key("k", "b")).await;
    assert_eq!(begun(&test, key("k", "b")).await, "running");
    assert_eq!(begun(&test, key("k", "c")).await, "other body");
    test.services
        .idempotency
        .finish(ticket, 201, "{\"é\":1}")
        .await
        .unwrap();
    let again = TestServices::build(
        test.db,
        tests::services::settings(),
        tests::clusters::away(),
    );
    assert_eq!(begun(&again, key("k", "b")).await, "201 {\"é\":1}");
    assert_eq!(begun(&again, key("k", "c")).await, "other body");
    let mut elsewhere = key("k", "b");
    elsewhere.actor = "user:2".to_owned();
    assert_eq!(begun(&again, elsewhere).await, "fresh");
    let mut other_route = key("k", "b");
    other_route.route = "POST /api/v1/clusters".to_owned();
    assert_eq!(begun(&again, other_route).await, "fresh");
    again.db.clock.advance(Duration::from_hours(24));
    assert_eq!(begun(&again, key("k", "c")).await, "fresh");
    again.db.clock.advance(Duration::from_hours(25));
    assert_eq!(again.services.prune().await.unwrap().answers, 3);
}

#[tokio::test]
async fn a_crash_gives_the_key_back_and_a_late_answer_changes_nothing() {
    let test = TestServices::new().await;
    let crashed = fresh(&test, key("k", "b")).await;
    test.db.clock.advance(Duration::from_secs(59));
    assert_eq!(begun(&test, key("k", "b")).await, "running");
    test.db.clock.advance(Duration::from_secs(1));
    let second = fresh(&test, key("k", "b")).await;
    test.services
        .idempotency
        .finish(crashed, 201, "late")
        .await
        .unwrap();
    assert_eq!(begun(&test, key("k", "b")).await, "running");
    test.services
        .idempotency
        .finish(second, 202, "{}")
        .await
        .unwrap();
    assert_eq!(begun(&test, key("k", "b")).await, "202 {}");
}

#[tokio::test]
async fn what_was_done_is_not_done_again_though_its_answer_was_lost() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let crashed = fresh(&test, key("k", "b")).await;
    let acme = CreateTenant {
        name: "Acme".to_owned(),
    };
    let origin = origin();
    let made = test.services.tenant.create(&owner, acme, &origin);
    let made = test.services.idempotency.within(&crashed, made).await;
    let id = made.unwrap().id.to_string();
    assert_eq!(begun(&test, key("k", "b")).await, "running");
    test.services.idempotency.abandon(crashed).await.unwrap();
    test.db.clock.advance(Duration::from_mins(1));
    let lost = begun(&test, key("k", "b")).await;
    assert!(lost.starts_with("lost: tenant.create"), "{lost}");
    assert!(lost.contains(&id), "{lost}");
    assert_eq!(begun(&test, key("k", "c")).await, "other body");
}

#[tokio::test]
async fn a_restart_waits_for_no_lease_where_there_is_one_process() {
    let test = TestServices::new().await;
    fresh(&test, key("k", "b")).await;
    test.services.idempotency.inherit().await.unwrap();
    let alone = test.db.db.engine() == "sqlite";
    let expected = if alone { "fresh" } else { "running" };
    assert_eq!(begun(&test, key("k", "b")).await, expected);
}

#[tokio::test]
async fn what_a_repeat_may_do_better_is_not_kept() {
    let test = TestServices::new().await;
    for status in [401, 429, 500, 503] {
        let ticket = fresh(&test, key("k", "b")).await;
        test.services
            .idempotency
            .finish(ticket, status, "{}")
            .await
            .unwrap();
    }
    let ticket = fresh(&test, key("k", "b")).await;
    test.services.idempotency.abandon(ticket).await.unwrap();
    let ticket = fresh(&test, key("k", "b")).await;
    test.services
        .idempotency
        .finish(ticket, 422, "{}")
        .await
        .unwrap();
    assert_eq!(begun(&test, key("k", "b")).await, "422 {}");
}

#[tokio::test]
async fn keys_are_short_and_visible() {
    let test = TestServices::new().await;
    for bad in ["", " ", "a b", "é", "a\0", &"x".repeat(256)] {
        let error = test
            .services
            .idempotency
            .begin(key(bad, "b"))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "invalid");
    }
    assert_eq!(begun(&test, key(&"x".repeat(255), "b")).await, "fresh");
}
