//! Invitations: one open per address and place, used up once.

use std::time::Duration;

use model::email::Email;
use model::secret_text::TokenHash;
use model::user::Role;
use model::{InvitationId, TenantId, may as of};
use store::invitation::{self, NewInvitation};
use tests::db::TestDb;

use super::{a_tenant, may};

async fn invite(test: &TestDb, tenant: TenantId, email: &str, token: &str) -> InvitationId {
    let id = InvitationId::new(&*test.clock, &*test.entropy);
    let new = NewInvitation {
        id,
        email: &Email::parse(email).unwrap(),
        role: Role::TenantAdmin,
        tenant: Some(tenant),
        hash: &TokenHash::of(token.as_bytes()),
        at: test.now(),
        expires_at: test.now() + Duration::from_hours(24),
    };
    let mut tx = test.db.begin().await.unwrap();
    invitation::insert(&mut tx, &may::<of::InviteMember>(), &new)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn a_new_invitation_replaces_the_open_one() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let first = invite(&test, tenant, "Pat@example.org", "one").await;
    let second = invite(&test, tenant, "pat@EXAMPLE.org", "two").await;
    let first = invitation::by_id(&test.db, first).await.unwrap().unwrap();
    assert!(first.withdrawn_at.is_some());
    let open = invitation::open(&test.db, Some(tenant), test.now())
        .await
        .unwrap();
    assert_eq!(open.iter().map(|i| i.id).collect::<Vec<_>>(), [second]);
    let hash = TokenHash::of(b"two");
    let found = invitation::by_token(&test.db, &hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.tenant_name.as_deref(), Some("Acme"));
    assert_eq!(found.inviter, "An operator at the command line");
    assert!(
        invitation::by_token(&test.db, &TokenHash::of(b"x"))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn it_is_used_up_once_and_not_after_its_end() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let one = invite(&test, tenant, "one@example.org", "one").await;
    let two = invite(&test, tenant, "two@example.org", "two").await;
    let mut tx = test.db.begin().await.unwrap();
    assert!(invitation::accept(&mut tx, one, test.now()).await.unwrap());
    assert!(!invitation::accept(&mut tx, one, test.now()).await.unwrap());
    let proof = may::<of::InviteMember>();
    assert!(
        !invitation::withdraw(&mut tx, &proof, one, test.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    test.clock.advance(Duration::from_hours(24));
    let mut tx = test.db.begin().await.unwrap();
    assert!(!invitation::accept(&mut tx, two, test.now()).await.unwrap());
    assert!(
        invitation::withdraw(&mut tx, &proof, two, test.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert!(
        invitation::open(&test.db, Some(tenant), test.now())
            .await
            .unwrap()
            .is_empty()
    );
    test.clock.advance(Duration::from_secs(1));
    let mut tx = test.db.begin().await.unwrap();
    assert_eq!(invitation::prune(&mut tx, test.now()).await.unwrap(), 2);
}
