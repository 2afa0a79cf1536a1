//! Kept answers: one holder per key, leases that run out, late comers that change nothing.

use std::time::Duration;

use store::idempotency::{self, Held, Key, Times};
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
    assert_eq!(
        held,
        Some(Held {
            body_hash: "b".to_owned(),
            answer
        })
    );
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
