//! Access tokens: found by hash, with their owner's roles at that moment.

use std::time::Duration;

use model::name::AccessTokenName;
use model::permission::Scope;
use model::secret_text::PlainToken;
use model::user::{StaffRole, TenantRole};
use model::{AccessTokenId, UserId, may as of};
use store::access_token::{self, NewAccessToken};
use tests::db::TestDb;

use super::{a_tenant, a_user, may};

async fn make(test: &TestDb, user: Option<UserId>) -> (AccessTokenId, PlainToken) {
    let id = AccessTokenId::new(&*test.clock, &*test.entropy);
    let token = PlainToken::access(&*test.entropy);
    let new = NewAccessToken {
        id,
        name: &AccessTokenName::parse("CI").unwrap(),
        token: &token,
        scopes: &Scope::parse("all:read").unwrap().into_iter().collect(),
        user,
        at: test.now(),
        expires_at: test.now() + Duration::from_hours(1),
    };
    let mut tx = test.db.begin().await.unwrap();
    access_token::insert(&mut tx, &may::<of::ManageAccessTokens>(), &new)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    (id, token)
}

#[tokio::test]
async fn it_acts_with_its_owners_roles_of_the_moment() {
    let test = TestDb::new().await;
    let user = a_user(&test, "pat@example.org", None).await;
    let (id, token) = make(&test, Some(user)).await;
    let found = async || {
        access_token::bearer(&test.db, &token, test.now())
            .await
            .unwrap()
    };
    let bearer = found().await.unwrap().bearer;
    assert_eq!(
        (bearer.id, bearer.staff, bearer.tenants.len()),
        (id, None, 0)
    );
    assert_eq!(bearer.scopes.len(), 9);
    let tenant = a_tenant(&test, "Acme").await;
    let mut tx = test.db.begin().await.unwrap();
    store::membership::put(&mut tx, user, tenant, TenantRole::Admin, test.now())
        .await
        .unwrap();
    store::user::set_staff_role(&mut tx, user, StaffRole::Viewer)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let bearer = found().await.unwrap().bearer;
    assert_eq!(bearer.staff, Some(StaffRole::Viewer));
    assert_eq!(bearer.tenants, [(tenant, TenantRole::Admin)]);
    test.shell("update app_user set disabled_at = 1").await;
    assert_eq!(found().await, None);
    test.shell("delete from app_user").await;
    assert_eq!(found().await, None);
    assert_eq!(access_token::by_id(&test.db, id).await.unwrap(), None);
}

#[tokio::test]
async fn it_ends_when_revoked_and_when_it_expires() {
    let test = TestDb::new().await;
    let (id, token) = make(&test, None).await;
    let (_, other) = make(&test, None).await;
    let found = async |token| {
        access_token::bearer(&test.db, token, test.now())
            .await
            .unwrap()
    };
    assert_eq!(
        found(&token).await.unwrap().bearer.staff,
        Some(StaffRole::Owner)
    );
    let mut tx = test.db.begin().await.unwrap();
    let proof = may::<of::ManageAccessTokens>();
    assert!(
        access_token::revoke(&mut tx, &proof, id, test.now())
            .await
            .unwrap()
    );
    assert!(
        !access_token::revoke(&mut tx, &proof, id, test.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert_eq!(found(&token).await, None);
    test.clock.advance(Duration::from_hours(1));
    assert_eq!(found(&other).await, None);
    let listed = access_token::all(&test.db, &may()).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(
        listed
            .iter()
            .all(|owned| owned.view.owner == "Command line")
    );
}

#[tokio::test]
async fn a_use_is_noted_at_most_once_a_minute() {
    let test = TestDb::new().await;
    let user = a_user(&test, "pat@example.org", None).await;
    let (id, _) = make(&test, Some(user)).await;
    let touch = async || {
        let mut tx = test.db.begin().await.unwrap();
        let since = test.now() - Duration::from_mins(1);
        access_token::touch(&mut tx, id, test.now(), since)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        access_token::of_user(&test.db, user).await.unwrap()[0]
            .view
            .last_used_at
    };
    let first = test.now();
    assert_eq!(touch().await, Some(first));
    test.clock.advance(Duration::from_secs(59));
    assert_eq!(touch().await, Some(first));
    test.clock.advance(Duration::from_secs(2));
    assert_eq!(touch().await, Some(test.now()));
    let mut tx = test.db.begin().await.unwrap();
    assert_eq!(
        access_token::live(&mut tx, user, test.now()).await.unwrap(),
        1
    );
    let later = test.now() + Duration::from_hours(2);
    assert_eq!(access_token::live(&mut tx, user, later).await.unwrap(), 0);
    assert_eq!(access_token::prune(&mut tx, later).await.unwrap(), 1);
}
