//! Sessions: two ends of life, saving that brings nothing back, and the caller in one statement.

use std::time::Duration;

use model::secret_text::TokenHash;
use model::user::{StaffRole, TenantRole};
use model::{SessionKey, Timestamp, UserId};
use store::session::{self, Life, NewSession};
use tests::db::TestDb;

use super::{a_tenant, a_user};

const MINUTE: Duration = Duration::from_mins(1);

fn life(test: &TestDb) -> Life {
    Life {
        now: test.now(),
        idle_since: test.now() - 30 * MINUTE,
    }
}

async fn begin(test: &TestDb, id: &str, user: Option<UserId>) -> (TokenHash, SessionKey) {
    let hash = TokenHash::of(id.as_bytes());
    let key = SessionKey::new(&*test.clock, &*test.entropy);
    let new = NewSession {
        hash: &hash,
        key,
        user,
        data: "{}",
        device: "Firefox on Linux",
        address: "192.0.2.1",
        at: test.now(),
        expires_at: test.now() + 60 * MINUTE,
    };
    let mut tx = test.db.begin().await.unwrap();
    assert!(session::insert(&mut tx, &new).await.unwrap());
    assert!(
        !session::insert(&mut tx, &new).await.unwrap(),
        "the id is taken"
    );
    tx.commit().await.unwrap();
    (hash, key)
}

async fn touch(test: &TestDb, hash: &TokenHash) {
    let mut tx = test.db.begin().await.unwrap();
    session::touch(&mut tx, hash, test.now(), test.now() - MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn save(test: &TestDb, hash: &TokenHash, data: &str) -> bool {
    let mut tx = test.db.begin().await.unwrap();
    let saved = session::save(&mut tx, hash, data, life(test))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    saved
}

#[tokio::test]
async fn a_session_ends_when_idle_and_at_its_absolute_end() {
    let test = TestDb::new().await;
    let (hash, _) = begin(&test, "one", None).await;
    assert!(
        session::load(&test.db, &hash, life(&test))
            .await
            .unwrap()
            .is_some()
    );
    test.clock.advance(29 * MINUTE);
    touch(&test, &hash).await;
    test.clock.advance(29 * MINUTE);
    assert!(
        session::load(&test.db, &hash, life(&test))
            .await
            .unwrap()
            .is_some()
    );
    touch(&test, &hash).await;
    test.clock.advance(3 * MINUTE);
    assert_eq!(
        session::load(&test.db, &hash, life(&test)).await.unwrap(),
        None,
        "absolute"
    );
    let (hash, _) = begin(&test, "two", None).await;
    test.clock.advance(30 * MINUTE);
    assert_eq!(
        session::load(&test.db, &hash, life(&test)).await.unwrap(),
        None,
        "idle"
    );
    let mut tx = test.db.begin().await.unwrap();
    assert_eq!(session::prune(&mut tx, life(&test)).await.unwrap(), 2);
}

#[tokio::test]
async fn saving_brings_nothing_back() {
    let test = TestDb::new().await;
    let (hash, _) = begin(&test, "one", None).await;
    assert!(save(&test, &hash, r#"{"a":1}"#).await);
    let loaded = session::load(&test.db, &hash, life(&test))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(loaded.data, r#"{"a":1}"#);
    let mut tx = test.db.begin().await.unwrap();
    session::delete(&mut tx, &hash).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!save(&test, &hash, "{}").await);
    assert_eq!(
        session::load(&test.db, &hash, life(&test)).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn the_caller_comes_with_every_role() {
    let test = TestDb::new().await;
    let user = a_user(&test, "pat@example.org", Some(StaffRole::Viewer)).await;
    let (one, two) = (a_tenant(&test, "One").await, a_tenant(&test, "Two").await);
    let mut tx = test.db.begin().await.unwrap();
    store::membership::put(&mut tx, user, one, TenantRole::Admin, test.now())
        .await
        .unwrap();
    store::membership::put(&mut tx, user, two, TenantRole::Member, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let (hash, key) = begin(&test, "one", Some(user)).await;
    let (caller, last) = session::caller(&test.db, &hash, life(&test))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((caller.id, caller.session, last), (user, key, test.now()));
    assert_eq!(caller.staff, Some(StaffRole::Viewer));
    let mut roles = vec![(one, TenantRole::Admin), (two, TenantRole::Member)];
    roles.sort();
    assert_eq!(caller.tenants, roles);
    test.shell("update app_user set disabled_at = 1").await;
    assert_eq!(
        session::caller(&test.db, &hash, life(&test)).await.unwrap(),
        None
    );
    let (anonymous, _) = begin(&test, "two", None).await;
    assert_eq!(
        session::caller(&test.db, &anonymous, life(&test))
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_use_is_noted_once_a_minute_and_never_backwards() {
    let test = TestDb::new().await;
    let user = a_user(&test, "pat@example.org", None).await;
    let (hash, _) = begin(&test, "one", Some(user)).await;
    let last = async || -> Timestamp {
        session::list(&test.db, user, life(&test)).await.unwrap()[0].last_used_at
    };
    let start = test.now();
    test.clock
        .advance(MINUTE.saturating_sub(Duration::from_micros(1)));
    touch(&test, &hash).await;
    assert_eq!(last().await, start);
    test.clock.advance(Duration::from_micros(1));
    touch(&test, &hash).await;
    let noted = test.now();
    assert_eq!(last().await, noted);
    test.clock.set(start);
    touch(&test, &hash).await;
    assert_eq!(last().await, noted);
}

#[tokio::test]
async fn people_end_their_own_sessions_only() {
    let test = TestDb::new().await;
    let pat = a_user(&test, "pat@example.org", None).await;
    let sam = a_user(&test, "sam@example.org", None).await;
    let (_, one) = begin(&test, "one", Some(pat)).await;
    let (_, two) = begin(&test, "two", Some(pat)).await;
    let (_, other) = begin(&test, "three", Some(sam)).await;
    let mut tx = test.db.begin().await.unwrap();
    assert!(!session::end(&mut tx, pat, other).await.unwrap());
    assert_eq!(session::end_others(&mut tx, pat, two).await.unwrap(), 1);
    assert!(!session::end(&mut tx, pat, one).await.unwrap());
    assert!(session::end(&mut tx, pat, two).await.unwrap());
    tx.commit().await.unwrap();
    assert!(
        session::list(&test.db, pat, life(&test))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        session::list(&test.db, sam, life(&test))
            .await
            .unwrap()
            .len(),
        1
    );
}
