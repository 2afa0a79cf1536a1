//! The event stream: each reader sees what it may, misses nothing, and learns when it fell behind.

use std::time::Duration;

use model::Actor;
use model::user::TenantRole;
use service::Settings;
use tests::services::{TestServices, origin, settings};

async fn keys(test: &TestServices, actor: &Actor, after: i64) -> Vec<String> {
    let events = test.services.event.since(actor, after, 100).await.unwrap();
    events.into_iter().map(|event| event.key).collect()
}

#[tokio::test]
async fn readers_see_what_is_theirs() {
    let test = TestServices::new().await;
    let (acme, other) = (test.tenant("Acme").await, test.tenant("Other").await);
    let member = test.of_tenant(acme, TenantRole::Member);
    assert_eq!(keys(&test, &member, 0).await, [acme.to_string()]);
    let both = test.person(
        None,
        vec![(other, TenantRole::Admin), (acme, TenantRole::Admin)],
    );
    let all = [acme.to_string(), other.to_string()];
    assert_eq!(keys(&test, &both, 0).await, all);
    assert_eq!(keys(&test, &Actor::Operator, 0).await, all);
    assert_eq!(keys(&test, &Actor::Operator, 1).await, all[1..]);
    assert!(
        keys(&test, &test.staff_token(&["instances:read"]), 0)
            .await
            .is_empty()
    );
    assert_eq!(
        keys(&test, &test.staff_token(&["tenants:read"]), 0).await,
        all
    );
    let nobody = test
        .services
        .event
        .since(&Actor::Anonymous, 0, 10)
        .await
        .unwrap_err();
    assert_eq!(nobody.code(), "unauthenticated");
}

#[tokio::test]
async fn a_reader_with_few_scopes_reads_past_what_it_may_not_see() {
    let test = TestServices::new().await;
    for number in 0..5 {
        test.tenant(&format!("Tenant {number}")).await;
    }
    let release = r#"
        [[release]]
        version = "2.2.0"
        channel = "supported"
        chart_revision = "v2.2.0"
        images = {}
        schema = {}
    "#;
    assert_eq!(test.services.release.seed(release).await.unwrap(), 1);
    let token = test.staff_token(&["releases:read"]);
    let events = test.services.event.since(&token, 0, 2).await.unwrap();
    assert_eq!(
        events.iter().map(|e| e.key.as_str()).collect::<Vec<_>>(),
        ["2.2.0"]
    );
}

#[tokio::test]
async fn a_reader_that_fell_behind_learns_so() {
    let few = Settings {
        events_kept: 2,
        ..settings()
    };
    let test = TestServices::with(few).await;
    for number in 0..5 {
        test.tenant(&format!("Tenant {number}")).await;
    }
    assert_eq!(test.services.prune().await.unwrap().events, 3);
    let behind = test
        .services
        .event
        .since(&Actor::Operator, 2, 10)
        .await
        .unwrap_err();
    assert_eq!(behind.code(), "events_pruned");
    assert_eq!(keys(&test, &Actor::Operator, 3).await.len(), 2);
    let ahead = test
        .services
        .event
        .since(&Actor::Operator, 6, 10)
        .await
        .unwrap_err();
    assert_eq!(ahead.code(), "events_pruned", "an id that was never given");
    test.db
        .clock
        .advance(Duration::from_hours(24 * 7) + Duration::from_secs(1));
    assert_eq!(test.services.prune().await.unwrap().events, 2);
    assert_eq!(test.services.event.head().await.unwrap(), 5);
    assert!(keys(&test, &Actor::Operator, 5).await.is_empty());
    test.tenant("Another").await;
    assert_eq!(keys(&test, &Actor::Operator, 5).await.len(), 1);
}

#[tokio::test]
async fn a_change_wakes_the_readers() {
    let test = TestServices::new().await;
    let mut bell = test.services.event.listen();
    bell.mark_unchanged();
    let id = test.tenant("Acme").await;
    assert!(bell.has_changed().unwrap());
    bell.mark_unchanged();
    let same = test
        .services
        .tenant
        .rename(&Actor::Operator, id, "Acme", &origin())
        .await;
    assert!(same.is_ok() && !bell.has_changed().unwrap());
}
