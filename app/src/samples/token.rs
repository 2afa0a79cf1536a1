//! Tokens in every state: on their way, in use, ending soon, being revoked with a gateway that lags
//! or is stuck, proven gone, late, rotated, failed.

use std::time::Duration;

use model::enforcement::{Latency, Progress, Receipt, ReplicaProgress};
use model::token::{
    EndReason, OnLeak, TokenDetail, TokenPolicy, TokenPolicyView, TokenState, TokenView, UsageView,
};

use super::{HOSTILE, NAMES, TENANTS, before, instance_id, now, read, tenant_id, uuid};

const DAY: u64 = 86_400;

const USES: [&str; 7] = [
    "Diploma portal, production",
    "Mobile wallet backend",
    "Nightly import",
    "Registrar's office, Köln",
    "Load test",
    "Partner: Nordic Health",
    "Terraform",
];

/// The text of a token that opens nothing.
pub const TEXT: &str = "prism_k7mq2x9dr4ht_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm";

/// A token number `n` in that state.
#[must_use]
pub fn token(n: usize, state: TokenState) -> TokenView {
    use TokenState as S;
    let ended = matches!(state, S::Revoking | S::Revoked);
    TokenView {
        id: read(&uuid(3_000 + n)),
        instance_id: instance_id(0),
        instance_name: NAMES[0].to_owned(),
        tenant_id: tenant_id(1),
        tenant_name: TENANTS[0].to_owned(),
        name: if n == 2 {
            HOSTILE.to_owned()
        } else {
            USES[n % 7].to_owned()
        },
        note: if n.is_multiple_of(3) {
            "Kept in the vault of the portal team.".to_owned()
        } else {
            String::new()
        },
        hint: "prism_k7mq…9fQ2".to_owned(),
        owner_id: n.is_multiple_of(2).then(|| read(&uuid(901))),
        owner: if n.is_multiple_of(2) {
            "Grace Hopper".to_owned()
        } else {
            TENANTS[0].to_owned()
        },
        state,
        since: before(match state {
            S::Issuing => 2,
            S::Active => DAY * 31,
            S::Revoking => 3,
            S::Revoked => DAY * 2,
            S::Failed => 700,
        }),
        reason: ended.then_some(EndReason::Revoked),
        waiting: waiting(state).map(str::to_owned),
        unproven: false,
        created_at: before(DAY * 31 + 40),
        created_by: "Ada Lovelace".to_owned(),
        expires_at: now() + Duration::from_secs(DAY * (n as u64 * 13 % 90 + 2)),
        retires_at: None,
        replaced_by: None,
        replaces: None,
        late_ms: None,
        receipt: (state == S::Revoked).then(receipt),
        usage: (n % 4 != 3).then(|| UsageView {
            last_used_at: (n % 4 != 1).then(|| before(200 + n as u64 * 61)),
            uses: n as u64 * 12_345,
            as_of: before(41),
        }),
    }
}

const fn waiting(state: TokenState) -> Option<&'static str> {
    match state {
        TokenState::Issuing => {
            Some("Its key has not arrived yet: External Secrets reads it from Secrets Manager.")
        }
        TokenState::Revoking => Some("apisix-7d9f8b6c5-x2x4v: 1 of 4 workers have shown it."),
        TokenState::Failed => Some("Secrets Manager did not answer in time."),
        TokenState::Active | TokenState::Revoked => None,
    }
}

fn receipt() -> Receipt {
    Receipt {
        generation: 14,
        routes: 2,
        replicas: 3,
        workers: 12,
        workers_known: true,
        millis: 812,
        at: before(DAY * 2),
    }
}

/// Three replicas, of which `proven` are.
fn progress(proven: usize, why: &str) -> Progress {
    let names = [
        "apisix-7d9f8b6c5-8kqzp",
        "apisix-7d9f8b6c5-mn4tr",
        "apisix-7d9f8b6c5-x2x4v",
    ];
    Progress {
        generation: 14,
        replicas: names
            .iter()
            .enumerate()
            .map(|(at, name)| ReplicaProgress {
                name: (*name).to_owned(),
                proven: at < proven,
                workers_proven: if at < proven { 4 } else { 1 },
                workers_seen: if why.is_empty() { 0 } else { 4 },
                why: if at < proven {
                    String::new()
                } else {
                    why.to_owned()
                },
            })
            .collect(),
        at: before(1),
    }
}

/// How long a revocation takes.
#[must_use]
pub fn latency() -> Latency {
    Latency {
        median_ms: 812,
        p99_ms: 1_430,
        samples: 12,
        as_of: before(160),
    }
}

fn detail(token: TokenView, progress: Option<Progress>) -> TokenDetail {
    TokenDetail {
        url: Some(format!("https://{}.eu.prism.example", token.instance_id)),
        progress,
        latency: Some(latency()),
        token,
    }
}

/// One of each kind that differs on the page, with a name for it.
#[must_use]
pub fn details() -> Vec<(&'static str, TokenDetail)> {
    use TokenState as S;
    let some = || Some(progress(2, "1 of 4 workers have shown it"));
    let begun = || Some(progress(0, ""));
    let stuck_at = || Some(progress(2, "a worker still has generation 13 of 14"));
    let mut fresh = detail(token(3, S::Active), None);
    fresh.latency = None;
    vec![
        ("issuing", detail(token(1, S::Issuing), some())),
        ("issuing-begun", detail(token(1, S::Issuing), None)),
        ("active", detail(token(6, S::Active), None)),
        ("active-unmeasured", fresh),
        ("rotated", detail(rotated(), None)),
        ("revoking", detail(token(0, S::Revoking), some())),
        ("revoking-begun", detail(token(0, S::Revoking), begun())),
        ("stuck", detail(stuck(), stuck_at())),
        ("revoked", detail(token(0, S::Revoked), None)),
        ("revoked-late", detail(late(), None)),
        ("revoked-workers-unknown", detail(workers_unknown(), None)),
        ("revoked-unproven", detail(unproven(), None)),
        ("failed", detail(token(1, S::Failed), None)),
    ]
}

fn rotated() -> TokenView {
    TokenView {
        retires_at: Some(now() + Duration::from_hours(23)),
        replaced_by: Some(read(&uuid(3_005))),
        ..token(4, TokenState::Active)
    }
}

fn stuck() -> TokenView {
    let waiting = "apisix-7d9f8b6c5-x2x4v: a worker still has generation 13 of 14.";
    TokenView {
        unproven: true,
        since: before(52),
        reason: Some(EndReason::Leaked),
        waiting: Some(waiting.to_owned()),
        ..token(2, TokenState::Revoking)
    }
}

fn late() -> TokenView {
    TokenView {
        reason: Some(EndReason::Expired),
        late_ms: Some(185_000),
        ..token(5, TokenState::Revoked)
    }
}

fn workers_unknown() -> TokenView {
    let proof = Receipt {
        workers_known: false,
        replicas: 1,
        workers: 2,
        millis: 61_000,
        ..receipt()
    };
    TokenView {
        receipt: Some(proof),
        ..token(6, TokenState::Revoked)
    }
}

fn unproven() -> TokenView {
    TokenView {
        receipt: None,
        reason: Some(EndReason::Deleted),
        ..token(3, TokenState::Revoked)
    }
}

/// `count` tokens, mostly active.
#[must_use]
pub fn tokens(count: usize) -> Vec<TokenView> {
    (0..count)
        .map(|n| {
            let mut one = token(
                n,
                match n % 9 {
                    1 => TokenState::Issuing,
                    3 => TokenState::Revoking,
                    5 | 7 => TokenState::Revoked,
                    8 => TokenState::Failed,
                    _ => TokenState::Active,
                },
            );
            if n == 3 {
                one.unproven = true;
                one.since = before(61);
            }
            if n == 7 {
                one.reason = Some(EndReason::Leaked);
            }
            one
        })
        .collect()
}

/// Atala's policy, and a stricter one when `own`.
#[must_use]
pub fn token_policy(own: bool) -> TokenPolicyView {
    let staff = TokenPolicy {
        default_days: 90,
        max_days: 365,
        on_leak: OnLeak::Revoke,
    };
    let stricter = TokenPolicy {
        default_days: 30,
        max_days: 60,
        on_leak: OnLeak::Tell,
    };
    let own = own.then_some(stricter);
    TokenPolicyView {
        staff,
        own,
        effective: own.map_or(staff, |own| own.under(staff)),
    }
}
