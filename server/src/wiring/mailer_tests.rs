//! Tests of the mails: what they say, that nobody's name breaks out of them, and the outbox.

use std::os::unix::fs::PermissionsExt as _;

use super::super::clock::SystemClock;
use super::super::entropy::SystemEntropy;
use super::*;

fn post(outbox: PathBuf) -> Post {
    Post::new(
        &config::Mail::default(),
        outbox,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    )
    .unwrap()
}

const LINK: &str = "https://instances.example.org/invitation/abc123";

#[test]
fn the_invitation_says_who_what_and_how_long() {
    let mail =
        post(PathBuf::new()).invitation("ada@example.org", "Grace", "admin", Some("Acme"), LINK);
    assert_eq!(mail.subject, "Grace invites you to Acme");
    for body in [&mail.text, &mail.html] {
        for part in ["Grace", "Acme", "admin", LINK, "once"] {
            assert!(body.contains(part), "{part} in {body}");
        }
    }
    let staff = post(PathBuf::new()).invitation("ada@example.org", "Grace", "operator", None, LINK);
    assert_eq!(staff.subject, "Grace invites you to Hosted instances");
    assert!(!staff.text.contains("Acme") && staff.text.contains("operator"));
}

#[test]
fn a_name_breaks_out_of_neither_html_nor_header() {
    let name = "A<script>\r\nBcc: all@example.org";
    let mail = post(PathBuf::new()).invitation("ada@example.org", name, "admin", Some(name), LINK);
    assert!(!mail.html.contains("<script>"), "{}", mail.html);
    assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
}

#[tokio::test]
async fn without_a_mail_server_mails_are_files_for_their_owner() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox");
    let post = post(outbox.clone());
    let mail = post.invitation("ada@example.org", "Grace", "admin", Some("Acme"), LINK);
    assert_eq!(post.send(&mail).await.unwrap(), Delivery::Outbox);
    assert_eq!(post.send(&mail).await.unwrap(), Delivery::Outbox);
    let files: Vec<_> = std::fs::read_dir(&outbox)
        .unwrap()
        .map(|file| file.unwrap())
        .collect();
    assert_eq!(files.len(), 2);
    let text = std::fs::read_to_string(files[0].path()).unwrap();
    assert!(
        text.contains("To: ada@example.org") && text.contains("Subject: Grace invites you to Acme")
    );
    assert_eq!(
        files[0].metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        outbox.metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mail {
        to: "nobody".into(),
        subject: "x".into(),
        text: "x".into(),
        html: "x".into(),
    };
    let refused = post(folder.path().to_owned())
        .send(&mail)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().starts_with("nobody is no address"),
        "{refused}"
    );
}

const ABOUT: TokenMail<'_> = TokenMail {
    to: "ada@example.org",
    name: "CI",
    hint: "prism_k7mq…9fQ2",
    instance: Some("Staging"),
    link: "https://instances.example.org/tokens/0199",
};

#[test]
fn a_reminder_names_token_instance_time_and_place() {
    let at = Timestamp::parse("2026-12-24T12:00:00Z").unwrap();
    let left = Duration::from_hours(7 * 24 - 1);
    let mail = post(PathBuf::new()).token_reminder(&ABOUT, at, left);
    assert_eq!(mail.subject, "The token CI expires in 7 days");
    for body in [&mail.text, &mail.html] {
        for part in [
            "CI",
            "prism_k7mq…9fQ2",
            "of the instance",
            "Staging",
            "2026-12-24 12:00 UTC",
            "in 7 days",
            ABOUT.link,
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
    }
    for (hours, words) in [
        (0, "within the hour"),
        (5, "in 5 hours"),
        (24, "in a day"),
        (30 * 24, "in 30 days"),
    ] {
        assert_eq!(in_words(Duration::from_hours(hours)), words);
    }
}

#[test]
fn a_leak_says_where_and_what_was_done() {
    let post = post(PathBuf::new());
    let place = "at \u{201c}https://git.example/<b>\u{201d}";
    let revoked = post.token_leaked(&ABOUT, place, true);
    assert_eq!(revoked.subject, "The token CI was found and revoked");
    assert!(revoked.text.contains(place) && revoked.text.contains("being revoked"));
    assert!(!revoked.html.contains("<b>"), "{}", revoked.html);
    let access = TokenMail {
        instance: None,
        ..ABOUT
    };
    let told = post.token_leaked(&access, place, false);
    assert_eq!(told.subject, "The token CI was found");
    assert!(told.text.starts_with("The access token CI") && told.text.contains("still works"));
    assert!(!told.text.contains("instance "), "{}", told.text);
}

#[test]
fn an_alarm_says_what_to_do() {
    let cause = Cause::new(
        model::cause::CauseCode::ProofOverdue,
        "Staging",
        "apisix-2: no answer",
    );
    let mail = post(PathBuf::new()).alarm("olive@example.org", &cause, "https://x.example/i");
    assert!(mail.subject.contains("Staging") && mail.subject.contains("apisix-2"));
    for body in [&mail.text, &mail.html] {
        assert!(body.contains("restart it") && body.contains("https://x.example/i"));
    }
}
