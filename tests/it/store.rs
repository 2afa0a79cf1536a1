//! The contract of the store, run on the engine under test: both engines give the same answers to all
//! of it.

mod access_token;
mod audit;
mod cluster;
mod event;
mod gate;
mod idempotency;
mod instance;
mod invitation;
mod lease;
mod migrations;
mod operation;
mod release;
mod session;
mod setting;
mod sign_in;
mod statements;
mod tenant;
mod token;
mod token_calendar;
mod user;

use model::{Actor, Authorised, Grant, TenantId, UserId};
use tests::db::TestDb;

/// A proof for the store's writes, of an actor who may do everything.
pub fn may<P: Grant>() -> Authorised<P> {
    model::permission::authorise(&Actor::Operator, None).expect("the operator may")
}

/// Writes a tenant.
pub async fn a_tenant(test: &TestDb, name: &str) -> TenantId {
    let id = TenantId::new(&*test.clock, &*test.entropy);
    let name = name.parse_name();
    let mut tx = test.db.begin().await.unwrap();
    store::tenant::insert(&mut tx, &may(), id, &name, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// Writes a person.
pub async fn a_user(test: &TestDb, email: &str, staff: Option<model::user::StaffRole>) -> UserId {
    let id = UserId::new(&*test.clock, &*test.entropy);
    let mut tx = test.db.begin().await.unwrap();
    let new = store::user::NewUser {
        id,
        email: &model::email::Email::parse(email).unwrap(),
        name: &model::name::PersonName::parse("Pat").unwrap(),
        password_hash: "a-hash",
        staff,
        at: test.now(),
    };
    store::user::insert(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// Reads a tenant's name from a literal.
pub trait ParseName {
    /// The name.
    fn parse_name(&self) -> model::name::TenantName;
}

impl ParseName for str {
    fn parse_name(&self) -> model::name::TenantName {
        model::name::TenantName::parse(self).unwrap()
    }
}
