//! Facts about the deployment: said once, or used up once.

use store::setting;
use tests::db::TestDb;

#[tokio::test]
async fn the_first_to_say_something_wins() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin().await.unwrap();
    setting::claim(&mut tx, "a", "one").await.unwrap();
    setting::claim(&mut tx, "a", "two").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        setting::get(&test.db, "a").await.unwrap().as_deref(),
        Some("one")
    );
}

#[tokio::test]
async fn what_is_used_up_is_used_up_once() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin().await.unwrap();
    setting::put(&mut tx, "t", "one").await.unwrap();
    setting::put(&mut tx, "t", "two").await.unwrap();
    assert!(!setting::consume(&mut tx, "t", "one").await.unwrap());
    assert!(setting::consume(&mut tx, "t", "two").await.unwrap());
    assert!(!setting::consume(&mut tx, "t", "two").await.unwrap());
    setting::put(&mut tx, "t", "three").await.unwrap();
    setting::remove(&mut tx, "t").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(setting::get(&test.db, "t").await.unwrap(), None);
}
