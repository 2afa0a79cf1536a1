//! How tokens end: revoked one by one or together, rotated with an overlap, expired on time or late.
//! What the gateway makes of it is in `enforcement`.

use std::time::Duration;

use model::token::{DAY, EndReason, TokenState};
use model::user::TenantRole;
use model::view::InstanceView;
use model::{Actor, TokenId};
use service::{IssueToken, RevokeAll, RevokeToken, RotateToken, TokenFilter};
use tests::services::origin;

use super::instance_token::{Place, named, person};

#[tokio::test]
async fn a_revoked_token_leaves_the_gate_at_once_and_is_revoking_until_proven() {
    let place = Place::new().await;
    let made = place.issue("CI").await;
    place.put(made.view.id, TokenState::Active).await;
    let generation = place.generation().await;
    let ended = place.revoke(made.view.id).await;
    assert_eq!(
        (ended.state, ended.reason),
        (TokenState::Revoking, Some(EndReason::Revoked))
    );
    assert_eq!(ended.since, place.world.db.now());
    assert_eq!(place.generation().await, generation + 1);
    assert!(place.open_to().await.is_empty());
    assert_eq!(
        ended.waiting.as_deref(),
        Some("The gateway is being told to refuse it.")
    );
    // Again changes nothing.
    assert_eq!(place.revoke(made.view.id).await, ended);
    assert_eq!(place.generation().await, generation + 1);
    place.world.db.clock.advance(Duration::from_secs(40));
    assert!(place.get(made.view.id).await.unproven);
    place.put(made.view.id, TokenState::Revoked).await;
    let revoked = place.revoke(made.view.id).await;
    assert!(revoked.state == TokenState::Revoked && !revoked.unproven);
    for reason in [EndReason::Expired, EndReason::Rotated, EndReason::Deleted] {
        let command = RevokeToken {
            reason,
            note: String::new(),
        };
        let tokens = &place.services().token;
        let refused = tokens
            .revoke(&place.admin, made.view.id, command, &origin())
            .await;
        assert_eq!(refused.unwrap_err().code(), "invalid");
    }
}

#[tokio::test]
async fn a_note_never_carries_a_token_into_the_trail() {
    let place = Place::new().await;
    let made = place.issue("CI").await;
    let text = made.token.expose();
    let command = RevokeToken {
        reason: EndReason::Leaked,
        note: format!("found {text}\nin a log"),
    };
    let tokens = &place.services().token;
    tokens
        .revoke(&place.admin, made.view.id, command, &origin())
        .await
        .unwrap();
    let trail = place.trail("token.revoke").await;
    let said = format!("found {} in a log", made.view.hint);
    assert!(
        trail[0].contains(&said) && !trail[0].contains(text),
        "{trail:?}"
    );
}

async fn issue_on(place: &Place, instance: &InstanceView, command: IssueToken) -> TokenId {
    let tokens = &place.services().token;
    let made = tokens
        .issue(&place.admin, &instance.id, command, &origin())
        .await;
    made.expect("issued").view.id
}

/// Ends them, and says which.
async fn end_all(place: &Place, which: RevokeAll) -> Vec<String> {
    let tokens = &place.services().token;
    let ended = tokens
        .revoke_all(&place.admin, which, &origin())
        .await
        .unwrap();
    assert!(ended.iter().all(|it| it.state == TokenState::Revoking));
    assert!(ended.iter().all(|it| it.reason == Some(EndReason::Revoked)));
    let mut names: Vec<_> = ended.into_iter().map(|it| it.name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn all_of_an_instance_an_owner_or_a_tenant_end_together() {
    let place = Place::new().await;
    let second = place.world.running("Second").await;
    let tenant = place.world.tenant;
    let (pat, _) = person(&place.world, tenant, "p@acme.example", TenantRole::Member).await;
    let of_pat = |name: &str| IssueToken {
        owner: Some(pat),
        ..named(name)
    };
    for name in ["A", "B", "C"] {
        place.issue(name).await;
    }
    issue_on(&place, &place.instance, of_pat("D")).await;
    issue_on(&place, &second, of_pat("E")).await;
    issue_on(&place, &second, named("F")).await;
    let generation = place.generation().await;
    let of_owner = RevokeAll::Owner(tenant, pat);
    assert_eq!(end_all(&place, of_owner).await, ["D", "E"]);
    assert_eq!(place.generation().await, generation + 1);
    let of_instance = RevokeAll::Instance(place.instance.id.clone());
    assert_eq!(end_all(&place, of_instance).await, ["A", "B", "C"]);
    assert_eq!(
        place.generation().await,
        generation + 2,
        "three at once are one"
    );
    assert_eq!(end_all(&place, RevokeAll::Tenant(tenant)).await, ["F"]);
    assert!(end_all(&place, RevokeAll::Tenant(tenant)).await.is_empty());
    assert_eq!(place.generation().await, generation + 2);
    let trail = place.trail("token.revoke_all").await;
    assert_eq!(trail.len(), 4);
    for part in ["A, B, C", "Pat Person answers for: D"] {
        assert!(trail.iter().any(|row| row.contains(part)), "{trail:?}");
    }
    let tokens = &place.services().token;
    let nowhere = RevokeAll::Tenant(model::TenantId::zero());
    let nobody = tokens
        .revoke_all(&Actor::Operator, nowhere, &origin())
        .await;
    assert_eq!(nobody.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn a_rotated_token_lives_through_the_overlap_and_retires_by_itself() {
    let place = Place::new().await;
    let old = place.issue("CI").await.view;
    place.put(old.id, TokenState::Active).await;
    let tokens = &place.services().token;
    let usual = RotateToken::default();
    let rotated = tokens.rotate(&place.admin, old.id, usual, &origin()).await;
    let new = rotated.expect("rotated");
    assert_eq!(
        (new.view.name.as_str(), new.view.replaces),
        ("CI", Some(old.id))
    );
    let kept = place.get(old.id).await;
    assert_eq!(kept.retires_at, Some(place.world.db.now() + DAY));
    assert_eq!(kept.replaced_by, Some(new.view.id));
    assert_eq!(place.open_to().await.len(), 2);
    let again = place.rotate(old.id, DAY).await.err().expect("refused");
    assert_eq!(again.code(), "already_rotated");
    assert!(again.public().contains(&new.view.hint));
    let untouched = tokens.retire(&place.admin, new.view.id, &origin()).await;
    assert_eq!(untouched.unwrap_err().code(), "not_rotated");
    place.put(new.view.id, TokenState::Active).await;
    place
        .world
        .db
        .clock
        .advance(DAY.checked_sub(Duration::from_secs(1)).unwrap());
    tokens.calendar_round().await.unwrap();
    assert_eq!(place.get(old.id).await.state, TokenState::Active);
    place.world.db.clock.advance(Duration::from_secs(1));
    tokens.calendar_round().await.unwrap();
    let retired = place.get(old.id).await;
    assert_eq!(
        (retired.state, retired.reason, retired.late_ms),
        (TokenState::Revoking, Some(EndReason::Rotated), None)
    );
    assert_eq!(place.open_to().await.len(), 1);
    assert_eq!(place.trail("token.retire").await.len(), 1);
}

#[tokio::test]
async fn without_an_overlap_the_old_one_goes_when_the_new_one_has_arrived() {
    let place = Place::new().await;
    let old = place.issue("CI").await.view;
    place.put(old.id, TokenState::Active).await;
    let new = place
        .rotate(old.id, Duration::ZERO)
        .await
        .expect("rotated")
        .view;
    let tokens = &place.services().token;
    for _ in 0..3 {
        place.world.db.clock.advance(Duration::from_mins(10));
        tokens.calendar_round().await.unwrap();
        assert_eq!(place.get(old.id).await.state, TokenState::Active);
    }
    place.put(new.id, TokenState::Active).await;
    tokens.calendar_round().await.unwrap();
    assert_eq!(place.get(old.id).await.state, TokenState::Revoking);
    let long = place.rotate(new.id, 31 * DAY).await.err().expect("refused");
    assert_eq!(long.code(), "invalid");
    let next = place.rotate(new.id, 30 * DAY).await.expect("rotated").view;
    let retired = tokens
        .retire(&place.admin, new.id, &origin())
        .await
        .unwrap();
    assert_eq!(
        (retired.state, retired.reason),
        (TokenState::Revoking, Some(EndReason::Rotated))
    );
    let over = place.rotate(new.id, DAY).await.err().expect("refused");
    assert_eq!(over.code(), "not_open");
    assert!(place.get(next.id).await.state.is_open());
}

#[tokio::test]
async fn a_successor_that_is_revoked_before_it_arrives_takes_nobodys_place() {
    let place = Place::new().await;
    let old = place.issue("CI").await.view;
    let new = place
        .rotate(old.id, Duration::ZERO)
        .await
        .expect("rotated")
        .view;
    place.revoke(new.id).await;
    let kept = place.get(old.id).await;
    assert_eq!((kept.retires_at, kept.state), (None, TokenState::Issuing));
    place.world.db.clock.advance(Duration::from_hours(1));
    place.services().token.calendar_round().await.unwrap();
    assert!(place.get(old.id).await.state.is_open());
    // It can be rotated anew, and everything at once ends both.
    let next = place.rotate(old.id, DAY).await.expect("rotated").view;
    let which = RevokeAll::Instance(place.instance.id.clone());
    let tokens = &place.services().token;
    let ended = tokens
        .revoke_all(&place.admin, which, &origin())
        .await
        .unwrap();
    assert_eq!(ended.len(), 2);
    assert!(place.open_to().await.is_empty());
    assert_eq!(place.get(next.id).await.state, TokenState::Revoking);
}

#[tokio::test]
async fn tokens_end_on_time_and_after_downtime_with_how_late_that_was() {
    let place = Place::new().await;
    let day = |name: &str, days| IssueToken {
        days: Some(days),
        ..named(name)
    };
    let punctual = issue_on(&place, &place.instance, day("Punctual", 1)).await;
    let late = [
        issue_on(&place, &place.instance, day("Late", 2)).await,
        issue_on(&place, &place.instance, day("Later", 3)).await,
    ];
    let kept = place.issue("Kept").await.view.id;
    let tokens = &place.services().token;
    place.world.db.clock.advance(DAY);
    tokens.calendar_round().await.unwrap();
    let ended = place.get(punctual).await;
    assert_eq!(
        (ended.state, ended.reason, ended.late_ms),
        (TokenState::Revoking, Some(EndReason::Expired), None)
    );
    assert_eq!(place.get(late[0]).await.state, TokenState::Issuing);
    // Nothing runs for two days and ten seconds.
    place
        .world
        .db
        .clock
        .advance(2 * DAY + Duration::from_secs(10));
    let generation = place.generation().await;
    let caught = tokens.catch_up(Duration::from_millis(10)).await.unwrap();
    assert_eq!(caught, 2);
    assert_eq!(place.generation().await, generation + 1);
    for (id, days) in late.into_iter().zip([1_u64, 0]) {
        let ended = place.get(id).await;
        assert_eq!(ended.reason, Some(EndReason::Expired));
        assert_eq!(ended.late_ms, Some((days * 86_400 + 10) * 1_000));
    }
    assert!(place.get(kept).await.state.is_open());
    let trail = place.trail("token.expire").await;
    assert_eq!(trail.len(), 3);
    assert!(trail[2].ends_with("10000 ms late."), "{trail:?}");
    assert_eq!(tokens.catch_up(Duration::from_secs(5)).await.unwrap(), 0);
}

#[tokio::test]
async fn catching_up_waits_until_the_gates_are_written() {
    let place = Place::new().await;
    let command = IssueToken {
        days: Some(1),
        ..named("CI")
    };
    issue_on(&place, &place.instance, command).await;
    place.world.db.clock.advance(2 * DAY);
    let tokens = place.services().token.clone();
    let generation = place.generation().await;
    let catching = tokio::spawn(async move { tokens.catch_up(Duration::from_secs(30)).await });
    while place.generation().await == generation {
        tokio::task::yield_now().await;
    }
    assert!(!catching.is_finished());
    place
        .world
        .db
        .shell("update gate set written_generation = 1000")
        .await;
    assert_eq!(catching.await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn whoever_waits_is_answered_when_the_state_is_settled() {
    let place = Place::new().await;
    let id = place.issue("CI").await.view.id;
    let tokens = place.services().token.clone();
    let now = tokens.wait(&place.admin, id, Duration::ZERO).await.unwrap();
    assert_eq!(now.state, TokenState::Issuing);
    let admin = place.admin.clone();
    let waiting = tokio::spawn(async move {
        let within = Duration::from_mins(1);
        tokens.wait(&admin, id, within).await.unwrap().state
    });
    place.put(id, TokenState::Active).await;
    // Any event wakes it, and it looks again.
    place.issue("Other").await;
    assert_eq!(waiting.await.unwrap(), TokenState::Active);
    let open = TokenFilter {
        state: Some(TokenState::Active),
        ..TokenFilter::default()
    };
    assert_eq!(place.list(open).await.len(), 1);
}
