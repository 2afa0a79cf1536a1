//! What goes wrong while a token is issued, and several people at once: nothing is left behind, nothing
//! is shown that is not so, and what one revoked nobody brings back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::TokenId;
use model::token::{EndReason, TokenState};
use service::ports::ClusterError;
use service::{IdempotencyKey, RevokeToken, TokenFilter};
use tests::cluster::{Fault, Method};
use tests::services::origin;

use super::instance_token::{Place, named};

fn manager(why: &str) -> ClusterError {
    ClusterError::SecretsManager(why.to_owned())
}

/// Nothing is there of a token that was to be issued, and another one of its name can be.
async fn nothing_left(place: &Place, what: &str) {
    assert_eq!(place.list(TokenFilter::default()).await, [], "{what}");
    assert!(place.open_to().await.is_empty(), "{what}");
    let entries = place.world.cluster.entries(&place.instance.id);
    assert_eq!(entries, Vec::<String>::new(), "{what}");
    let trail = place.trail("token.issue").await;
    let last = trail.last().expect("a row");
    assert!(
        last.contains("was not issued; nothing is left"),
        "{what}: {last}"
    );
    place.world.cluster.heal();
    let made = place.issue("CI").await;
    place.revoke(made.view.id).await;
    place.world.db.shell("delete from token").await;
    let shell = place.world.cluster.entries(&place.instance.id);
    assert_eq!(shell.len(), 1, "{what}");
}

#[tokio::test]
async fn when_secrets_manager_does_not_take_it_nothing_is_left() {
    for (what, fault) in [
        (
            "refused",
            Fault::Before(ClusterError::Refused("AccessDenied".to_owned())),
        ),
        (
            "throttled",
            Fault::Before(ClusterError::Busy("429".to_owned())),
        ),
        ("failed", Fault::Before(manager("500"))),
        (
            "answer lost after the write",
            Fault::After(manager("reset")),
        ),
        ("silent", Fault::Silence),
    ] {
        let place = Place::new().await;
        let generation = place.generation().await;
        place.world.cluster.fail(Method::WriteToken, 1, fault);
        let error = place.try_issue("CI").await.err().expect("not issued");
        assert_eq!(error.code(), "unavailable", "{what}");
        assert!(!error.public().contains("AccessDenied"), "{what}");
        assert_eq!(place.generation().await, generation, "{what}");
        nothing_left(&place, what).await;
    }
}

#[tokio::test]
async fn when_nobody_knows_whether_it_is_there_the_row_stays_until_it_is_gone() {
    let place = Place::new().await;
    let lost = Fault::After(manager("reset"));
    place.world.cluster.fail(Method::WriteToken, 1, lost);
    let down = Fault::Before(manager("down"));
    place.world.cluster.fail(Method::RemoveToken, 1, down);
    assert!(place.try_issue("CI").await.is_err());
    let rows = place.list(TokenFilter::default()).await;
    assert_eq!((rows.len(), rows[0].state), (1, TokenState::Failed));
    assert!(
        rows[0]
            .waiting
            .as_deref()
            .is_some_and(|why| why.contains("being removed"))
    );
    assert_eq!(place.world.cluster.entries(&place.instance.id).len(), 1);
    assert!(
        place.open_to().await.is_empty(),
        "the gate never let it pass"
    );
    let keys = store::gate::token::of_instance(&place.world.db.db, &place.instance.id).await;
    let keys = keys.unwrap();
    assert!(
        keys.len() == 1 && keys[0].is_over(),
        "it is to be cleaned up: {keys:?}"
    );
    let trail = place.trail("token.issue").await;
    assert!(
        trail[1].contains("what may be left of it is being removed"),
        "{trail:?}"
    );
    place.issue("CI").await;
}

#[tokio::test]
async fn a_repeat_after_a_refusal_counts_as_the_first() {
    let place = Place::new().await;
    let answers = &place.services().idempotency;
    let key = || IdempotencyKey {
        actor: "user:1".to_owned(),
        route: "POST /instances/x/tokens".to_owned(),
        key: "abc".to_owned(),
        body_hash: "1".to_owned(),
    };
    place.world.cluster.secrets_manager(false);
    let service::Begun::Fresh(ticket) = answers.begin(key()).await.unwrap() else {
        panic!("the first")
    };
    let refused = answers.within(&ticket, place.try_issue("CI")).await;
    assert!(refused.is_err());
    // Secrets Manager was down for the removal as well, so a row stays; what was asked was not done.
    answers.finish(ticket, 503, "{}").await.unwrap();
    let again = answers.begin(key()).await.unwrap();
    assert!(matches!(again, service::Begun::Fresh(_)), "{again:?}");
}

#[tokio::test]
async fn an_issue_that_a_crash_broke_off_ends_as_failed() {
    let place = Place::new().await;
    place
        .world
        .cluster
        .fail(Method::WriteToken, 1, Fault::Silence);
    let issue = place.try_issue("CI");
    // Dropped while Secrets Manager keeps silent, as a killed process would be.
    assert!(
        tokio::time::timeout(Duration::from_millis(50), issue)
            .await
            .is_err()
    );
    let row = place.list(TokenFilter::default()).await.remove(0);
    assert_eq!(row.state, TokenState::Issuing);
    assert_eq!(
        row.waiting.as_deref(),
        Some("Secrets Manager is being given its key.")
    );
    assert!(place.open_to().await.is_empty());
    let tokens = &place.services().token;
    place.world.db.clock.advance(Duration::from_secs(45));
    tokens.calendar_round().await.unwrap();
    assert_eq!(place.get(row.id).await.state, TokenState::Issuing);
    place.world.db.clock.advance(Duration::from_secs(16));
    tokens.calendar_round().await.unwrap();
    let failed = place.get(row.id).await;
    assert_eq!(failed.state, TokenState::Failed);
    assert!(
        failed
            .waiting
            .is_some_and(|why| why.contains("The server stopped"))
    );
    let trail = place.trail("token.issue").await;
    assert!(
        trail[1].contains("the server stopped in between"),
        "{trail:?}"
    );
    place.issue("CI").await;
}

#[tokio::test]
async fn what_is_revoked_while_it_is_issued_stays_revoked() {
    let place = Arc::new(Place::new().await);
    place
        .world
        .cluster
        .fail(Method::WriteToken, 1, Fault::Silence);
    let of = Arc::clone(&place);
    let issue = tokio::spawn(async move { of.try_issue("CI").await.err().map(|e| e.code()) });
    let id = loop {
        if let Some(row) = place.list(TokenFilter::default()).await.first() {
            break row.id;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(place.revoke(id).await.state, TokenState::Revoking);
    assert_eq!(issue.await.unwrap(), Some("unavailable"));
    let kept = place.get(id).await;
    assert_eq!(
        (kept.state, kept.reason),
        (TokenState::Revoking, Some(EndReason::Revoked))
    );
    assert!(place.open_to().await.is_empty());
}

#[tokio::test]
async fn a_rotation_that_is_not_taken_leaves_the_old_token_alone() {
    let place = Place::new().await;
    let old = place.issue("CI").await.view;
    let refused = ClusterError::Refused("AccessDenied".to_owned());
    place
        .world
        .cluster
        .fail(Method::WriteToken, 1, Fault::Before(refused));
    assert!(place.rotate(old.id, Duration::ZERO).await.is_err());
    let kept = place.get(old.id).await;
    assert_eq!((kept.retires_at, kept.replaced_by), (None, None));
    place
        .world
        .cluster
        .fail(Method::WriteToken, 1, Fault::Silence);
    let rotate = place.rotate(old.id, Duration::ZERO);
    assert!(
        tokio::time::timeout(Duration::from_millis(50), rotate)
            .await
            .is_err()
    );
    assert!(place.get(old.id).await.retires_at.is_some());
    place.world.db.clock.advance(Duration::from_mins(2));
    let tokens = &place.services().token;
    tokens.calendar_round().await.unwrap();
    let kept = place.get(old.id).await;
    assert!(
        kept.state == TokenState::Issuing && kept.retires_at.is_none(),
        "{kept:?}"
    );
    place.world.db.clock.advance(Duration::from_hours(1));
    tokens.calendar_round().await.unwrap();
    assert!(place.get(old.id).await.state.is_open());
}

/// Issues, revokes and rotates as fast as it goes, and tells what it ended.
async fn busy(place: Arc<Place>, number: usize) -> BTreeSet<TokenId> {
    let mut ended = BTreeSet::new();
    for round in 0..6 {
        let made = place.issue(&format!("Token {number}-{round}")).await;
        if round % 3 == 2 {
            let next = place.rotate(made.view.id, Duration::from_hours(1)).await;
            assert!(next.is_ok());
        }
        if round % 2 == 0 {
            place.revoke(made.view.id).await;
            ended.insert(made.view.id);
        }
    }
    ended
}

#[tokio::test]
async fn people_who_act_at_once_never_bring_back_what_one_revoked() {
    let place = Arc::new(Place::new().await);
    let before = place.generation().await;
    let mut people = tokio::task::JoinSet::new();
    for number in 0..6 {
        people.spawn(busy(Arc::clone(&place), number));
    }
    let mut ended = BTreeSet::new();
    while let Some(theirs) = people.join_next().await {
        ended.extend(theirs.unwrap());
    }
    let all = TokenFilter {
        limit: Some(200),
        ..TokenFilter::default()
    };
    let rows = place.list(all).await;
    assert_eq!((rows.len(), ended.len()), (6 * 8, 6 * 3));
    let consumer = |id: &TokenId| format!("t{}", id.to_string().replace('-', ""));
    let open: BTreeSet<String> = place.open_to().await.into_iter().collect();
    let wished = rows.iter().filter(|it| it.state.is_open());
    assert_eq!(open, wished.map(|it| consumer(&it.id)).collect());
    assert!(ended.iter().all(|id| !open.contains(&consumer(id))));
    // Each issue and each end moved the gate once.
    assert_eq!(place.generation().await, before + 6 * 8 + 6 * 3);
}

#[tokio::test]
async fn many_who_revoke_one_token_are_one_revocation() {
    let place = Arc::new(Place::new().await);
    let made = place.issue("CI").await;
    let generation = place.generation().await;
    let mut people = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let of = Arc::clone(&place);
        let id = made.view.id;
        people.spawn(async move {
            let command = RevokeToken {
                reason: EndReason::Leaked,
                note: "seen in a log".to_owned(),
            };
            let tokens = &of.services().token;
            tokens
                .revoke(&of.admin, id, command, &origin())
                .await
                .unwrap()
                .state
        });
    }
    while let Some(state) = people.join_next().await {
        assert_eq!(state.unwrap(), TokenState::Revoking);
    }
    assert_eq!(place.generation().await, generation + 1);
    let trail = place.trail("token.revoke").await;
    assert_eq!(trail.len(), 1);
    assert!(
        trail[0].contains("leaked") && trail[0].contains("seen in a log"),
        "{trail:?}"
    );
    assert!(place.try_issue_with(named("CI")).await.is_ok());
}
