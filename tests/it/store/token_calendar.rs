//! What falls due with tokens: ends, broken-off issues, reminders; how their use is counted, and the
//! policies of tenants.

use std::time::Duration;

use model::cluster::Purpose;
use model::token::{DAY, OnLeak, TokenPolicy, TokenState};
use model::{InstanceId, TenantId, TokenId, may as of};
use store::token::{self, Seen};
use store::{lease, token_policy};
use tests::cluster::settings;
use tests::db::TestDb;

use super::may;
use super::token::{Wanted, a_place, a_token, put, row, try_token};

async fn retire(test: &TestDb, id: TokenId, after: Duration) {
    let kept = row(test, id).await;
    let mut tx = test.db.begin().await.unwrap();
    let at = test.now() + after;
    let set = token::retire_at(&mut tx, &may::<of::IssueToken>(), &kept, at).await;
    assert!(set.unwrap());
    tx.commit().await.unwrap();
}

async fn due(test: &TestDb, instance: &InstanceId) -> Vec<TokenId> {
    let mut tx = test.db.begin().await.unwrap();
    let rows = token::due_of(&mut tx, instance, test.now()).await.unwrap();
    let listed = token::due(&test.db, test.now(), 10).await.unwrap();
    assert_eq!(listed.len(), usize::from(!rows.is_empty()));
    assert!(listed.iter().all(|it| it == instance));
    rows.into_iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn a_token_is_due_when_its_time_is_over() {
    let test = TestDb::new().await;
    let place = a_place(&test).await;
    let (id, _) = a_token(&test, &place, Wanted::default()).await;
    test.clock
        .advance((90 * DAY).checked_sub(Duration::from_micros(1)).unwrap());
    assert!(due(&test, &place.1).await.is_empty());
    test.clock.advance(Duration::from_micros(1));
    assert_eq!(due(&test, &place.1).await, [id]);
    put(&test, id, TokenState::Active).await;
    assert_eq!(due(&test, &place.1).await, [id]);
    put(&test, id, TokenState::Revoking).await;
    assert!(due(&test, &place.1).await.is_empty());
}

#[tokio::test]
async fn a_rotated_token_waits_for_its_successor_but_not_beyond_its_own_end() {
    let test = TestDb::new().await;
    let place = a_place(&test).await;
    let (old, _) = a_token(&test, &place, Wanted::default()).await;
    retire(&test, old, Duration::ZERO).await;
    let wanted = Wanted {
        replaces: Some(old),
        life: 365 * DAY,
        ..Wanted::default()
    };
    let (next, _) = a_token(&test, &place, wanted).await;
    assert!(due(&test, &place.1).await.is_empty());
    put(&test, next, TokenState::Active).await;
    assert_eq!(due(&test, &place.1).await, [old]);
    put(&test, next, TokenState::Issuing).await;
    assert!(due(&test, &place.1).await.is_empty());
    test.clock.advance(90 * DAY);
    assert_eq!(due(&test, &place.1).await, [old]);
}

#[tokio::test]
async fn an_issue_that_was_broken_off_is_found() {
    let test = TestDb::new().await;
    let place = a_place(&test).await;
    a_token(&test, &place, Wanted::default()).await;
    let mut tx = test.db.begin().await.unwrap();
    let wanted = Wanted {
        name: "Lost",
        ..Wanted::default()
    };
    let made = try_token(&test, &mut tx, &place.1, place.0, wanted).await;
    let (lost, _) = made.unwrap();
    tx.commit().await.unwrap();
    let found = async |age| {
        let rows = token::half_written(&test.db, test.now() - age, 10).await;
        let ids: Vec<_> = rows.unwrap().into_iter().map(|row| row.id).collect();
        ids
    };
    assert!(found(Duration::from_secs(1)).await.is_empty());
    assert_eq!(found(Duration::ZERO).await, [lost]);
    let mut tx = test.db.begin().await.unwrap();
    let failed = token::fail(&mut tx, &may::<of::RevokeToken>(), lost, "", test.now()).await;
    assert!(failed.unwrap());
    tx.commit().await.unwrap();
    assert!(found(Duration::ZERO).await.is_empty());
}

#[tokio::test]
async fn a_reminder_is_due_within_its_mark_once() {
    let test = TestDb::new().await;
    let place = a_place(&test).await;
    let (id, _) = a_token(&test, &place, Wanted::default()).await;
    let week = Wanted {
        name: "Week",
        life: 7 * DAY,
        ..Wanted::default()
    };
    let (week, _) = a_token(&test, &place, week).await;
    let due = async |days, least: u32| {
        let rows = token::to_remind(&test.db, test.now(), days, least * DAY, 10).await;
        let ids: Vec<_> = rows.unwrap().into_iter().map(|row| row.id).collect();
        ids
    };
    // Nobody is reminded of a week who was given one.
    assert!(due(7, 1).await.is_empty());
    test.clock.advance(6 * DAY);
    assert_eq!(due(1, 0).await, [week]);
    test.clock.advance(54 * DAY);
    assert_eq!(due(30, 14).await, [id]);
    assert!(due(14, 7).await.is_empty());
    let mark = async |days| {
        let mut tx = test.db.begin().await.unwrap();
        let marked = token::mark(&mut tx, id, days, test.now()).await.unwrap();
        tx.commit().await.unwrap();
        marked
    };
    assert!(mark(30).await && !mark(30).await);
    assert!(due(30, 14).await.is_empty());
    test.clock.advance(16 * DAY);
    assert_eq!(due(14, 7).await, [id]);
    // A nearer one that was sent counts for those before it.
    assert!(mark(7).await);
    assert!(due(14, 7).await.is_empty());
    assert_eq!(token::marked(&test.db, id).await.unwrap(), [30, 7]);
    let mut tx = test.db.begin().await.unwrap();
    token::unmark(&mut tx, id, 7, test.now()).await.unwrap();
    token::unmark(&mut tx, id, 30, test.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(token::marked(&test.db, id).await.unwrap(), [30]);
    assert_eq!(due(14, 7).await, [id]);
    retire(&test, id, 20 * DAY).await;
    assert!(due(14, 7).await.is_empty());
}

#[tokio::test]
async fn what_counters_say_is_kept_by_cluster() {
    let test = TestDb::new().await;
    let place = a_place(&test).await;
    let (id, _) = a_token(&test, &place, Wanted::default()).await;
    let (ended, _) = a_token(
        &test,
        &place,
        Wanted {
            name: "Ended",
            ..Wanted::default()
        },
    )
    .await;
    put(&test, ended, TokenState::Revoked).await;
    test.shell("update instance set cluster = 'eu-dev'").await;
    let cluster = settings("eu-dev", Purpose::Development, 10).name;
    let other = settings("eu-prod", Purpose::Production, 10).name;
    let counted = token::counted(&test.db, &cluster).await.unwrap();
    assert_eq!(counted.len(), 1);
    assert_eq!(
        (counted[0].id, counted[0].counted, counted[0].asked_at),
        (id, None, None)
    );
    assert!(token::counted(&test.db, &other).await.unwrap().is_empty());
    let mut tx = test.db.begin().await.unwrap();
    let minute = Duration::from_mins(1);
    let lease = lease::take(&mut tx, "usage:eu-dev", "one", minute, test.now()).await;
    let lease = lease.unwrap().unwrap();
    let mut see = async |counted, more, used_at| {
        let seen = Seen {
            id,
            counted,
            more,
            used_at,
        };
        token::see(&mut tx, &lease, seen).await.unwrap();
    };
    see(7, 7, Some(test.now())).await;
    see(2, 0, None).await;
    assert_eq!(
        token::refresh(&mut tx, &lease, &cluster, test.now())
            .await
            .unwrap(),
        1
    );
    tx.commit().await.unwrap();
    let kept = row(&test, id).await;
    assert_eq!(
        (kept.uses, kept.last_used_at, kept.usage_at),
        (7, Some(test.now()), Some(test.now()))
    );
    assert_eq!(row(&test, ended).await.usage_at, None);
    let counted = token::counted(&test.db, &cluster).await.unwrap();
    assert_eq!(counted[0].counted, Some(2));
}

#[tokio::test]
async fn a_policy_is_there_while_it_is_set() {
    let test = TestDb::new().await;
    let (tenant, _) = a_place(&test).await;
    let get = async || token_policy::get(&test.db, tenant).await.unwrap();
    let set = async |own| {
        let mut tx = test.db.begin().await.unwrap();
        let proof = may::<of::ChangeTokenPolicy>();
        token_policy::set(&mut tx, &proof, tenant, own)
            .await
            .unwrap();
        assert_eq!(token_policy::get_in(&mut tx, tenant).await.unwrap(), own);
        tx.commit().await.unwrap();
    };
    assert_eq!(get().await, None);
    for on_leak in [OnLeak::Revoke, OnLeak::Tell] {
        let own = TokenPolicy {
            default_days: 7,
            max_days: 30,
            on_leak,
        };
        set(Some(own)).await;
        assert_eq!(get().await, Some(own));
    }
    set(None).await;
    assert_eq!(get().await, None);
    assert_eq!(
        token_policy::get(&test.db, TenantId::zero()).await.unwrap(),
        None
    );
}
