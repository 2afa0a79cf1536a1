//! Every registered statement is one that the engine under test understands, and the list of those
//! that need a text per engine grows only in sight of a reviewer.

use tests::db::TestDb;

#[tokio::test]
async fn every_statement_prepares() {
    let test = TestDb::new().await;
    let prepared = test.db.prepare_all().await.unwrap();
    assert_eq!(prepared, store::statements().len());
    assert!(prepared > 90, "{prepared} statements are registered");
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = store::statements().iter().map(|s| s.name).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn few_statements_are_forked() {
    let forked: Vec<_> = store::statements()
        .iter()
        .filter(|s| s.is_forked())
        .map(|s| s.name)
        .collect();
    insta::assert_snapshot!(forked.join("\n"), @"
    store::db::NOTIFY
    store::diagnosis::ENGINE
    store::diagnosis::CLOCK
    store::gate::claim::CLAIM
    store::gate::claim::HEARTBEAT
    store::lease::NOW
    store::operation::claim::CLAIM
    ");
}
