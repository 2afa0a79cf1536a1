//! Tenants: unique folded names, order, search, and the end of one.

use model::name::fold;
use model::{TenantId, may as of};
use store::tenant::{self, Place};
use tests::db::TestDb;

use super::{ParseName as _, a_tenant, a_user, may};

async fn names(test: &TestDb, pattern: &str, after: &Place, limit: u32) -> Vec<String> {
    let rows = tenant::page(&test.db, pattern, after, limit).await.unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

#[tokio::test]
async fn a_name_is_taken_in_any_case_until_its_tenant_is_deleted() {
    let test = TestDb::new().await;
    let first = a_tenant(&test, "École").await;
    let insert = async |name: &str| {
        let id = TenantId::new(&*test.clock, &*test.entropy);
        let mut tx = test.db.begin().await.unwrap();
        let done = tenant::insert(&mut tx, &may(), id, &name.parse_name(), test.now()).await;
        if done.is_ok() {
            tx.commit().await.unwrap();
        }
        done
    };
    assert!(insert("ÉCOLE").await.unwrap_err().is_taken());
    let mut tx = test.db.begin().await.unwrap();
    tenant::delete(&mut tx, &may(), first, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    insert("ÉCOLE").await.unwrap();
    assert_eq!(tenant::by_id(&test.db, first).await.unwrap(), None);
    assert_eq!(
        tenant::name(&test.db, first).await.unwrap().as_deref(),
        Some("École")
    );
}

#[tokio::test]
async fn lists_are_in_the_order_of_names_and_pages_meet() {
    let test = TestDb::new().await;
    for name in ["Zebra", "acme", "Élan", "1st", "Acme Ltd", "ß", "_x"] {
        a_tenant(&test, name).await;
    }
    let all = names(&test, "%", &Place::default(), 100).await;
    assert_eq!(all, ["1st", "_x", "acme", "Acme Ltd", "Zebra", "ß", "Élan"]);
    let mut seen = Vec::new();
    let mut after = Place::default();
    loop {
        let page = tenant::page(&test.db, "%", &after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = tenant::place(last.id, &last.name);
        seen.extend(page.into_iter().map(|row| row.name));
    }
    assert_eq!(seen, all);
}

#[tokio::test]
async fn searching_takes_wildcards_literally() {
    let test = TestDb::new().await;
    for name in ["50% off", "50 off", "a_b", "axb", "back\\slash", "ÉCOLE"] {
        a_tenant(&test, name).await;
    }
    let find = async |text: &str| names(&test, text, &Place::default(), 10).await;
    assert_eq!(find("%50\\%%").await, ["50% off"]);
    assert_eq!(find("%a\\_b%").await, ["a_b"]);
    assert_eq!(find("%back\\\\slash%").await, ["back\\slash"]);
    assert_eq!(find(&format!("%{}%", fold("École"))).await, ["ÉCOLE"]);
}

#[tokio::test]
async fn a_deleted_tenant_loses_its_people_and_cannot_be_held() {
    let test = TestDb::new().await;
    let id = a_tenant(&test, "Acme").await;
    let user = a_user(&test, "pat@example.org", None).await;
    let mut tx = test.db.begin().await.unwrap();
    let role = model::user::TenantRole::Admin;
    assert!(
        store::membership::put(&mut tx, user, id, role, test.now())
            .await
            .unwrap()
    );
    assert!(
        !store::membership::put(&mut tx, user, id, role, test.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert_eq!(
        tenant::by_id(&test.db, id).await.unwrap().unwrap().members,
        1
    );
    assert!(
        store::membership::has(&test.db, id, "pat@example.org")
            .await
            .unwrap()
    );
    let mut tx = test.db.begin().await.unwrap();
    assert_eq!(
        tenant::hold(&mut tx, id).await.unwrap().as_deref(),
        Some("Acme")
    );
    assert_eq!(tenant::instances(&mut tx, id).await.unwrap(), 0);
    tenant::delete(&mut tx, &may::<of::DeleteTenant>(), id, test.now())
        .await
        .unwrap();
    assert_eq!(tenant::hold(&mut tx, id).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert!(
        store::membership::list(&test.db, id)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn renaming_finds_the_tenant_or_says_so() {
    let test = TestDb::new().await;
    let id = a_tenant(&test, "Acme").await;
    let mut tx = test.db.begin().await.unwrap();
    let name = "Bcme".parse_name();
    assert!(tenant::rename(&mut tx, &may(), id, &name).await.unwrap());
    assert!(
        !tenant::rename(&mut tx, &may(), TenantId::zero(), &name)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert_eq!(
        names(&test, "%bcme%", &Place::default(), 10).await,
        ["Bcme"]
    );
}
