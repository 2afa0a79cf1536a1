//! Duties are held by one at a time, renewed only by whoever holds them, and change hands with a
//! higher fence.

use std::time::{Duration, Instant};

use store::lease::{self, Lease};
use tests::db::TestDb;

const LASTS: Duration = Duration::from_millis(200);

async fn take(test: &TestDb, holder: &str) -> Option<Lease> {
    let mut tx = test.db.begin().await.unwrap();
    let taken = lease::take(&mut tx, "watch:eu", holder, LASTS, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    taken
}

async fn renew(test: &TestDb, held: &Lease) -> bool {
    let mut tx = test.db.begin().await.unwrap();
    let renewed = lease::renew(&mut tx, held, LASTS, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    renewed
}

/// Takes the duty as soon as its lease has run out, by the clock that counts on this engine.
async fn take_over(test: &TestDb, holder: &str) -> Lease {
    let begun = Instant::now();
    loop {
        if let Some(taken) = take(test, holder).await {
            return taken;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "the lease never ran out"
        );
        test.clock.advance(Duration::from_millis(20));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn one_holds_and_the_next_takes_over_with_a_higher_fence() {
    let test = TestDb::new().await;
    let first = take(&test, "first").await.expect("nobody holds it");
    assert_eq!((first.name(), first.fence()), ("watch:eu", 1));
    assert_eq!(take(&test, "second").await, None);
    assert!(renew(&test, &first).await);
    let second = take_over(&test, "second").await;
    assert_eq!(second.fence(), 2);
    assert!(
        !renew(&test, &first).await,
        "whoever was replaced renews nothing"
    );
    assert!(renew(&test, &second).await);
}

#[tokio::test]
async fn a_duty_that_was_given_up_is_free_at_once() {
    let test = TestDb::new().await;
    let first = take(&test, "first").await.expect("nobody holds it");
    let mut tx = test.db.begin().await.unwrap();
    lease::end(&mut tx, &first).await.unwrap();
    tx.commit().await.unwrap();
    let second = take(&test, "second").await.expect("it was given up");
    assert_eq!(second.fence(), 2);
    let mut tx = test.db.begin().await.unwrap();
    lease::end(&mut tx, &first).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        take(&test, "third").await,
        None,
        "the first has nothing to give up any more"
    );
}
