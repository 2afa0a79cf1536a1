//! Events: commit order without gaps, one moment per read, and an end that readers learn of.

use std::time::Duration;

use model::event::Subject;
use serde_json::json;
use store::Wake;
use store::event::{self, Span};
use tests::db::TestDb;

use super::a_tenant;

async fn write(test: &TestDb, key: &str) -> i64 {
    let mut tx = test.db.begin().await.unwrap();
    let data = json!({"é": "\u{0}"});
    let id = event::append(&mut tx, test.now(), Subject::Instance, key, None, &data)
        .await
        .unwrap();
    tx.wake(Wake::Events);
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn ids_are_in_commit_order_even_when_many_write() {
    let test = std::sync::Arc::new(TestDb::new().await);
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let test = test.clone();
        writers.spawn(async move { write(&test, &number.to_string()).await });
    }
    let mut seen = Vec::new();
    let mut after = 0;
    let mut ids = Vec::new();
    while let Some(id) = writers.join_next().await {
        ids.push(id.unwrap());
        // What is read at any moment has no gap that could be filled later.
        let (span, events) = event::since(&test.db, None, after, 100).await.unwrap();
        for event in events {
            assert_eq!(event.id, after + 1);
            after = event.id;
            seen.push(event.key);
        }
        assert_eq!(span.last, after);
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=20).collect::<Vec<_>>());
    assert_eq!(seen.len(), 20);
}

#[tokio::test]
async fn a_rolled_back_event_leaves_no_gap() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin().await.unwrap();
    let lost = event::append(&mut tx, test.now(), Subject::Tenant, "a", None, &json!(1)).await;
    drop(tx);
    assert_eq!((lost.unwrap(), write(&test, "b").await), (1, 1));
}

#[tokio::test]
async fn a_tenant_reads_its_own() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    write(&test, "staff").await;
    let mut tx = test.db.begin().await.unwrap();
    event::append(
        &mut tx,
        test.now(),
        Subject::Tenant,
        "own",
        Some(tenant),
        &json!({"a": [1]}),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let (span, own) = event::since(&test.db, Some(tenant), 0, 10).await.unwrap();
    assert_eq!(span, Span { pruned: 0, last: 2 });
    assert_eq!(own.len(), 1);
    assert_eq!(
        (own[0].id, own[0].key.as_str(), own[0].tenant),
        (2, "own", Some(tenant))
    );
    assert_eq!(own[0].data, json!({"a": [1]}));
    let (_, all) = event::since(&test.db, None, 0, 1).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].data, json!({"é": "\u{0}"}));
}

#[tokio::test]
async fn pruning_keeps_the_newest_and_says_what_is_gone() {
    let test = TestDb::new().await;
    for key in ["1", "2", "3"] {
        write(&test, key).await;
    }
    test.clock.advance(Duration::from_hours(2));
    for key in ["4", "5", "6"] {
        write(&test, key).await;
    }
    let prune = async |kept| {
        let mut tx = test.db.begin().await.unwrap();
        let oldest = test.now() - Duration::from_hours(1);
        let dropped = event::prune(&mut tx, oldest, kept).await.unwrap();
        tx.commit().await.unwrap();
        dropped
    };
    assert_eq!(prune(100).await, 3);
    assert_eq!(
        event::span(&test.db).await.unwrap(),
        Span { pruned: 3, last: 6 }
    );
    assert_eq!(prune(2).await, 1);
    assert_eq!(
        event::span(&test.db).await.unwrap(),
        Span { pruned: 4, last: 6 }
    );
    test.clock.advance(Duration::from_hours(2));
    assert_eq!(prune(100).await, 2);
    let (span, none) = event::since(&test.db, None, 6, 10).await.unwrap();
    assert_eq!((span, none.len()), (Span { pruned: 6, last: 6 }, 0));
}

#[tokio::test]
async fn a_commit_wakes_those_who_wait() {
    let test = TestDb::new().await;
    let mut bell = test.db.listen(Wake::Events);
    bell.mark_unchanged();
    write(&test, "a").await;
    assert!(bell.has_changed().unwrap());
}
