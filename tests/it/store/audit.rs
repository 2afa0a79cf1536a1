//! The audit trail: places in a chain given one at a time, and lists that meet.

use model::{ActorRef, Timestamp};
use store::audit::{self, FIRST, Filter, Record, delivery};
use store::lease;
use tests::db::TestDb;

fn record(chain: &str, sequence: i64, previous: &str, at: Timestamp) -> Record {
    Record {
        chain: chain.to_owned(),
        sequence,
        at,
        actor: ActorRef {
            kind: "user".to_owned(),
            id: "1".to_owned(),
            name: "Pat <b>".to_owned(),
        },
        address: "192.0.2.1".to_owned(),
        request_id: "r".to_owned(),
        action: "a.b".to_owned(),
        subject: "s 1".to_owned(),
        summary: format!("{chain} {sequence}"),
        tenant: None,
        was: String::new(),
        became: "{}".to_owned(),
        previous: previous.to_owned(),
        hash: format!("{chain}-{sequence}"),
        form: 2,
        why: "reason x".to_owned(),
        folded: format!("{chain} {sequence} s 1 pat <b>"),
    }
}

async fn write(test: &TestDb, chain: &str) -> i64 {
    let mut tx = test.db.begin().await.unwrap();
    let (sequence, previous) = audit::next(&mut tx, chain).await.unwrap();
    let record = record(chain, sequence, &previous, test.now());
    audit::append(&mut tx, &record).await.unwrap();
    tx.commit().await.unwrap();
    sequence
}

#[tokio::test]
async fn each_row_follows_the_one_before_even_when_many_write() {
    let test = std::sync::Arc::new(TestDb::new().await);
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let test = test.clone();
        writers.spawn(async move { write(&test, "staff").await });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let rows = audit::upwards(&test.db, "staff", 0, 100).await.unwrap();
    let mut previous = FIRST.to_owned();
    for (row, number) in rows.iter().zip(1..) {
        assert_eq!((row.sequence, &row.previous), (number, &previous));
        previous.clone_from(&row.hash);
    }
    assert_eq!(
        audit::head(&test.db, "staff").await.unwrap(),
        Some((12, previous))
    );
    assert_eq!(audit::head(&test.db, "other").await.unwrap(), None);
}

#[tokio::test]
async fn lists_of_one_chain_and_of_all_meet_at_their_ends() {
    let test = TestDb::new().await;
    for chain in ["staff", "b", "staff", "b", "staff"] {
        write(&test, chain).await;
        test.clock.advance(std::time::Duration::from_micros(1));
    }
    assert_eq!(audit::chains(&test.db).await.unwrap(), ["b", "staff"]);
    let of_staff = audit::of_chain(&test.db, "staff", i64::MAX, &Filter::default(), 2)
        .await
        .unwrap();
    assert_eq!(
        of_staff.iter().map(|r| r.sequence).collect::<Vec<_>>(),
        [3, 2]
    );
    let rest = audit::of_chain(&test.db, "staff", 2, &Filter::default(), 2)
        .await
        .unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(
        rest[0],
        Record {
            at: rest[0].at,
            ..record("staff", 1, FIRST, test.now())
        }
    );
    let mut seen = Vec::new();
    let mut place = (Timestamp::from_micros(i64::MAX), String::new(), 0);
    loop {
        let at = (place.0, place.1.as_str(), place.2);
        let page = audit::before(&test.db, at, &Filter::default(), 2)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        place = (last.at, last.chain.clone(), last.sequence);
        seen.extend(page.into_iter().map(|row| row.summary));
    }
    assert_eq!(seen, ["staff 3", "b 2", "staff 2", "b 1", "staff 1"]);
}

#[tokio::test]
async fn each_filter_narrows_and_takes_nothing_for_a_wildcard() {
    let test = TestDb::new().await;
    for chain in ["staff", "b", "staff"] {
        write(&test, chain).await;
        test.clock.advance(std::time::Duration::from_secs(1));
    }
    let count = async |filter: Filter| {
        let first = (Timestamp::from_micros(i64::MAX), "", 0);
        let all = audit::before(&test.db, first, &filter, 10).await.unwrap();
        let one = audit::of_chain(&test.db, "staff", i64::MAX, &filter, 10);
        (all.len(), one.await.unwrap().len())
    };
    let with = |change: fn(&mut Filter)| {
        let mut filter = Filter::default();
        change(&mut filter);
        filter
    };
    assert_eq!(count(Filter::default()).await, (3, 2));
    for (change, expected) in [
        ((|f| f.actor = "1".into()) as fn(&mut Filter), (3, 2)),
        (|f| f.actor = "Pat <b>".into(), (3, 2)),
        (|f| f.actor = "user".into(), (3, 2)),
        (|f| f.actor = "Pat".into(), (0, 0)),
        (|f| f.action = "a".into(), (3, 2)),
        (|f| f.action = "a.b".into(), (3, 2)),
        (|f| f.action = "a_b".into(), (0, 0)),
        (|f| f.subject = "s".into(), (3, 2)),
        (|f| f.subject = "1".into(), (3, 2)),
        (|f| f.subject = "s 1".into(), (3, 2)),
        (|f| f.subject = "s 1 and much more".into(), (0, 0)),
        (|f| f.subject = "%".into(), (0, 0)),
        (|f| f.pattern = "%staff 2%".into(), (1, 1)),
        (|f| f.pattern = "%\\%%".into(), (0, 0)),
    ] {
        assert_eq!(count(with(change)).await, expected, "{:?}", with(change));
    }
    let now = test.now();
    let ago = |seconds| now - std::time::Duration::from_secs(seconds);
    let between = |from, to| Filter {
        from,
        to,
        ..Filter::default()
    };
    assert_eq!(count(between(ago(2), now)).await, (2, 1));
    assert_eq!(count(between(ago(3), ago(2))).await, (1, 1));
}

#[tokio::test]
async fn rows_of_before_the_second_form_are_found_by_their_text() {
    let test = TestDb::new().await;
    write(&test, "staff").await;
    test.shell("update audit set form = 1, why = '', folded = '', summary = 'Renamed ACME.'")
        .await;
    let filter = Filter {
        pattern: "%acme%".to_owned(),
        ..Filter::default()
    };
    let found = audit::of_chain(&test.db, "staff", i64::MAX, &filter, 10).await;
    assert_eq!(found.unwrap().len(), 1);
}

#[tokio::test]
async fn marks_of_a_collector_only_grow_and_belong_to_it_alone() {
    let test = TestDb::new().await;
    for chain in ["staff", "b", "staff"] {
        write(&test, chain).await;
        test.clock.advance(std::time::Duration::from_secs(1));
    }
    let behind = async |sink| delivery::behind(&test.db, sink, 10).await.unwrap();
    let all = [("staff".to_owned(), 0), ("b".to_owned(), 0)];
    assert_eq!(behind("webhook").await, all);
    let lag = delivery::lag(&test.db, "webhook").await.unwrap();
    assert_eq!(lag.rows, 3);
    assert_eq!(
        lag.oldest,
        Some(test.now() - std::time::Duration::from_secs(3))
    );
    let mut tx = test.db.begin().await.unwrap();
    let lasts = std::time::Duration::from_mins(1);
    let held = lease::take(&mut tx, "x", "me", lasts, test.now()).await;
    let held = held.unwrap().unwrap();
    let places = [("staff".to_owned(), 2), ("b".to_owned(), 1)];
    let now = test.now();
    delivery::failed(&mut tx, &held, "webhook", "it is away", now)
        .await
        .unwrap();
    delivery::mark(&mut tx, &held, "webhook", &places[..1], now)
        .await
        .unwrap();
    let back = [("staff".to_owned(), 1)];
    delivery::mark(&mut tx, &held, "webhook", &back, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(behind("webhook").await, [("b".to_owned(), 0)]);
    assert_eq!(behind("syslog").await, all);
    let lag = delivery::lag(&test.db, "webhook").await.unwrap();
    assert_eq!(
        (lag.rows, lag.failure.as_str(), lag.failing_since),
        (1, "", None)
    );
    assert_eq!(lag.delivered_at, Some(now));
    let mut tx = test.db.begin().await.unwrap();
    delivery::failed(&mut tx, &held, "webhook", "one", now)
        .await
        .unwrap();
    test.clock.advance(std::time::Duration::from_secs(9));
    delivery::failed(&mut tx, &held, "webhook", "two", test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let lag = delivery::lag(&test.db, "webhook").await.unwrap();
    assert_eq!(
        (lag.failing_since, lag.failure.as_str()),
        (Some(now), "two")
    );
}
