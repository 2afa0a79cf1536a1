//! Signing in: one answer for all that is wrong, limits that a crash does not forget, and the first
//! owner's link.

use std::time::Duration;

use model::Actor;
use model::user::StaffRole;
use service::{Error, FirstOwner, Origin, PasswordCost, Settings, SignInLimits};
use tests::services::{PASSWORD, TestServices, origin, settings};

const EMAIL: &str = "owner@example.org";

fn first(email: &str) -> FirstOwner {
    FirstOwner {
        email: email.to_owned(),
        name: "Olive".to_owned(),
        password: PASSWORD.to_owned(),
    }
}

fn from(address: &str) -> Origin {
    Origin::new(address, "", "")
}

/// Waits until the trail holds so many rows of that action.
async fn recorded(test: &TestServices, action: &str, rows: usize) -> Vec<String> {
    loop {
        let filter = service::AuditFilter {
            limit: Some(200),
            ..Default::default()
        };
        let page = test
            .services
            .audit
            .list(&Actor::Operator, filter)
            .await
            .unwrap();
        let found: Vec<_> = page
            .items
            .into_iter()
            .filter(|r| r.action == action)
            .map(|r| r.summary)
            .collect();
        if found.len() >= rows {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_right_password_in_any_spelling_of_the_address() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let id = test
        .services
        .auth
        .sign_in(" Owner@EXAMPLE.org ", PASSWORD, &origin())
        .await;
    assert_eq!(Some(id.unwrap()), owner.user_id());
    assert_eq!(recorded(&test, "sign_in", 1).await, ["Signed in."]);
}

#[tokio::test]
async fn unknown_and_wrong_get_one_answer_and_a_row_each() {
    let test = TestServices::new().await;
    test.owner().await;
    let auth = &test.services.auth;
    let wrong = auth
        .sign_in(EMAIL, "wrong horse battery", &origin())
        .await
        .unwrap_err();
    let unknown = auth
        .sign_in("x@example.org", PASSWORD, &origin())
        .await
        .unwrap_err();
    assert_eq!(wrong.code(), "unauthenticated");
    assert_eq!(
        (wrong.code(), wrong.public()),
        (unknown.code(), unknown.public())
    );
    test.db.shell("update app_user set disabled_at = 1").await;
    let disabled = auth.sign_in(EMAIL, PASSWORD, &origin()).await.unwrap_err();
    assert_eq!(disabled.public(), wrong.public());
    let rows = recorded(&test, "sign_in.refused", 3).await;
    assert!(
        rows.iter()
            .all(|row| !row.contains("horse") && !row.contains("x@example.org"))
    );
}

#[tokio::test]
async fn what_no_password_can_be_costs_no_work() {
    let test = TestServices::new().await;
    for (email, password, field) in [
        ("nobody", PASSWORD, "email"),
        (EMAIL, "", "password"),
        (EMAIL, "a\0b", "password"),
        (EMAIL, &"x".repeat(257), "password"),
        (
            &format!("{}@example.org", "x".repeat(10_000_000)),
            PASSWORD,
            "email",
        ),
    ] {
        let Err(Error::Invalid(list)) =
            test.services.auth.sign_in(email, password, &origin()).await
        else {
            panic!("{field} is refused")
        };
        assert_eq!(list[0].field, field);
    }
}

#[tokio::test]
async fn an_account_is_limited_whatever_the_address_and_a_restart_forgets_nothing() {
    let test = TestServices::new().await;
    test.owner().await;
    for number in 0..10 {
        let refused = test
            .services
            .auth
            .sign_in(
                EMAIL,
                "wrong horse battery",
                &from(&format!("198.51.100.{number}")),
            )
            .await;
        assert_eq!(refused.unwrap_err().code(), "unauthenticated");
    }
    let again = TestServices::build(test.db, settings(), tests::clusters::away());
    let limited = again
        .services
        .auth
        .sign_in(EMAIL, PASSWORD, &from("203.0.113.1"))
        .await;
    let limited = limited.unwrap_err();
    assert_eq!(limited.code(), "limited");
    let wait = limited.retry_after().unwrap();
    assert_eq!(
        wait,
        Duration::from_mins(2),
        "30 an hour are one in two minutes"
    );
    assert_eq!(
        limited.public(),
        "There were too many tries to sign in. Try again in 2 minutes."
    );
    again.db.clock.advance(wait);
    again
        .services
        .auth
        .sign_in(EMAIL, PASSWORD, &from("203.0.113.1"))
        .await
        .unwrap();
    // Who knows the password starts afresh.
    for _ in 0..9 {
        again
            .services
            .auth
            .sign_in(EMAIL, PASSWORD, &from("203.0.113.2"))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_address_is_limited_whatever_the_account() {
    let test = TestServices::new().await;
    let tries = async |network: &str, count: u32| {
        let mut limited = 0;
        for number in 0..count {
            let email = format!("p{number}.{}@example.org", network.len());
            let address = from(&format!("{network}::{number:x}"));
            let error = test
                .services
                .auth
                .sign_in(&email, PASSWORD, &address)
                .await
                .unwrap_err();
            limited += u32::from(error.code() == "limited");
        }
        limited
    };
    assert_eq!(
        tries("2001:db8:1:2", 22).await,
        2,
        "a /64 counts as one address"
    );
    assert_eq!(tries("2001:db8:1:33", 5).await, 0);
}

#[tokio::test]
async fn a_flood_of_made_up_accounts_does_not_free_one_under_attack() {
    let test = TestServices::new().await;
    test.owner().await;
    for _ in 0..10 {
        let _ = test
            .services
            .auth
            .sign_in(EMAIL, "wrong horse battery", &from(""))
            .await;
    }
    // The table as such a flood leaves it: full of accounts that nobody has.
    let rows = service::limit::MOST_KEYS;
    let due = (test.db.now() + Duration::from_mins(2)).micros();
    test.db
        .shell(&format!(
            "insert into sign_in (key, due)
             with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows})
             select 'account:made-up-' || cast(i as text), {due} from n"
        ))
        .await;
    let before = test.db.text("select count(*) || '' from sign_in").await;
    let limited = test
        .services
        .auth
        .sign_in(EMAIL, PASSWORD, &from(""))
        .await
        .unwrap_err();
    assert_eq!(limited.code(), "limited");
    let mut refused = Vec::new();
    for number in 0..100 {
        let email = format!("new{number}@example.org");
        let error = test
            .services
            .auth
            .sign_in(&email, PASSWORD, &from(""))
            .await
            .unwrap_err();
        refused.push(error.code());
    }
    assert!(
        refused.contains(&"unauthenticated"),
        "there is still room for others"
    );
    let after = test.db.text("select count(*) || '' from sign_in").await;
    let (before, after): (u32, u32) = (before.parse().unwrap(), after.parse().unwrap());
    assert!(after <= before + 65, "{before} rows became {after}");
    test.db.clock.advance(Duration::from_mins(2));
    test.services
        .auth
        .sign_in(EMAIL, PASSWORD, &from(""))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_hash_of_another_cost_is_made_anew_at_sign_in() {
    let test = TestServices::new().await;
    test.owner().await;
    let dearer = Settings {
        password: PasswordCost {
            memory_kib: 128,
            ..settings().password
        },
        ..settings()
    };
    let test = TestServices::build(test.db, dearer, tests::clusters::away());
    let hash = async || test.db.text("select password_hash from app_user").await;
    assert!(hash().await.contains("m=64,"));
    test.services
        .auth
        .sign_in(EMAIL, PASSWORD, &origin())
        .await
        .unwrap();
    let renewed = hash().await;
    assert!(renewed.contains("m=128,"));
    test.services
        .auth
        .sign_in(EMAIL, PASSWORD, &origin())
        .await
        .unwrap();
    assert_eq!(hash().await, renewed);
}

#[tokio::test]
async fn a_flood_of_sign_ins_is_refused_at_once_and_then_over() {
    let one_at_a_time = Settings {
        password: PasswordCost {
            memory_kib: 4_096,
            concurrency: 1,
            ..settings().password
        },
        sign_in: SignInLimits {
            burst: 1_000,
            ..SignInLimits::default()
        },
        ..settings()
    };
    let test = std::sync::Arc::new(TestServices::with(one_at_a_time).await);
    test.owner().await;
    let mut flood = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let test = test.clone();
        flood.spawn(async move {
            let done = test.services.auth.sign_in(EMAIL, PASSWORD, &from("")).await;
            done.map_or_else(|error| error.code(), |_| "ok")
        });
    }
    let answers = flood.join_all().await;
    assert!(
        answers.iter().all(|a| ["ok", "unavailable"].contains(a)),
        "{answers:?}"
    );
    assert!(answers.contains(&"ok"));
    test.services
        .auth
        .sign_in(EMAIL, PASSWORD, &from(""))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_set_up_link_works_once_and_only_while_there_is_no_owner() {
    let test = TestServices::new().await;
    let auth = &test.services.auth;
    let old = auth.setup_link().await.unwrap().unwrap();
    let link = auth.setup_link().await.unwrap().unwrap();
    assert!(
        !auth.setup_open(&old).await.unwrap(),
        "a new one replaces the old"
    );
    assert!(auth.setup_open(&link).await.unwrap());
    assert!(!auth.setup_open("").await.unwrap() && !auth.setup_open(&link[1..]).await.unwrap());
    let stored = test
        .db
        .text("select value from setting where name = 'set_up_token_hash'")
        .await;
    assert_ne!(stored, link);
    let Err(Error::Invalid(wrong)) = auth
        .set_up(
            &link,
            FirstOwner {
                email: "x".into(),
                name: String::new(),
                password: "short".into(),
            },
            &origin(),
        )
        .await
    else {
        panic!("three fields are wrong")
    };
    let fields: Vec<_> = wrong.iter().map(|w| w.field.as_str()).collect();
    assert_eq!(fields, ["email", "name", "password"]);
    let id = auth.set_up(&link, first(EMAIL), &origin()).await.unwrap();
    assert_eq!(auth.sign_in(EMAIL, PASSWORD, &origin()).await.unwrap(), id);
    let again = auth
        .set_up(&link, first("two@example.org"), &origin())
        .await
        .unwrap_err();
    assert_eq!(again.code(), "not_found");
    assert_eq!(auth.setup_link().await.unwrap(), None);
}

#[tokio::test]
async fn of_many_who_use_the_set_up_link_at_once_one_becomes_owner() {
    let test = std::sync::Arc::new(TestServices::new().await);
    let link = test.services.auth.setup_link().await.unwrap().unwrap();
    let mut race = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (test, link) = (test.clone(), link.clone());
        race.spawn(async move {
            let owner = first(&format!("o{number}@example.org"));
            test.services
                .auth
                .set_up(&link, owner, &origin())
                .await
                .is_ok()
        });
    }
    let won = race.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    assert_eq!(store::user::owners(&test.db.db).await.unwrap(), 1);
}

#[tokio::test]
async fn only_the_command_line_and_owners_make_owners() {
    let test = TestServices::new().await;
    let auth = &test.services.auth;
    let viewer = test.staff(StaffRole::Viewer);
    let refused = auth.create_owner(&viewer, first(EMAIL)).await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    auth.create_owner(&Actor::Operator, first(EMAIL))
        .await
        .unwrap();
    let taken = auth
        .create_owner(&Actor::Operator, first("OWNER@example.org"))
        .await
        .unwrap_err();
    assert_eq!(taken.code(), "email_taken");
}

#[tokio::test]
async fn changing_the_password_needs_the_current_one_and_ends_other_sessions() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let auth = &test.services.auth;
    let change = async |current: &str, new: &str| {
        auth.change_password(&owner, current, new, &origin()).await
    };
    let new = "another horse battery";
    for (current, wanted, field) in [
        ("wrong horse battery", new, "current"),
        (PASSWORD, "short", "new"),
        (PASSWORD, PASSWORD, "new"),
    ] {
        let Err(Error::Invalid(list)) = change(current, wanted).await else {
            panic!("{field} is refused")
        };
        assert_eq!(list[0].field, field);
    }
    change(PASSWORD, new).await.unwrap();
    auth.sign_in(EMAIL, new, &origin()).await.unwrap();
    let old = auth.sign_in(EMAIL, PASSWORD, &origin()).await.unwrap_err();
    assert_eq!(old.code(), "unauthenticated");
    let token = test.staff_token(&["all:write"]);
    let refused = auth
        .change_password(&token, PASSWORD, new, &origin())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "forbidden");
}
