//! The audit trail: places in a chain given one at a time, and lists that meet.

use model::{ActorRef, Timestamp};
use store::audit::{self, FIRST, Record};
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
    let of_staff = audit::of_chain(&test.db, "staff", i64::MAX, 2)
        .await
        .unwrap();
    assert_eq!(
        of_staff.iter().map(|r| r.sequence).collect::<Vec<_>>(),
        [3, 2]
    );
    let rest = audit::of_chain(&test.db, "staff", 2, 2).await.unwrap();
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
        let page = audit::before(&test.db, place.0, &place.1, place.2, 2)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        place = (last.at, last.chain.clone(), last.sequence);
        seen.extend(page.into_iter().map(|row| row.summary));
    }
    assert_eq!(seen, ["staff 3", "b 2", "staff 2", "b 1", "staff 1"]);
}
