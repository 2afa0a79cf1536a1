//! Reports of leaks: real tokens end and their people are told, and nobody learns from the answer which
//! were real. And the text of a token is found nowhere.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::Actor;
use model::secret_text::PlainToken;
use model::token::{EndReason, OnLeak, TokenPolicy, TokenState};
use model::user::TenantRole;
use service::{CreateAccessToken, Error, IssueToken, LeakReport, TokenFilter};
use tests::services::origin;
use tests::world::TestWorld;
use tokio::time::Instant;

use super::instance_token::{Place, named, person};

async fn report(place: &Place, text: &str, at: &str) -> Result<(), Error> {
    let report = LeakReport {
        text: text.to_owned(),
        place: at.to_owned(),
    };
    place.services().token.report_leak(report, &origin()).await
}

/// Waits until so many mails were handed over, and gives them.
async fn mailed(world: &TestWorld, many: usize) -> Vec<service::ports::Mail> {
    while world.mailer.sent().len() < many {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.mailer.sent()
}

#[tokio::test]
async fn a_leaked_token_is_revoked_and_its_people_are_told_where_it_was() {
    let place = Place::new().await;
    let tenant = place.world.tenant;
    let (pat, _) = person(&place.world, tenant, "p@acme.example", TenantRole::Member).await;
    let command = IssueToken {
        owner: Some(pat),
        ..named("CI")
    };
    let made = place.try_issue_with(command).await.expect("issued");
    let spared = place.issue("Spared").await;
    let text = format!("APIKEY={}; curl …", made.token.expose());
    let at = format!("https://git.example/x?q={}", made.token.expose());
    report(&place, &text, &at).await.unwrap();
    let ended = place.get(made.view.id).await;
    assert_eq!(
        (ended.state, ended.reason),
        (TokenState::Revoking, Some(EndReason::Leaked))
    );
    assert_eq!(place.get(spared.view.id).await.state, TokenState::Issuing);
    let mails = mailed(&place.world, 2).await;
    let to: Vec<_> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["ada@acme.example", "p@acme.example"]);
    assert!(
        mails[0].subject.contains("https://git.example/x"),
        "{}",
        mails[0].subject
    );
    assert!(mails[0].subject.ends_with("revoked: true"));
    let trail = place.trail("token.leak").await;
    assert!(trail[0].contains("git.example") && trail[0].contains(&made.view.hint));
    for kept in [&trail[0], &mails[0].subject, &mails[0].text] {
        assert!(!kept.contains(made.token.expose()), "{kept}");
    }
    // Once is enough.
    report(&place, &text, &at).await.unwrap();
    assert_eq!(place.trail("token.leak").await.len(), 1);
}

#[tokio::test]
async fn the_answer_says_nothing_about_what_was_real() {
    let place = Place::new().await;
    let real = place.issue("CI").await;
    let id = &place.instance.id;
    let unknown = PlainToken::instance(id, &*place.world.db.entropy);
    let access = PlainToken::access(&*place.world.db.entropy);
    let mut wrong = real.token.expose().to_owned();
    wrong.replace_range(30..31, if &wrong[30..31] == "a" { "b" } else { "a" });
    for text in [
        "",
        "nothing",
        unknown.expose(),
        access.expose(),
        &wrong,
        real.token.expose(),
    ] {
        let began = Instant::now();
        report(&place, text, "somewhere").await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(200));
    }
    assert_eq!(
        place.get(real.view.id).await.reason,
        Some(EndReason::Leaked)
    );
    assert_eq!(place.trail("token.leak").await.len(), 1);
    let long = report(&place, &"x".repeat(100_001), "").await.unwrap_err();
    assert_eq!(long.code(), "invalid");
    let far = report(&place, "x", &"x".repeat(501)).await.unwrap_err();
    assert_eq!(far.code(), "invalid");
}

#[tokio::test]
async fn a_tenant_may_decide_by_itself_and_is_told_once() {
    let place = Place::new().await;
    let tokens = &place.services().token;
    let own = TokenPolicy {
        default_days: 90,
        max_days: 365,
        on_leak: OnLeak::Tell,
    };
    let tenant = place.world.tenant;
    let set = tokens
        .set_policy(&place.admin, tenant, Some(own), &origin())
        .await;
    let effective = set.unwrap().effective.on_leak;
    let made = place.issue("CI").await;
    for _ in 0..3 {
        report(&place, made.token.expose(), "in a chat")
            .await
            .unwrap();
    }
    let kept = place.get(made.view.id).await.state;
    let mails = mailed(&place.world, 1).await;
    assert_eq!(mails.len(), 1);
    if effective == OnLeak::Tell {
        assert_eq!(kept, TokenState::Issuing);
        assert!(
            mails[0].subject.ends_with("revoked: false"),
            "{}",
            mails[0].subject
        );
    } else {
        assert_eq!(kept, TokenState::Revoking);
    }
}

#[tokio::test]
async fn access_tokens_are_found_and_revoked_too() {
    let place = Place::new().await;
    let command = CreateAccessToken {
        name: "Robot".to_owned(),
        scopes: vec!["all:read".to_owned()],
        days: None,
    };
    let access = &place.services().access_token;
    let made = access
        .create(&place.admin, command, &origin())
        .await
        .unwrap();
    let text = made.token.expose();
    assert!(access.authenticate(text).await.unwrap().is_some());
    let first = place.issue("CI").await;
    let both = format!("{text}\n{}", first.token.expose());
    report(&place, &both, "a public bucket").await.unwrap();
    assert!(access.authenticate(text).await.unwrap().is_none());
    assert_eq!(
        place.get(first.view.id).await.reason,
        Some(EndReason::Leaked)
    );
    let mails = mailed(&place.world, 2).await;
    let robot = mails.iter().find(|mail| mail.text.starts_with("Robot"));
    assert_eq!(robot.map(|mail| mail.to.as_str()), Some("ada@acme.example"));
    let trail = place.trail("access_token.leak").await;
    assert!(
        trail[0].contains("Robot") && !trail[0].contains(text),
        "{trail:?}"
    );
}

#[tokio::test]
async fn reports_are_limited_by_address_and_verified_ones_are_not() {
    let place = Place::new().await;
    let made = place.issue("CI").await;
    let mut limited = None;
    for _ in 0..25 {
        if let Err(error) = report(&place, "nothing", "").await {
            limited = Some(error);
            break;
        }
    }
    let limited = limited.expect("too many");
    assert!(limited.code() == "limited" && limited.retry_after().is_some());
    let found = LeakReport {
        text: made.token.expose().to_owned(),
        place: "GitHub: https://github.example/x".to_owned(),
    };
    let tokens = &place.services().token;
    tokens
        .report_leak_from(found, "GitHub secret scanning", &origin())
        .await
        .unwrap();
    assert_eq!(
        place.get(made.view.id).await.reason,
        Some(EndReason::Leaked)
    );
    let trail = place.trail("token.leak").await;
    assert!(
        trail[0].contains("says GitHub secret scanning"),
        "{trail:?}"
    );
}

/// What is logged, as a text.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("no test panicked")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Every row of every table, as one text.
async fn everything(world: &TestWorld) -> String {
    let sqlite = world.db.db.engine() == "sqlite";
    let tables = if sqlite {
        "select group_concat(name) from sqlite_master where type = 'table'"
    } else {
        "select string_agg(tablename, ',') from pg_tables where schemaname = 'public'"
    };
    let mut all = String::new();
    for table in world.db.text(tables).await.split(',') {
        let rows = if sqlite {
            // Quoted, since some columns hold bytes.
            let columns = format!(
                "select group_concat('quote(\"' || name || '\")', ' || ') from pragma_table_info('{table}')"
            );
            let columns = world.db.text(&columns).await;
            format!("select coalesce(group_concat({columns}), '') from \"{table}\"")
        } else {
            format!("select coalesce(string_agg(t::text, ' '), '') from \"{table}\" t")
        };
        all.push_str(&world.db.text(&rows).await);
    }
    all
}

#[tokio::test]
async fn the_text_of_a_token_is_found_nowhere() {
    let log = Log::default();
    let written = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || written.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let place = Place::new().await;
    let first = place.issue("CI").await;
    let second = place.rotate(first.view.id, Duration::from_hours(1)).await;
    let second = second.expect("rotated");
    let echo = format!("500 {}", second.token.expose());
    let fault = tests::cluster::Fault::Before(service::ports::ClusterError::SecretsManager(echo));
    place
        .world
        .cluster
        .fail(tests::cluster::Method::WriteToken, 1, fault);
    assert!(place.try_issue("Refused").await.is_err());
    report(&place, first.token.expose(), second.token.expose())
        .await
        .unwrap();
    mailed(&place.world, 1).await;
    place.world.db.clock.advance(Duration::from_hours(24 * 89));
    let tokens = &place.services().token;
    tokens.remind().await.unwrap();
    tokens.calendar_round().await.unwrap();
    tokens.count_uses().await.unwrap();
    let events = place
        .services()
        .event
        .since(&Actor::Operator, 0, 1_000)
        .await;
    let shown = serde_json::to_string(&events.unwrap()).unwrap();
    let rows = place.list(TokenFilter::default()).await;
    let shown = shown + &serde_json::to_string(&rows).unwrap();
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("Secrets Manager did not take a token"),
        "the log is captured"
    );
    let kept = everything(&place.world).await;
    assert!(kept.contains("token.leak") && kept.contains(&first.view.hint));
    let mails = format!("{:?}", place.world.mailer.sent());
    for token in [&first.token, &second.token] {
        let random = &token.expose()["prism_k7mq2x9dr4ht_".len()..];
        for (what, text) in [
            ("rows", &kept),
            ("log", &logged),
            ("shown", &shown),
            ("mails", &mails),
        ] {
            assert!(
                !text.contains(random) && !text.contains(&random[..20]),
                "{what}"
            );
        }
    }
}
