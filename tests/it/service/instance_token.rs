//! Tokens of instances: issued once, listed, changed, and by whom; the rest of their life is in
//! `instance_token_*`.

use std::time::Duration;

use model::actor::SignedIn;
use model::email::Email;
use model::name::PersonName;
use model::secret_text::PlainToken;
use model::token::{DAY, EndReason, OnLeak, TokenPolicy, TokenState, TokenView};
use model::user::TenantRole;
use model::view::InstanceView;
use model::{Actor, InstanceId, SessionKey, TenantId, TokenId, UserId};
use service::{
    Error, IssueToken, IssuedToken, RevokeToken, RotateToken, Services, Settings, TokenFilter,
};
use tests::services::{origin, settings};
use tests::world::TestWorld;

/// An instance that runs, and an admin of its tenant.
pub struct Place {
    pub world: TestWorld,
    pub instance: InstanceView,
    pub admin: Actor,
}

impl Place {
    pub async fn new() -> Self {
        let settings = Settings {
            token_patience: Duration::from_millis(100),
            ..settings()
        };
        let world = TestWorld::with(settings).await;
        let instance = world.running("Staging").await;
        let (_, admin) = person(&world, world.tenant, "ada@acme.example", TenantRole::Admin).await;
        Self {
            world,
            instance,
            admin,
        }
    }

    pub fn services(&self) -> &Services {
        &self.world.services
    }

    pub async fn try_issue(&self, name: &str) -> Result<IssuedToken, Error> {
        self.try_issue_with(named(name)).await
    }

    pub async fn try_issue_with(&self, command: IssueToken) -> Result<IssuedToken, Error> {
        let tokens = &self.services().token;
        tokens
            .issue(&self.admin, &self.instance.id, command, &origin())
            .await
    }

    pub async fn issue(&self, name: &str) -> IssuedToken {
        let made = self.try_issue(name).await;
        made.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub async fn get(&self, id: TokenId) -> TokenView {
        let found = self.services().token.get(&self.admin, id).await;
        found.expect("the token is there").token
    }

    pub async fn list(&self, filter: TokenFilter) -> Vec<TokenView> {
        let page = self.services().token.list(&self.admin, filter).await;
        page.expect("a page").items
    }

    pub async fn revoke(&self, id: TokenId) -> TokenView {
        let command = RevokeToken {
            reason: EndReason::Revoked,
            note: String::new(),
        };
        let tokens = &self.services().token;
        let ended = tokens.revoke(&self.admin, id, command, &origin()).await;
        ended.expect("it is revoked")
    }

    pub async fn rotate(&self, id: TokenId, overlap: Duration) -> Result<IssuedToken, Error> {
        let command = RotateToken {
            overlap: Some(overlap),
            days: None,
        };
        let tokens = &self.services().token;
        tokens.rotate(&self.admin, id, command, &origin()).await
    }

    /// Puts a token into a state past the services, as the keeper of its gate would.
    pub async fn put(&self, id: TokenId, state: TokenState) {
        let sql = format!("update token set state = '{state}' where id = '{id}'");
        self.world.db.shell(&sql).await;
    }

    /// Consumers that the gate lets pass, watchmen left out.
    pub async fn open_to(&self) -> Vec<String> {
        let wish = store::gate::wish(&self.world.db.db, &self.instance.id).await;
        let mut open = wish.unwrap().expect("a gate").open_to;
        open.retain(|name| !name.starts_with("watchman"));
        open
    }

    pub async fn generation(&self) -> i64 {
        let wish = store::gate::wish(&self.world.db.db, &self.instance.id).await;
        wish.unwrap().expect("a gate").generation
    }

    /// The summaries of the trail of that action, oldest first.
    pub async fn trail(&self, action: &str) -> Vec<String> {
        let filter = service::AuditFilter {
            tenant: Some(self.world.tenant),
            limit: Some(200),
            ..Default::default()
        };
        let page = self.services().audit.list(&Actor::Operator, filter).await;
        let rows = page.expect("the trail").items;
        let of_action = rows.into_iter().rev().filter(|row| row.action == action);
        of_action.map(|row| row.summary).collect()
    }
}

pub fn named(name: &str) -> IssueToken {
    IssueToken {
        name: name.to_owned(),
        ..IssueToken::default()
    }
}

/// Somebody of a tenant, with an account.
pub async fn person(
    world: &TestWorld,
    tenant: TenantId,
    email: &str,
    role: TenantRole,
) -> (UserId, Actor) {
    let id = UserId::new(&*world.db.clock, &*world.db.entropy);
    let mut tx = world.db.db.begin().await.unwrap();
    let new = store::user::NewUser {
        id,
        email: &Email::parse(email).unwrap(),
        name: &PersonName::parse("Pat Person").unwrap(),
        password_hash: "a-hash",
        staff: None,
        at: world.db.now(),
    };
    store::user::insert(&mut tx, &new).await.unwrap();
    let member = store::membership::put(&mut tx, id, tenant, role, world.db.now()).await;
    assert!(member.unwrap());
    tx.commit().await.unwrap();
    let actor = Actor::User(SignedIn {
        id,
        name: "Pat Person".to_owned(),
        email: email.to_owned(),
        staff: None,
        tenants: vec![(tenant, role)],
        session: SessionKey::new(&*world.db.clock, &*world.db.entropy),
    });
    (id, actor)
}

/// An admin of another tenant.
async fn stranger(place: &Place) -> Actor {
    let other = service::CreateTenant {
        name: "Other".to_owned(),
    };
    let tenants = &place.services().tenant;
    let other = tenants.create(&Actor::Operator, other, &origin()).await;
    let other = other.unwrap().id;
    let (_, eve) = person(&place.world, other, "eve@other.example", TenantRole::Admin).await;
    eve
}

#[tokio::test]
async fn a_token_is_issued_with_its_text_once() {
    let place = Place::new().await;
    let before = place.generation().await;
    let made = place.issue("CI").await;
    let (of, _) = PlainToken::parse_instance(made.token.expose()).expect("well formed");
    assert_eq!(of, place.instance.id);
    assert_eq!(made.url, place.instance.url);
    let view = place.get(made.view.id).await;
    assert_eq!(view, made.view);
    assert_eq!(
        (view.state, view.hint.clone()),
        (TokenState::Issuing, made.token.hint())
    );
    assert_eq!(view.expires_at, place.world.db.now() + 90 * DAY);
    assert_eq!((view.owner.as_str(), view.owner_id), ("Acme", None));
    assert_eq!(view.created_by, "Pat Person");
    assert!(view.waiting.is_some() && view.usage.is_none() && !view.unproven);
    let consumer = format!("t{}", view.id.to_string().replace('-', ""));
    assert!(
        consumer
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    );
    assert_eq!(place.open_to().await, std::slice::from_ref(&consumer));
    assert_eq!(place.world.cluster.entries(&place.instance.id), [consumer]);
    assert_eq!(place.generation().await, before + 1);
    let trail = place.trail("token.issue").await;
    assert_eq!(trail.len(), 1);
    assert!(
        trail[0].contains("CI") && trail[0].contains(&view.hint),
        "{trail:?}"
    );
    let detail = place.services().token.get(&place.admin, view.id).await;
    assert_eq!(detail.unwrap().url, place.instance.url);
}

#[tokio::test]
async fn each_change_is_an_event_for_those_who_may_see_the_token() {
    let place = Place::new().await;
    let stranger = stranger(&place).await;
    let made = place.issue("CI").await;
    place.revoke(made.view.id).await;
    let events = &place.services().event;
    let mine = events.since(&place.admin, 0, 1_000).await.unwrap();
    let states: Vec<_> = mine
        .iter()
        .filter(|it| it.subject == model::event::Subject::Token)
        .map(|it| {
            let view: TokenView = serde_json::from_value(it.data.clone()).unwrap();
            assert_eq!(it.key, view.id.to_string());
            view.state
        })
        .collect();
    let (issuing, revoking) = (TokenState::Issuing, TokenState::Revoking);
    assert_eq!(states, [issuing, issuing, revoking]);
    let theirs = events.since(&stranger, 0, 1_000).await.unwrap();
    assert!(
        theirs
            .iter()
            .all(|it| it.subject != model::event::Subject::Token)
    );
}

type Codes = Vec<(&'static str, &'static str)>;

fn code<T>(answer: Result<T, Error>) -> &'static str {
    answer.err().map_or("ok", |error| error.code())
}

/// What reading of a token and its tenant answers somebody with.
async fn reads(place: &Place, actor: &Actor, id: TokenId) -> Codes {
    let tokens = &place.services().token;
    let tenant = place.world.tenant;
    let of_instance = TokenFilter {
        instance: Some(place.instance.id.clone()),
        ..TokenFilter::default()
    };
    let of_tenant = TokenFilter {
        tenant: Some(tenant),
        ..TokenFilter::default()
    };
    vec![
        ("get", code(tokens.get(actor, id).await)),
        ("wait", code(tokens.wait(actor, id, Duration::ZERO).await)),
        ("policy", code(tokens.policy(actor, tenant).await)),
        ("of instance", code(tokens.list(actor, of_instance).await)),
        ("of tenant", code(tokens.list(actor, of_tenant).await)),
    ]
}

/// What writing answers somebody with.
async fn writes(place: &Place, actor: &Actor, id: TokenId) -> Codes {
    let tokens = &place.services().token;
    let tenant = place.world.tenant;
    let origin = origin();
    let issued = tokens.issue(actor, &place.instance.id, named("X"), &origin);
    let rotated = tokens.rotate(actor, id, RotateToken::default(), &origin);
    let why = RevokeToken {
        reason: EndReason::Revoked,
        note: String::new(),
    };
    let revoked = tokens.revoke(actor, id, why, &origin);
    let changed = tokens.change(actor, id, service::ChangeToken::default(), &origin);
    let all = tokens.revoke_all(actor, service::RevokeAll::Tenant(tenant), &origin);
    let set = tokens.set_policy(actor, tenant, None, &origin);
    vec![
        ("issue", code(issued.await)),
        ("rotate", code(rotated.await)),
        ("revoke", code(revoked.await)),
        ("change", code(changed.await)),
        ("revoke all", code(all.await)),
        ("set policy", code(set.await)),
        ("owners", code(tokens.owners(actor, tenant).await)),
    ]
}

#[tokio::test]
async fn members_see_tokens_and_admins_issue_them_and_strangers_see_none() {
    let place = Place::new().await;
    let made = place.issue("CI").await;
    let tenant = place.world.tenant;
    let (_, member) = person(&place.world, tenant, "m@acme.example", TenantRole::Member).await;
    let stranger = stranger(&place).await;
    let tokens = &place.services().token;
    let id = made.view.id;
    for (actor, read, write) in [
        (&member, "ok", "forbidden"),
        (&stranger, "not_found", "not_found"),
        (&Actor::Anonymous, "unauthenticated", "unauthenticated"),
    ] {
        for (what, code) in reads(&place, actor, id).await {
            assert_eq!(code, read, "{what}");
        }
        for (what, code) in writes(&place, actor, id).await {
            assert_eq!(code, write, "{what}");
        }
    }
    let everything = tokens.list(&stranger, TokenFilter::default()).await;
    assert!(everything.unwrap().items.is_empty());
    let missing = tokens.get(&stranger, TokenId::zero()).await.unwrap_err();
    let theirs = tokens.get(&stranger, id).await.unwrap_err();
    assert_eq!(missing.public(), theirs.public());
    assert_eq!(place.get(id).await.state, TokenState::Issuing);
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_said_by_field() {
    let place = Place::new().await;
    let made = place.issue("CI").await;
    let text = made.token.expose();
    let command = IssueToken {
        name: " ".to_owned(),
        note: format!("see {text}"),
        owner: Some(UserId::zero()),
        days: Some(366),
    };
    let Err(Error::Invalid(list)) = place.try_issue_with(command).await else {
        panic!("four fields are wrong")
    };
    let fields: Vec<_> = list.iter().map(|wrong| wrong.field.as_str()).collect();
    assert_eq!(fields, ["name", "note", "owner", "days"]);
    assert!(list.iter().all(|wrong| !wrong.message.contains(text)));
    for days in [0, 366] {
        let command = IssueToken {
            days: Some(days),
            ..named("Y")
        };
        assert!(place.try_issue_with(command).await.is_err());
    }
    let taken = place.try_issue("ci").await.err().expect("taken");
    assert_eq!(taken.code(), "name_taken");
    let searched = TokenFilter {
        q: Some(text.to_owned()),
        ..TokenFilter::default()
    };
    let refused = place.services().token.list(&place.admin, searched).await;
    let refused = refused.unwrap_err();
    assert!(refused.code() == "invalid" && !refused.public().contains(text));
    assert_eq!(place.open_to().await.len(), 1);
}

#[tokio::test]
async fn the_owner_is_a_member_and_what_is_noted_can_change() {
    let place = Place::new().await;
    let tenant = place.world.tenant;
    let (pat, _) = person(&place.world, tenant, "p@acme.example", TenantRole::Member).await;
    let owners = place.services().token.owners(&place.admin, tenant).await;
    let owners = owners.unwrap();
    assert!(owners.len() == 2 && owners.iter().any(|(id, _)| *id == pat));
    let command = IssueToken {
        owner: Some(pat),
        note: "  nightly   build ".to_owned(),
        days: Some(7),
        ..named("CI")
    };
    let made = place.try_issue_with(command).await.expect("issued");
    assert_eq!(
        (made.view.owner_id, made.view.owner.as_str()),
        (Some(pat), "Pat Person")
    );
    assert_eq!(made.view.note, "nightly build");
    let generation = place.generation().await;
    let change = service::ChangeToken {
        name: Some("Nightly".to_owned()),
        note: Some(String::new()),
        owner: Some(None),
    };
    let tokens = &place.services().token;
    let changed = tokens
        .change(&place.admin, made.view.id, change.clone(), &origin())
        .await
        .unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.note.as_str()),
        ("Nightly", "")
    );
    assert_eq!((changed.owner_id, changed.owner.as_str()), (None, "Acme"));
    assert_eq!(
        place.generation().await,
        generation,
        "the gate stays as it is"
    );
    tokens
        .change(&place.admin, made.view.id, change, &origin())
        .await
        .unwrap();
    assert_eq!(place.trail("token.change").await.len(), 1);
    let free = place.issue("CI").await;
    let back = service::ChangeToken {
        name: Some("CI".to_owned()),
        ..service::ChangeToken::default()
    };
    let taken = tokens
        .change(&place.admin, made.view.id, back, &origin())
        .await;
    assert_eq!(taken.unwrap_err().code(), "name_taken");
    place.revoke(free.view.id).await;
}

#[tokio::test]
async fn lists_are_paged_and_found_by_hint() {
    let place = Place::new().await;
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(place.issue(&format!("Token {number}")).await);
        place.world.db.clock.advance(Duration::from_millis(2));
    }
    let hint = made[3].view.hint.clone();
    for q in [hint.as_str(), &hint[hint.len() - 4..], "oken 3"] {
        let found = TokenFilter {
            q: Some(q.to_owned()),
            ..TokenFilter::default()
        };
        let found = place.list(found).await;
        assert_eq!(found.len(), 1, "{q}");
        assert_eq!(found[0].id, made[3].view.id);
    }
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let filter = TokenFilter {
            limit: Some(2),
            cursor,
            ..TokenFilter::default()
        };
        let page = place.services().token.list(&place.admin, filter).await;
        let page = page.unwrap();
        seen.extend(page.items.into_iter().map(|it| it.name));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(
        seen,
        ["Token 4", "Token 3", "Token 2", "Token 1", "Token 0"]
    );
    let bad = TokenFilter {
        cursor: Some("AXh4".to_owned()),
        ..TokenFilter::default()
    };
    assert!(
        place
            .services()
            .token
            .list(&place.admin, bad)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_tenants_policy_is_stricter_and_holds_for_what_is_issued_from_then_on() {
    let place = Place::new().await;
    let tenant = place.world.tenant;
    let before = place.issue("Before").await;
    let tokens = &place.services().token;
    let set = async |default_days, max_days| {
        let own = TokenPolicy {
            default_days,
            max_days,
            on_leak: OnLeak::Tell,
        };
        tokens
            .set_policy(&place.admin, tenant, Some(own), &origin())
            .await
    };
    for (default_days, max_days) in [(7, 366), (7, 0), (31, 30), (0, 30)] {
        let refused = set(default_days, max_days).await;
        assert_eq!(
            refused.unwrap_err().code(),
            "invalid",
            "{default_days} {max_days}"
        );
    }
    let view = set(7, 30).await.unwrap();
    assert_eq!((view.staff.max_days, view.effective.max_days), (365, 30));
    assert_eq!(tokens.policy(&place.admin, tenant).await.unwrap(), view);
    let week = place.issue("Week").await;
    assert_eq!(week.view.expires_at, place.world.db.now() + 7 * DAY);
    let long = IssueToken {
        days: Some(31),
        ..named("Long")
    };
    assert_eq!(
        place
            .try_issue_with(long)
            .await
            .err()
            .expect("refused")
            .code(),
        "invalid"
    );
    assert_eq!(
        place.get(before.view.id).await.expires_at,
        before.view.expires_at
    );
    let none = tokens
        .set_policy(&place.admin, tenant, None, &origin())
        .await;
    assert_eq!(none.unwrap().own, None);
    assert_eq!(place.trail("token_policy.change").await.len(), 2);
    let nobody = tokens.policy(&Actor::Operator, TenantId::zero()).await;
    assert_eq!(nobody.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn an_instance_has_so_many_open_tokens_at_most() {
    let place = Place::new().await;
    let sql = format!(
        "insert into token (id, instance_id, tenant_id, name, folded, hint, token_hash, consumer, \
         request_token, state, state_since, created_at, created_by, expires_at, due_at) \
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 250) \
         select 'x' || i, '{}', '{}', 'x' || i, 'x' || i, '', 'x' || i, 'x' || i, '', 'active', 0, 0, '', \
         9000000000000000, 9000000000000000 from n",
        place.instance.id, place.world.tenant
    );
    place.world.db.shell(&sql).await;
    let full = place.try_issue("One more").await.err().expect("refused");
    assert_eq!(full.code(), "too_many_tokens");
    place
        .world
        .db
        .shell("update token set state = 'revoked' where id = 'x7'")
        .await;
    place.issue("One more").await;
}

#[tokio::test]
async fn tokens_are_issued_for_running_instances_only() {
    let place = Place::new().await;
    let young = place.world.create("Young").await.instance.id;
    let tokens = &place.services().token;
    let issue = async |id: &InstanceId| {
        let made = tokens.issue(&place.admin, id, named("CI"), &origin()).await;
        made.err().expect("refused").code()
    };
    assert_eq!(issue(&young).await, "not_running");
    place.world.delete(&place.instance.id, DAY).await;
    assert_eq!(issue(&place.instance.id).await, "not_running");
    let nowhere: InstanceId = "k7mq2x9dr4ht".parse().unwrap();
    assert_eq!(issue(&nowhere).await, "not_found");
}
