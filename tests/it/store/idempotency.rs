//! Kept answers: one holder per key, leases that run out, late comers that change nothing.

use std::time::Duration;

use store::idempotency::{self, Key, Times};
use tests::db::TestDb;

const KEY: Key<'static> = Key {
    actor: "user:1",
    route: "POST /t",
    key: "k",
    body_hash: "b",
};

fn times(test: &TestDb) -> Times {
    Times {
        now: test.now(),
        lease_until: test.now() + Duration::from_mins(1),
        expires_at: test.now() + Duration::from_hours(24),
    }
}

#[tokio::test]
async fn a_key_is_held_until_its_lease_runs_out() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin().await.unwrap();
    assert!(
        idempotency::take(&mut tx, KEY, "one", times(&test))
            .await
            .unwrap()
    );
    assert!(
        !idempotency::take(&mut tx, KEY, "two", times(&test))
            .await
            .unwrap()
    );
    let elsewhere = Key {
        actor: "user:2",
        ..KEY
    };
    assert!(
        idempotency::take(&mut tx, elsewhere, "three", times(&test))
            .await
            .unwrap()
    );
    test.clock.advance(Duration::from_mins(1));
    let other_body = Key {
        body_hash: "c",
        ..KEY
    };
    assert!(
        !idempotency::take(&mut tx, other_body, "four", times(&test))
            .await
            .unwrap()
    );
    assert!(
        idempotency::take(&mut tx, KEY, "two", times(&test))
            .await
            .unwrap()
    );
    let expiry = times(&test).expires_at;
    assert!(
        !idempotency::finish(&mut tx, "one", 201, "late", expiry)
            .await
            .unwrap()
    );
    assert!(
        idempotency::finish(&mut tx, "two", 201, "{}", expiry)
            .await
            .unwrap()
    );
    idempotency::abandon(&mut tx, "two").await.unwrap();
    let held = idempotency::held(&mut tx, KEY).await.unwrap();
    let answer = Some((201, "{}".to_owned()));
    let held = held.expect("the key is kept");
    assert_eq!((held.body_hash.as_str(), held.answer), ("b", answer));
    assert_eq!(held.done, "");
}

#[tokio::test]
async fn a_key_under_which_something_was_done_is_not_given_to_another() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin().await.unwrap();
    let taken = times(&test);
    idempotency::take(&mut tx, KEY, "one", taken).await.unwrap();
    idempotency::did(&mut tx, "one", "made it").await.unwrap();
    idempotency::abandon(&mut tx, "one").await.unwrap();
    test.clock.advance(Duration::from_hours(1));
    let later = times(&test);
    let given = idempotency::take(&mut tx, KEY, "two", later).await.unwrap();
    assert!(!given);
    let held = idempotency::held(&mut tx, KEY).await.unwrap().unwrap();
    assert_eq!((held.answer, held.done.as_str()), (None, "made it"));
    assert_eq!(held.lease_until, taken.lease_until);
}

#[tokio::test]
async fn an_answer_is_kept_until_it_expires() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin().await.unwrap();
    idempotency::take(&mut tx, KEY, "one", times(&test))
        .await
        .unwrap();
    let expiry = times(&test).expires_at;
    idempotency::finish(&mut tx, "one", 200, "{}", expiry)
        .await
        .unwrap();
    test.clock.advance(Duration::from_hours(23));
    assert!(
        !idempotency::take(&mut tx, KEY, "two", times(&test))
            .await
            .unwrap()
    );
    assert_eq!(idempotency::prune(&mut tx, test.now()).await.unwrap(), 0);
    test.clock.advance(Duration::from_hours(1));
    let other_body = Key {
        body_hash: "c",
        ..KEY
    };
    assert!(
        idempotency::take(&mut tx, other_body, "two", times(&test))
            .await
            .unwrap()
    );
    idempotency::abandon(&mut tx, "two").await.unwrap();
    assert_eq!(idempotency::held(&mut tx, KEY).await.unwrap(), None);
}
