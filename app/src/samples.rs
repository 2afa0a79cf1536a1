//! Read models that were made up, for tests and the gallery: empty, one, many, in trouble. Names carry
//! markup and marks on purpose, so that a page that forgets to escape is noticed at once.

mod fleet;
mod gallery;
mod gallery_tokens;
mod instance;
mod records;
mod token;

use std::time::Duration;

use model::user::Role;
use model::view::MeView;
use model::{Actor, InstanceId, TenantId, Timestamp};

pub use self::fleet::fleet;
pub use self::gallery::{Sample, pages};
pub use self::instance::{deleting, detail, health, instance, operation, unproven};
pub use self::records::{
    access_tokens, audit, audit_filters, checks, cluster, members, offers, regions, releases,
    sessions, tenant,
};
pub use self::token::{TEXT, details, latency, token, token_policy, tokens};
use crate::context::{Assets, Caller, Theme};

/// Text that must never reach a page unescaped.
pub const HOSTILE: &str = "<script>alert(1)</script> & “Söhne”";

/// When the samples were true.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::parse("2026-11-24T14:02:31Z").unwrap_or_default()
}

fn before(seconds: u64) -> Timestamp {
    now() - Duration::from_secs(seconds)
}

/// Reads a value that is known to be right; a sample that is not fails its test.
fn read<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().expect("a sample is well formed")
}

/// The id number `n` of its kind.
fn uuid(n: usize) -> String {
    format!("0193580a-0000-7000-8000-{n:012}")
}

/// A tenant's id.
#[must_use]
pub fn tenant_id(n: usize) -> TenantId {
    read(&uuid(n))
}

/// An instance's id: looks drawn, is the same every time.
#[must_use]
pub fn instance_id(n: usize) -> InstanceId {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut seed = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut text = String::new();
    while text.len() < InstanceId::LEN {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let alphabet = if text.is_empty() { 26 } else { 36 };
        let at = usize::try_from((seed >> 33) % alphabet).unwrap_or(0);
        text.push(char::from(LETTERS[at]));
    }
    read(&text)
}

/// Somebody with a role, asking.
#[must_use]
pub fn caller(role: Option<Role>) -> Caller {
    let me = role.map(|role| MeView {
        kind: "user".to_owned(),
        user_id: Some(read(&uuid(900))),
        name: "Ada Lovelace".to_owned(),
        email: "ada@atala.example".to_owned(),
        staff: role.is_staff().then_some(role),
        tenants: if role.is_staff() {
            Vec::new()
        } else {
            vec![(tenant_id(1), role)]
        },
        scopes: Vec::new(),
    });
    Caller {
        actor: Actor::Anonymous,
        origin: service::Origin::local(),
        me,
        sandbox: true,
        environment: None,
        assets: Assets {
            style: Some("style.css".to_owned()),
            client_js: None,
            client_wasm: None,
        },
        nonce: "c2FtcGxl".to_owned(),
        now: now(),
        notices: Vec::new(),
        flash: None,
        theme: Theme::System,
        location: "/".to_owned(),
    }
}

const NAMES: [&str; 6] = [
    "Wallet staging",
    "Wallet",
    "Diploma issuer",
    "Registry pilot",
    "Health passes",
    "Border trial",
];

const TENANTS: [&str; 9] = [
    "Acme Ltd",
    "Université de Lyon",
    "Stadt Köln",
    "Ministry of Education",
    "Orange Bank",
    "Nordic Health",
    "Cardano Foundation",
    "Port of Antwerp",
    "Verein für Nachweise und digitale Identität",
];
