//! Reminders before a token expires, and what is known of its use.

use std::time::Duration;

use model::token::{DAY, TokenState};
use model::user::TenantRole;
use model::{TokenId, UserId};
use service::IssueToken;
use service::ports::Usage;

use super::instance_token::{Place, named, person};

/// A token of somebody's that lives 90 days.
async fn of_pat(place: &Place) -> (UserId, TokenId) {
    let tenant = place.world.tenant;
    let (pat, _) = person(&place.world, tenant, "p@acme.example", TenantRole::Member).await;
    person(&place.world, tenant, "m@acme.example", TenantRole::Member).await;
    let command = IssueToken {
        owner: Some(pat),
        ..named("CI")
    };
    let made = place.try_issue_with(command).await.expect("issued");
    (pat, made.view.id)
}

/// Whom mails went to since the last call, and what about.
fn mails(place: &Place, seen: &mut usize) -> Vec<(String, String)> {
    let sent = place.world.mailer.sent();
    let new = sent[*seen..].iter();
    let new = new.map(|mail| (mail.to.clone(), mail.subject.clone()));
    let new = new.collect();
    *seen = sent.len();
    new
}

#[tokio::test]
async fn people_are_reminded_four_times_and_once_each() {
    let place = Place::new().await;
    let (_, id) = of_pat(&place).await;
    let tokens = &place.services().token;
    let mut seen = 0;
    let mut days = Vec::new();
    for day in 0..=90_u32 {
        for _ in 0..2 {
            tokens.remind().await.unwrap();
        }
        let sent = mails(&place, &mut seen);
        if !sent.is_empty() {
            let to: Vec<_> = sent.iter().map(|(to, _)| to.as_str()).collect();
            assert_eq!(
                to,
                ["ada@acme.example", "p@acme.example"],
                "owner and admins"
            );
            days.push(90 - day);
        }
        place.world.db.clock.advance(DAY);
    }
    assert_eq!(days, [30, 14, 7, 1]);
    let mail = &place.world.mailer.sent()[0];
    for part in [
        "CI",
        "Staging",
        "http://localhost:8080/tokens/",
        &id.to_string(),
    ] {
        assert!(mail.text.contains(part), "{part} in {}", mail.text);
    }
    assert!(mail.subject.contains("in 720 hours"), "{}", mail.subject);
}

#[tokio::test]
async fn after_a_long_pause_only_the_nearest_reminder_is_sent() {
    let place = Place::new().await;
    let (_, id) = of_pat(&place).await;
    let tokens = &place.services().token;
    place.world.db.clock.advance(84 * DAY);
    assert_eq!(tokens.remind().await.unwrap(), 1);
    assert_eq!(tokens.remind().await.unwrap(), 0);
    assert_eq!(place.world.mailer.sent().len(), 2);
    let marked = store::token::marked(&place.world.db.db, id).await.unwrap();
    assert_eq!(marked, [30, 14, 7]);
    place.world.db.clock.advance(5 * DAY);
    assert_eq!(tokens.remind().await.unwrap(), 1);
    place.world.db.clock.advance(2 * DAY);
    assert_eq!(tokens.remind().await.unwrap(), 0, "it has expired");
}

#[tokio::test]
async fn of_several_processes_one_sends_a_reminder() {
    let place = Place::new().await;
    of_pat(&place).await;
    place.world.db.clock.advance(70 * DAY);
    let mut rounds = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let tokens = place.services().token.clone();
        rounds.spawn(async move { tokens.remind().await.unwrap() });
    }
    let mut reminded = 0;
    while let Some(one) = rounds.join_next().await {
        reminded += one.unwrap();
    }
    assert_eq!((reminded, place.world.mailer.sent().len()), (1, 2));
}

#[tokio::test]
async fn nobody_is_reminded_of_what_is_replaced_or_was_given_short() {
    let place = Place::new().await;
    let (_, id) = of_pat(&place).await;
    let tokens = &place.services().token;
    place.world.db.clock.advance(59 * DAY);
    let next = place.rotate(id, 30 * DAY).await.expect("rotated");
    place.put(next.view.id, TokenState::Active).await;
    place.world.db.clock.advance(2 * DAY);
    assert_eq!(tokens.remind().await.unwrap(), 0);
    let short = IssueToken {
        days: Some(7),
        ..named("Short")
    };
    assert!(place.try_issue_with(short).await.is_ok());
    assert_eq!(tokens.remind().await.unwrap(), 0);
    place.world.db.clock.advance(6 * DAY);
    assert_eq!(tokens.remind().await.unwrap(), 1, "its last day");
}

#[tokio::test]
async fn a_reminder_that_nobody_took_is_sent_again() {
    let place = Place::new().await;
    let (_, id) = of_pat(&place).await;
    place.world.db.clock.advance(61 * DAY);
    place.world.mailer.fail();
    let tokens = &place.services().token;
    assert_eq!(tokens.remind().await.unwrap(), 0);
    let marked = store::token::marked(&place.world.db.db, id).await.unwrap();
    assert!(marked.is_empty(), "{marked:?}");
    // The calendar goes on whatever becomes of the mails.
    tokens.calendar_round().await.unwrap();
}

fn counted(place: &Place, id: TokenId, requests: u64) {
    let consumer = format!(
        "{}_t{}",
        place.instance.id.namespace(),
        id.to_string().replace('-', "")
    );
    let usage = Usage { consumer, requests };
    let other = Usage {
        consumer: "prismsomebody_t1".to_owned(),
        requests: 99,
    };
    place.world.cluster.count_usage(Some(vec![other, usage]));
}

/// Lets another minute begin, by the clock that leases run by on the engine under test.
async fn next_minute(place: &Place) {
    place
        .world
        .db
        .clock
        .advance(Duration::from_mins(1) + Duration::from_secs(1));
    let sql = "update lease set until = 0 where name like 'usage:%'";
    place.world.db.shell(sql).await;
}

#[tokio::test]
async fn use_is_counted_and_nothing_is_claimed_that_is_not_known() {
    let place = Place::new().await;
    let id = place.issue("CI").await.view.id;
    let tokens = &place.services().token;
    assert_eq!(tokens.count_uses().await.unwrap(), 0);
    assert_eq!(place.get(id).await.usage, None, "no metrics, no claim");
    next_minute(&place).await;
    place.world.cluster.count_usage(Some(Vec::new()));
    assert_eq!(tokens.count_uses().await.unwrap(), 1);
    let asked = place.world.db.now();
    let usage = place.get(id).await.usage.expect("it was asked");
    assert_eq!(
        (usage.uses, usage.last_used_at, usage.as_of),
        (0, None, asked)
    );
    // Within the minute nobody asks again.
    counted(&place, id, 5);
    assert_eq!(tokens.count_uses().await.unwrap(), 0);
    assert_eq!(place.get(id).await.usage.map(|it| it.uses), Some(0));
    next_minute(&place).await;
    tokens.count_uses().await.unwrap();
    let used = place.get(id).await.usage.expect("it was asked");
    let minute = used.last_used_at.expect("it was used");
    assert_eq!((used.uses, minute.micros() % 60_000_000), (5, 0));
    assert!(minute <= used.as_of && used.as_of.since(minute) < Duration::from_mins(1));
    // The gateway began again.
    for (requests, uses) in [(2, 5), (6, 9), (6, 9)] {
        next_minute(&place).await;
        counted(&place, id, requests);
        tokens.count_uses().await.unwrap();
        let usage = place.get(id).await.usage.expect("it was asked");
        assert_eq!((usage.uses, usage.as_of), (uses, place.world.db.now()));
    }
    let last = place.get(id).await.usage.and_then(|it| it.last_used_at);
    assert!(last.is_some_and(|last| last > minute));
    // Without an answer what is known stays, with its age.
    let before = place.get(id).await.usage;
    next_minute(&place).await;
    place.world.cluster.count_usage(None);
    tokens.count_uses().await.unwrap();
    assert_eq!(place.get(id).await.usage, before);
}

#[tokio::test]
async fn of_several_processes_one_asks_a_cluster() {
    let place = Place::new().await;
    let id = place.issue("CI").await.view.id;
    counted(&place, id, 3);
    let mut rounds = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let tokens = place.services().token.clone();
        rounds.spawn(async move { tokens.count_uses().await.unwrap() });
    }
    let mut answered = 0;
    while let Some(one) = rounds.join_next().await {
        answered += one.unwrap();
    }
    assert_eq!(answered, 1);
    assert_eq!(place.get(id).await.usage.map(|it| it.uses), Some(3));
}
