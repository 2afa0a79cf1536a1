//! Sessions as the HTTP layer uses them: through `tower_sessions`, with the id changed at sign-in.

use std::sync::Arc;
use std::time::Duration;

use model::{Actor, SessionKey, UserId};
use service::Error;
use tests::services::{TestServices, origin};
use tower_sessions::session::{Id, Session};
use tower_sessions::{Expiry, SessionStore as _};

async fn signed_in(test: &TestServices, user: UserId) -> Id {
    let session = Session::new(None, Arc::new(test.services.session.store()), None);
    test.services
        .session
        .begin(&session, user, &origin())
        .await
        .unwrap();
    session.save().await.unwrap();
    session.id().unwrap()
}

async fn caller(test: &TestServices, id: &Id) -> Option<Actor> {
    test.services.session.caller(id).await.unwrap()
}

#[tokio::test]
async fn signing_in_changes_the_id_and_keeps_what_was_carried() {
    let test = TestServices::new().await;
    let user = test.owner().await.user_id().unwrap();
    let store = Arc::new(test.services.session.store());
    let session = Session::new(None, store.clone(), None);
    session.insert("flash", "hello").await.unwrap();
    session.save().await.unwrap();
    let planted = session.id().unwrap();
    assert_eq!(caller(&test, &planted).await, None, "nobody has signed in");
    let session = Session::new(Some(planted), store.clone(), None);
    test.services
        .session
        .begin(&session, user, &origin())
        .await
        .unwrap();
    session.save().await.unwrap();
    let id = session.id().unwrap();
    assert_ne!(id, planted);
    assert_eq!(store.load(&planted).await.unwrap(), None);
    let record = store.load(&id).await.unwrap().unwrap();
    assert_eq!(record.data["flash"], "hello");
    assert_eq!(caller(&test, &id).await.unwrap().user_id(), Some(user));
    let shown = test
        .services
        .session
        .list(&caller(&test, &id).await.unwrap())
        .await
        .unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(
        (shown[0].device.as_str(), shown[0].current),
        ("Firefox on Linux", true)
    );
    assert_eq!(shown[0].address, "192.0.2.7");
}

#[tokio::test]
async fn the_database_holds_nothing_that_opens_a_session() {
    let test = TestServices::new().await;
    let user = test.owner().await.user_id().unwrap();
    let id = signed_in(&test, user).await;
    let stored = test
        .db
        .text("select id_hash || ' ' || key || ' ' || data from session")
        .await;
    assert!(!stored.contains(&id.to_string()));
    let (hash, _) = stored.split_once(' ').unwrap();
    assert_eq!(hash.len(), 64);
    assert!(hash.parse::<Id>().is_err(), "the hash is no id");
}

#[tokio::test]
async fn an_ended_session_is_not_brought_back_by_a_request_in_flight() {
    let test = TestServices::new().await;
    let user = test.owner().await.user_id().unwrap();
    let id = signed_in(&test, user).await;
    let store = Arc::new(test.services.session.store());
    let in_flight = Session::new(Some(id), store.clone(), Some(Expiry::OnSessionEnd));
    in_flight.insert("late", 1).await.unwrap();
    let actor = caller(&test, &id).await.unwrap();
    let Actor::User(person) = &actor else {
        panic!("a person")
    };
    test.services
        .session
        .end(&actor, person.session)
        .await
        .unwrap();
    in_flight.save().await.unwrap();
    assert_eq!(caller(&test, &id).await, None);
    assert_eq!(store.load(&id).await.unwrap(), None);
    let again = test
        .services
        .session
        .end(&actor, person.session)
        .await
        .unwrap_err();
    assert!(matches!(again, Error::NotFound { what: "session" }));
}

#[tokio::test]
async fn a_session_lives_while_it_is_used_and_not_beyond_its_end() {
    let test = TestServices::new().await;
    let user = test.owner().await.user_id().unwrap();
    let id = signed_in(&test, user).await;
    // Used every 20 minutes it lives for 12 hours.
    for step in 1..36 {
        test.db.clock.advance(Duration::from_mins(20));
        // The use is noted beside the request.
        loop {
            let actor = caller(&test, &id)
                .await
                .unwrap_or_else(|| panic!("lives at {step}"));
            let shown = test.services.session.list(&actor).await.unwrap();
            if shown[0].last_used_at == test.db.now() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    test.db.clock.advance(Duration::from_mins(20));
    assert_eq!(caller(&test, &id).await, None);
    let idle = signed_in(&test, user).await;
    test.db.clock.advance(Duration::from_mins(30));
    assert_eq!(caller(&test, &idle).await, None);
    assert_eq!(test.services.prune().await.unwrap().sessions, 2);
}

#[tokio::test]
async fn one_ends_ones_own_sessions_only() {
    let test = TestServices::new().await;
    let user = test.owner().await.user_id().unwrap();
    let (here, there) = (signed_in(&test, user).await, signed_in(&test, user).await);
    let actor = caller(&test, &here).await.unwrap();
    let stranger = test.person(None, Vec::new());
    let Actor::User(me) = &actor else {
        panic!("a person")
    };
    let theirs = test
        .services
        .session
        .end(&stranger, me.session)
        .await
        .unwrap_err();
    assert_eq!(theirs.code(), "not_found");
    assert_eq!(test.services.session.end_others(&actor).await.unwrap(), 1);
    assert_eq!(test.services.session.end_others(&actor).await.unwrap(), 0);
    assert!(caller(&test, &there).await.is_none() && caller(&test, &here).await.is_some());
    let token = test.staff_token(&["all:write"]);
    assert_eq!(
        test.services.session.list(&token).await.unwrap_err().code(),
        "forbidden"
    );
    let nobody = test
        .services
        .session
        .end(&Actor::Anonymous, SessionKey::zero())
        .await;
    assert_eq!(nobody.unwrap_err().code(), "unauthenticated");
}

#[tokio::test]
async fn a_session_that_carries_too_much_is_refused() {
    let test = TestServices::new().await;
    let session = Session::new(None, Arc::new(test.services.session.store()), None);
    session.insert("much", "x".repeat(70_000)).await.unwrap();
    assert!(session.save().await.is_err());
}
