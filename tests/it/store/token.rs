//! Tokens of instances as rows: names unique while open, states that only go forward, lists and pages.

use std::time::Duration;

use model::name::TokenName;
use model::secret_text::PlainToken;
use model::token::{DAY, EndReason, TokenState};
use model::user::TenantRole;
use model::{InstanceId, TenantId, TokenId, UserId, may as of};
use store::token::{self, End, Filter, NewToken, Token};
use store::{Tx, gate, membership};
use tests::db::TestDb;

use super::instance::an_instance;
use super::{a_tenant, a_user, may};

/// What a test says of a token; the rest is made up.
pub struct Wanted<'a> {
    pub name: &'a str,
    pub owner: Option<UserId>,
    pub life: Duration,
    pub replaces: Option<TokenId>,
}

impl Default for Wanted<'_> {
    fn default() -> Self {
        Self {
            name: "CI",
            owner: None,
            life: 90 * DAY,
            replaces: None,
        }
    }
}

/// Writes a token, or says that its name is taken.
pub async fn try_token(
    test: &TestDb,
    tx: &mut Tx,
    instance: &InstanceId,
    tenant: TenantId,
    wanted: Wanted<'_>,
) -> Result<(TokenId, PlainToken), store::Error> {
    let id = TokenId::new(&*test.clock, &*test.entropy);
    let text = PlainToken::instance(instance, &*test.entropy);
    let new = NewToken {
        id,
        instance,
        tenant,
        name: &TokenName::parse(wanted.name).unwrap(),
        note: "for the build",
        owner: wanted.owner,
        token: &text,
        consumer: &format!("t{}", id.to_string().replace('-', "")),
        request_token: &id.to_string(),
        by: "Olive Owner",
        at: test.now(),
        expires_at: test.now() + wanted.life,
        replaces: wanted.replaces,
    };
    token::insert(tx, &may::<of::IssueToken>(), &new).await?;
    Ok((id, text))
}

/// A tenant with an instance.
pub async fn a_place(test: &TestDb) -> (TenantId, InstanceId) {
    let tenant = a_tenant(test, "Acme").await;
    (tenant, an_instance(test, tenant, "Staging").await)
}

/// A token that Secrets Manager has.
pub async fn a_token(
    test: &TestDb,
    place: &(TenantId, InstanceId),
    wanted: Wanted<'_>,
) -> (TokenId, PlainToken) {
    let mut tx = test.db.begin().await.unwrap();
    let made = try_token(test, &mut tx, &place.1, place.0, wanted).await;
    let (id, text) = made.unwrap();
    let proof = may::<of::IssueToken>();
    let generation = gate::bump(&mut tx, &proof, &place.1, test.now())
        .await
        .unwrap();
    let written = token::mark_written(&mut tx, &proof, id, generation).await;
    assert!(written.unwrap());
    tx.commit().await.unwrap();
    (id, text)
}

/// The row.
pub async fn row(test: &TestDb, id: TokenId) -> Token {
    token::by_id(&test.db, id).await.unwrap().expect("a token")
}

async fn end(test: &TestDb, id: TokenId, reason: EndReason) -> bool {
    let how = End {
        reason,
        generation: 9,
        late_ms: Some(7_000),
        at: test.now(),
    };
    let mut tx = test.db.begin().await.unwrap();
    let ended = token::end(&mut tx, &may::<of::RevokeToken>(), id, how).await;
    tx.commit().await.unwrap();
    ended.unwrap()
}

/// Puts a token into a state past the store, as the keeper of its gate would.
pub async fn put(test: &TestDb, id: TokenId, state: TokenState) {
    test.shell(&format!(
        "update token set state = '{state}' where id = '{id}'"
    ))
    .await;
}

#[tokio::test]
async fn a_token_is_found_by_id_and_hash_and_its_text_is_kept_nowhere() {
    let test = TestDb::new().await;
    let place = a_place(&test).await;
    let owner = a_user(&test, "pat@example.org", None).await;
    let wanted = Wanted {
        owner: Some(owner),
        ..Wanted::default()
    };
    let (id, text) = a_token(&test, &place, wanted).await;
    let kept = row(&test, id).await;
    assert_eq!(
        token::by_hash(&test.db, &text.hash()).await.unwrap(),
        Some(kept.clone())
    );
    assert_eq!(
        (kept.instance_name.as_str(), kept.tenant_name.as_str()),
        ("Staging", "Acme")
    );
    assert_eq!(
        (kept.owner_id, kept.owner_name.as_deref()),
        (Some(owner), Some("Pat"))
    );
    assert_eq!((kept.state, kept.written), (TokenState::Issuing, true));
    assert_eq!((kept.hint, kept.due_at), (text.hint(), kept.expires_at));
    assert_eq!((kept.uses, kept.usage_at, kept.receipt), (0, None, None));
    let all = test
        .text("select id || name || note || hint || token_hash || consumer || request_token from token")
        .await;
    assert!(!all.contains(text.expose()) && !all.contains(&text.expose()[20..60]));
    let other = PlainToken::instance(&place.1, &*test.entropy);
    assert_eq!(token::by_hash(&test.db, &other.hash()).await.unwrap(), None);
    // Whoever answers for it may go; the token stays.
    test.shell("delete from app_user").await;
    assert_eq!(row(&test, id).await.owner_id, None);
}

#[tokio::test]
async fn a_name_belongs_to_one_open_token_that_is_not_being_retired() {
    let test = TestDb::new().await;
    let place = a_place(&test).await;
    let (first, _) = a_token(&test, &place, Wanted::default()).await;
    let again = async |name: &str| {
        let mut tx = test.db.begin().await.unwrap();
        let wanted = Wanted {
            name,
            ..Wanted::default()
        };
        let made = try_token(&test, &mut tx, &place.1, place.0, wanted).await;
        let made = made.map(|(id, _)| id);
        if made.is_ok() {
            tx.commit().await.unwrap();
        }
        made
    };
    assert!(again("ci").await.unwrap_err().is_taken());
    let other = again("Other").await.unwrap();
    let mut tx = test.db.begin().await.unwrap();
    let name = TokenName::parse("cI").unwrap();
    let changed = token::change(&mut tx, &may::<of::IssueToken>(), other, &name, "x", None).await;
    assert!(changed.unwrap_err().is_taken());
    drop(tx);
    let mut tx = test.db.begin().await.unwrap();
    let old = token::by_id_in(&mut tx, first).await.unwrap().unwrap();
    let at = test.now() + DAY;
    assert!(token::retire_at(&mut tx, &may(), &old, at).await.unwrap());
    tx.commit().await.unwrap();
    let kept = row(&test, first).await;
    assert_eq!((kept.retires_at, kept.due_at), (Some(at), at));
    let second = again("CI").await.unwrap();
    assert!(end(&test, second, EndReason::Revoked).await);
    again("CI").await.unwrap();
    let mut tx = test.db.begin().await.unwrap();
    assert_eq!(token::count_open(&mut tx, &place.1).await.unwrap(), 3);
    let open = token::open_of(&mut tx, &place.1).await.unwrap();
    assert!(open.len() == 3 && open.iter().all(|it| it.id != second));
}

#[tokio::test]
async fn states_only_go_forward() {
    let test = TestDb::new().await;
    let place = a_place(&test).await;
    let proof = may::<of::IssueToken>();
    let mut tx = test.db.begin().await.unwrap();
    let (id, _) = try_token(&test, &mut tx, &place.1, place.0, Wanted::default())
        .await
        .unwrap();
    assert!(token::mark_written(&mut tx, &proof, id, 3).await.unwrap());
    assert!(!token::mark_written(&mut tx, &proof, id, 4).await.unwrap());
    // What Secrets Manager has is neither dropped nor given up.
    assert!(!token::delete(&mut tx, &proof, id).await.unwrap());
    assert!(
        !token::fail(&mut tx, &proof, id, "why", test.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert_eq!(row(&test, id).await.generation, 3);
    test.clock.advance(Duration::from_secs(5));
    assert!(end(&test, id, EndReason::Leaked).await);
    assert!(!end(&test, id, EndReason::Revoked).await);
    let ended = row(&test, id).await;
    assert_eq!(
        (ended.state, ended.reason, ended.generation, ended.late_ms),
        (
            TokenState::Revoking,
            Some(EndReason::Leaked),
            9,
            Some(7_000)
        )
    );
    assert_eq!(ended.since, test.now());
    let mut tx = test.db.begin().await.unwrap();
    assert!(!token::mark_written(&mut tx, &proof, id, 5).await.unwrap());
    assert!(
        !token::retire_at(&mut tx, &may(), &ended, test.now())
            .await
            .unwrap()
    );
    let (lost, _) = try_token(&test, &mut tx, &place.1, place.0, Wanted::default())
        .await
        .unwrap();
    assert!(
        token::fail(&mut tx, &proof, lost, "The server stopped.", test.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let failed = row(&test, lost).await;
    assert_eq!(failed.state, TokenState::Failed);
    assert_eq!(failed.waiting.as_deref(), Some("The server stopped."));
    assert!(!end(&test, lost, EndReason::Revoked).await);
    let mut tx = test.db.begin().await.unwrap();
    assert!(token::delete(&mut tx, &proof, lost).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(token::by_id(&test.db, lost).await.unwrap(), None);
}

#[tokio::test]
async fn a_rotation_that_came_to_nothing_leaves_the_old_one_as_it_was() {
    let test = TestDb::new().await;
    let place = a_place(&test).await;
    let (old, _) = a_token(&test, &place, Wanted::default()).await;
    let restore = async || {
        let mut tx = test.db.begin().await.unwrap();
        let restored = token::restore(&mut tx, &may::<of::RevokeToken>(), old).await;
        tx.commit().await.unwrap();
        assert!(restored.unwrap());
        row(&test, old).await
    };
    let retire = async || {
        let kept = row(&test, old).await;
        let mut tx = test.db.begin().await.unwrap();
        token::retire_at(&mut tx, &may(), &kept, test.now() + 400 * DAY)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        row(&test, old).await
    };
    let retiring = retire().await;
    // A retirement never outlives the token.
    assert_eq!(retiring.due_at, retiring.expires_at);
    let kept = restore().await;
    assert_eq!((kept.retires_at, kept.due_at), (None, kept.expires_at));
    retire().await;
    let next = Wanted {
        replaces: Some(old),
        ..Wanted::default()
    };
    let (next, _) = a_token(&test, &place, next).await;
    assert_eq!(row(&test, old).await.replaced_by, Some(next));
    assert_eq!(row(&test, next).await.replaces, Some(old));
    // Its name is another one's now, so it lives on to its end without giving it up again.
    let kept = restore().await;
    assert_eq!(kept.retires_at, Some(kept.expires_at));
    put(&test, next, TokenState::Failed).await;
    assert_eq!(row(&test, old).await.replaced_by, None);
    assert_eq!(restore().await.retires_at, None);
}

async fn names(test: &TestDb, filter: Filter) -> Vec<String> {
    let rows = token::list(&test.db, &filter, 100).await.unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

#[tokio::test]
async fn lists_are_filtered_searched_and_paged() {
    let test = TestDb::new().await;
    let acme = a_place(&test).await;
    let other = a_tenant(&test, "Other").await;
    let other = (other, an_instance(&test, other, "Prod_1").await);
    let owner = a_user(&test, "pat@example.org", None).await;
    let mut hints = Vec::new();
    for (place, name, owner) in [
        (&acme, "Éins", None),
        (&acme, "Zwei", Some(owner)),
        (&other, "Drei", None),
        (&other, "Vier%", Some(owner)),
    ] {
        let wanted = Wanted {
            name,
            owner,
            ..Wanted::default()
        };
        hints.push(a_token(&test, place, wanted).await.1.hint());
        test.clock.advance(Duration::from_millis(2));
    }
    let all = || Filter::default();
    assert_eq!(names(&test, all()).await, ["Vier%", "Drei", "Zwei", "Éins"]);
    let of_tenant = Filter {
        tenant: Some(acme.0),
        ..all()
    };
    assert_eq!(names(&test, of_tenant).await, ["Zwei", "Éins"]);
    let of_instance = Filter {
        instance: Some(other.1.clone()),
        owner: Some(owner),
        ..all()
    };
    assert_eq!(names(&test, of_instance).await, ["Vier%"]);
    for (tenants, many) in [(vec![other.0], 2), (vec![acme.0, other.0], 4), (vec![], 0)] {
        let mine = Filter {
            tenants: Some(tenants),
            ..all()
        };
        assert_eq!(names(&test, mine).await.len(), many);
    }
    let matching = async |pattern: &str| {
        let pattern = format!("%{pattern}%");
        names(&test, Filter { pattern, ..all() }).await
    };
    assert_eq!(matching("éin").await, ["Éins"]);
    assert_eq!(matching("stag").await, ["Zwei", "Éins"]);
    assert_eq!(matching("prod\\_1").await.len(), 2);
    assert_eq!(matching("vier\\%").await, ["Vier%"]);
    let hint = model::name::fold(&hints[2]);
    assert_eq!(matching(&hint.replace('_', "\\_")).await, ["Drei"]);
    assert_eq!(
        matching(&model::name::fold(&hints[1][hints[1].len() - 4..])).await,
        ["Zwei"]
    );
    let revoked = Filter {
        state: Some(TokenState::Revoking),
        ..all()
    };
    assert!(names(&test, revoked).await.is_empty());
}

#[tokio::test]
async fn pages_meet_without_gaps() {
    let test = TestDb::new().await;
    let place = a_place(&test).await;
    let mut made = Vec::new();
    for name in ["A", "B", "C", "D", "E"] {
        let wanted = Wanted {
            name,
            ..Wanted::default()
        };
        made.push(a_token(&test, &place, wanted).await.0);
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let filter = Filter {
            after,
            ..Filter::default()
        };
        let page = token::list(&test.db, &filter, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|row| row.id));
    }
    made.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(seen, made);
}

#[tokio::test]
async fn the_instances_of_open_tokens_are_found_by_tenant_and_owner() {
    let test = TestDb::new().await;
    let acme = a_place(&test).await;
    let second = (acme.0, an_instance(&test, acme.0, "Second").await);
    let owner = a_user(&test, "pat@example.org", None).await;
    let mut tx = test.db.begin().await.unwrap();
    membership::put(&mut tx, owner, acme.0, TenantRole::Member, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let (one, _) = a_token(&test, &acme, Wanted::default()).await;
    let wanted = Wanted {
        owner: Some(owner),
        ..Wanted::default()
    };
    a_token(&test, &second, wanted).await;
    let found = async |owner| {
        token::instances_with_open(&test.db, acme.0, owner)
            .await
            .unwrap()
    };
    assert_eq!(found(None).await.len(), 2);
    assert_eq!(found(Some(owner)).await, std::slice::from_ref(&second.1));
    end(&test, one, EndReason::Revoked).await;
    assert_eq!(found(None).await, [second.1]);
    assert!(
        token::instances_with_open(&test.db, TenantId::zero(), None)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_noted_can_be_changed() {
    let test = TestDb::new().await;
    let place = a_place(&test).await;
    let owner = a_user(&test, "pat@example.org", None).await;
    let (id, _) = a_token(&test, &place, Wanted::default()).await;
    let name = TokenName::parse("Nightly").unwrap();
    let mut tx = test.db.begin().await.unwrap();
    let proof = may::<of::IssueToken>();
    let changed = token::change(&mut tx, &proof, id, &name, "", Some(owner)).await;
    assert!(changed.unwrap());
    let none = token::change(&mut tx, &proof, TokenId::zero(), &name, "", None).await;
    assert!(!none.unwrap());
    tx.commit().await.unwrap();
    let kept = row(&test, id).await;
    assert_eq!((kept.name.as_str(), kept.note.as_str()), ("Nightly", ""));
    assert_eq!(kept.owner_name.as_deref(), Some("Pat"));
    assert_eq!(
        token::written_generation(&test.db, &place.1).await.unwrap(),
        0
    );
    test.shell("update gate set written_generation = 4").await;
    assert_eq!(
        token::written_generation(&test.db, &place.1).await.unwrap(),
        4
    );
}
