//! Signed heads: what is exported, and that with them whatever is done to the rows and their heads, by
//! somebody who may write everything in the database, is found and named.

use std::collections::BTreeMap;

use hosted_instances::wiring::audit::heads::HeadsFile;
use model::{Actor, TenantId};
use service::audit::{Heads, Report, Tampering};
use tests::services::{TestServices, origin};

/// Rows of the chain that is tampered with.
const ROWS: i64 = 12;

async fn renamed(test: &TestServices, id: TenantId, times: std::ops::Range<i64>) {
    for number in times {
        let name = format!("Name {number}");
        let tenants = &test.services.tenant;
        tenants
            .rename(&Actor::Operator, id, &name, &origin())
            .await
            .unwrap();
    }
}

async fn exported(test: &TestServices) -> Heads {
    let moved = test
        .services
        .audit
        .moved(&Actor::System, &BTreeMap::new())
        .await
        .unwrap();
    let mut heads = Heads::default();
    heads.add(&moved.heads);
    heads
}

async fn verified(test: &TestServices, heads: &Heads) -> Vec<Report> {
    test.services
        .audit
        .verify_all(&Actor::Operator, heads)
        .await
        .unwrap()
}

async fn found(test: &TestServices, heads: &Heads) -> Vec<Tampering> {
    verified(test, heads)
        .await
        .into_iter()
        .flat_map(|report| report.tampering)
        .collect()
}

#[tokio::test]
async fn a_cut_end_shows_and_its_rows_are_named() {
    let test = TestServices::new().await;
    let id = test.tenant("Acme").await;
    renamed(&test, id, 2..ROWS + 1).await;
    let heads = exported(&test).await;
    assert!(found(&test, &heads).await.is_empty());
    test.db
        .shell(
            "delete from audit where sequence > 10;
             update audit_head set sequence = 10, hash = (select hash from audit where sequence = 10)",
        )
        .await;
    assert!(
        found(&test, &Heads::default()).await.is_empty(),
        "nothing shows without heads"
    );
    let missing = [11, 12].map(|sequence| Tampering::Missing { sequence });
    assert_eq!(found(&test, &heads).await, missing);
    test.db
        .shell("delete from audit; delete from audit_head")
        .await;
    let reports = verified(&test, &heads).await;
    assert_eq!(
        (reports.len(), reports[0].tampering.len()),
        (1, 12),
        "a chain that is gone"
    );
}

#[tokio::test]
async fn a_chain_that_was_computed_anew_shows_from_where_on() {
    let (test, other) = (TestServices::new().await, TestServices::new().await);
    let id = test.tenant("Acme").await;
    renamed(&test, id, 2..6).await;
    let mut heads = exported(&test).await;
    renamed(&test, id, 6..ROWS + 1).await;
    heads.add(
        &test
            .services
            .audit
            .moved(&Actor::System, &BTreeMap::new())
            .await
            .unwrap()
            .heads,
    );
    // Somebody who runs this very program on a copy has a chain that fits itself.
    let twin = other.tenant("Acme").await;
    other.db.clock.advance(std::time::Duration::from_secs(1));
    renamed(&other, twin, 2..ROWS + 1).await;
    assert!(found(&other, &Heads::default()).await.is_empty());
    let rewritten = |first, last| [Tampering::Rewritten { first, last }];
    let theirs = exported(&other).await;
    assert_eq!(twin, id, "the same randomness makes the same ids");
    assert_eq!(found(&test, &theirs).await, rewritten(1, ROWS));
    assert_eq!(found(&other, &heads).await, rewritten(1, 5));
}

#[tokio::test]
async fn a_head_that_was_set_back_or_taken_away_shows() {
    let test = TestServices::new().await;
    let id = test.tenant("Acme").await;
    renamed(&test, id, 2..6).await;
    let heads = exported(&test).await;
    test.db
        .shell("update audit_head set sequence = 3, hash = (select hash from audit where sequence = 3)")
        .await;
    assert_eq!(
        found(&test, &heads).await,
        [Tampering::SetBack { sequence: 3 }]
    );
    test.db.shell("delete from audit_head").await;
    assert_eq!(
        found(&test, &heads).await,
        [Tampering::SetBack { sequence: 0 }]
    );
    let inserted: Vec<_> = (1..=5)
        .map(|sequence| Tampering::Inserted { sequence })
        .collect();
    assert_eq!(found(&test, &Heads::default()).await, inserted);
}

#[tokio::test]
async fn the_file_grows_by_what_moved_and_survives_a_torn_end() {
    let test = TestServices::new().await;
    let id = test.tenant("Acme").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit-heads.jsonl");
    let audit = &test.services.audit;
    let mut file = HeadsFile::open(path.clone()).unwrap();
    assert_eq!(file.export(audit).await.unwrap(), 1);
    assert_eq!(file.export(audit).await.unwrap(), 0, "nothing moved");
    renamed(&test, id, 2..4).await;
    assert_eq!(file.export(audit).await.unwrap(), 1);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    std::fs::write(&path, format!("{text}{{\"chain\":\"sta")).unwrap();
    let mut file = HeadsFile::open(path.clone()).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        text,
        "the torn line is cut off"
    );
    assert_eq!(
        file.export(audit).await.unwrap(),
        0,
        "what was exported is known"
    );
    let heads = audit.read_heads(text.as_bytes()).unwrap();
    assert_eq!((heads.signed, heads.newest(&id.to_string())), (2, 3));
    assert!(heads.refused.is_empty());
    test.db
        .shell("delete from audit where sequence = 3; update audit_head set sequence = 2")
        .await;
    let moved = audit
        .moved(&Actor::System, &BTreeMap::from([(id.to_string(), 3)]))
        .await;
    assert_eq!(moved.unwrap().receded, [id.to_string()]);
}

/// A small generator of numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn row(&mut self) -> i64 {
        i64::try_from(self.below(12)).unwrap() + 1
    }
}

/// What one trial does to the rows, as statements.
fn deed(dice: &mut Dice) -> String {
    const TEXTS: [&str; 14] = [
        "actor_kind",
        "actor_id",
        "actor_name",
        "address",
        "request_id",
        "action",
        "subject",
        "summary",
        "was",
        "became",
        "previous",
        "hash",
        "why",
        "folded",
    ];
    let (one, other) = (dice.row(), dice.row());
    let head = |last: i64| {
        format!(
            "update audit_head set sequence = {last}, hash = coalesce((select hash from audit where sequence = {last}), '')"
        )
    };
    match dice.below(6) {
        0 => {
            let column = TEXTS[usize::try_from(dice.below(14)).unwrap()];
            let place = dice.below(20);
            // One character becomes another one, or is added where there is none.
            format!(
                "update audit set {column} = substr({column}, 1, {place})
                    || case when substr({column}, {place} + 1, 1) = '~' then '-' else '~' end
                    || substr({column}, {place} + 2) where sequence = {one}"
            )
        }
        1 => {
            let column = ["at", "form"][usize::try_from(dice.below(2)).unwrap()];
            format!("update audit set {column} = {column} + 1 where sequence = {one}")
        }
        2 => format!("delete from audit where sequence = {one}"),
        3 if one != other => format!(
            "update audit set sequence = 99 where sequence = {one};
             update audit set sequence = {one} where sequence = {other};
             update audit set sequence = {other} where sequence = 99"
        ),
        4 => format!(
            "delete from audit where sequence >= {one}; {}",
            head(one - 1)
        ),
        _ => format!(
            "{}; delete from audit where sequence > {}",
            head((one - 1).max(0)),
            (one - 1).max(0)
        ),
    }
}

/// `AUDIT_TRIALS` says how many; what is not set is what there is time for in every run.
#[tokio::test]
async fn whatever_is_done_to_rows_and_heads_is_found() {
    let trials = std::env::var("AUDIT_TRIALS")
        .ok()
        .and_then(|text| text.parse().ok());
    let test = TestServices::new().await;
    let id = test.tenant("Acme").await;
    renamed(&test, id, 2..ROWS + 1).await;
    let heads = exported(&test).await;
    test.db
        .shell("create table kept as select * from audit; create table kept_head as select * from audit_head")
        .await;
    let mut dice = Dice(42);
    for trial in 0..trials.unwrap_or(120) {
        let deed = deed(&mut dice);
        test.db.shell(&deed).await;
        assert!(
            !found(&test, &heads).await.is_empty(),
            "trial {trial}: {deed}"
        );
        test.db
            .shell(
                "delete from audit; insert into audit select * from kept;
                 delete from audit_head; insert into audit_head select * from kept_head",
            )
            .await;
    }
    assert!(
        found(&test, &heads).await.is_empty(),
        "everything was put back"
    );
}
