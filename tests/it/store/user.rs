//! People: addresses unique in any case, and passwords replaced only over the one that was checked.

use model::email::Email;
use model::name::PersonName;
use model::user::StaffRole;
use store::user::{self, NewUser};
use tests::db::TestDb;

use super::a_user;

#[tokio::test]
async fn an_address_is_taken_in_any_case() {
    let test = TestDb::new().await;
    let id = a_user(&test, "Pat@Example.org", Some(StaffRole::Owner)).await;
    let mut tx = test.db.begin().await.unwrap();
    let twin = NewUser {
        id: model::UserId::new(&*test.clock, &*test.entropy),
        email: &Email::parse("pat@example.ORG").unwrap(),
        name: &PersonName::parse("Twin").unwrap(),
        password_hash: "x",
        staff: None,
        at: test.now(),
    };
    assert!(user::insert(&mut tx, &twin).await.unwrap_err().is_taken());
    drop(tx);
    let found = user::by_email(&test.db, "pat@example.org")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.id, found.email.as_str()), (id, "Pat@Example.org"));
    assert_eq!(found.staff, Some(StaffRole::Owner));
    assert_eq!((found.home, found.disabled), (None, false));
    assert!(
        user::by_email(&test.db, "Pat@Example.org")
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn disabled_owners_do_not_count() {
    let test = TestDb::new().await;
    assert_eq!(user::owners(&test.db).await.unwrap(), 0);
    a_user(&test, "one@example.org", Some(StaffRole::Owner)).await;
    a_user(&test, "two@example.org", Some(StaffRole::Operator)).await;
    assert_eq!(user::owners(&test.db).await.unwrap(), 1);
    assert_eq!(user::staff(&test.db).await.unwrap().len(), 2);
    test.shell("update app_user set disabled_at = 1").await;
    assert_eq!(user::owners(&test.db).await.unwrap(), 0);
    assert!(user::staff(&test.db).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_password_is_replaced_only_over_the_one_that_was_checked() {
    let test = TestDb::new().await;
    let id = a_user(&test, "one@example.org", None).await;
    let mut tx = test.db.begin().await.unwrap();
    assert!(
        !user::set_password(&mut tx, id, "new", "another")
            .await
            .unwrap()
    );
    assert!(
        user::set_password(&mut tx, id, "new", "a-hash")
            .await
            .unwrap()
    );
    assert!(
        !user::set_password(&mut tx, id, "newer", "a-hash")
            .await
            .unwrap()
    );
    user::set_staff_role(&mut tx, id, StaffRole::Viewer)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let found = user::by_id(&test.db, id).await.unwrap().unwrap();
    assert_eq!(found.password_hash, "new");
    assert_eq!(found.staff, Some(StaffRole::Viewer));
}
