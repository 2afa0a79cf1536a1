//! Leaky buckets: how many at once, how many later, and a clock that was set back.

use std::time::Duration;

use store::Tx;
use store::sign_in::{self, Bucket};
use tests::db::TestDb;

/// Three at once, one more each minute.
fn bucket(test: &TestDb) -> Bucket {
    let interval = Duration::from_mins(1);
    Bucket {
        now: test.now(),
        interval,
        window: 3 * interval,
    }
}

async fn take(tx: &mut Tx, test: &TestDb) -> bool {
    let bucket = bucket(test);
    sign_in::take(tx, "k", bucket).await.unwrap()
        || sign_in::insert(tx, "k", bucket.now + bucket.interval)
            .await
            .unwrap()
}

#[tokio::test]
async fn a_burst_then_a_rate() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin().await.unwrap();
    for expected in [true, true, true, false, false] {
        assert_eq!(take(&mut tx, &test).await, expected);
    }
    test.clock.advance(Duration::from_mins(1));
    assert!(take(&mut tx, &test).await);
    assert!(!take(&mut tx, &test).await);
    test.clock.advance(Duration::from_hours(9));
    for expected in [true, true, true, false] {
        assert_eq!(take(&mut tx, &test).await, expected);
    }
}

#[tokio::test]
async fn a_clock_set_back_locks_nobody_out() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin().await.unwrap();
    let start = test.now();
    test.clock.advance(Duration::from_hours(24));
    assert!(take(&mut tx, &test).await);
    test.clock.set(start);
    for expected in [true, true, true, false] {
        assert_eq!(take(&mut tx, &test).await, expected);
    }
}

#[tokio::test]
async fn only_what_says_nothing_more_is_dropped() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin().await.unwrap();
    let now = test.now();
    assert!(sign_in::insert(&mut tx, "old", now).await.unwrap());
    assert!(
        sign_in::insert(&mut tx, "live", now + Duration::from_micros(1))
            .await
            .unwrap()
    );
    assert!(!sign_in::insert(&mut tx, "live", now).await.unwrap());
    assert_eq!(sign_in::count(&mut tx).await.unwrap(), 2);
    assert_eq!(sign_in::prune(&mut tx, now).await.unwrap(), 1);
    assert_eq!(sign_in::due(&mut tx, "old").await.unwrap(), None);
    assert!(sign_in::due(&mut tx, "live").await.unwrap().is_some());
    sign_in::forget(&mut tx, "live").await.unwrap();
    assert_eq!(sign_in::count(&mut tx).await.unwrap(), 0);
}
