//! Tenants, people, clusters, releases, sessions, access tokens and the audit trail.

use std::collections::BTreeMap;
use std::time::Duration;

use model::cause::{Cause, CauseCode};
use model::cluster::{
    ChartSource, ClusterAccess, ClusterSettings, Gateway, OverrideSource, Purpose, Replicas,
};
use model::permission::Scope;
use model::release::{Channel, Release};
use model::user::Role;
use model::view::{
    AccessOffer, AccessTokenView, AuditView, CauseView, CheckLine, ClusterView, MemberView,
    RegionChoice, ReleaseView, SessionView, TenantView,
};

use super::{HOSTILE, TENANTS, before, instance_id, now, read, tenant_id, uuid};

/// A tenant.
#[must_use]
pub fn tenant(n: usize) -> TenantView {
    TenantView {
        id: tenant_id(n),
        name: if n == 3 {
            HOSTILE.to_owned()
        } else {
            TENANTS[n % 9].to_owned()
        },
        instances: u32::try_from(n % 5).unwrap_or(0),
        not_healthy: u32::from(n % 4 == 2),
        members: u32::try_from(n % 3 + 1).unwrap_or(1),
        created_at: before(86_400 * (n as u64 + 1)),
    }
}

/// Two members and an invitation.
#[must_use]
pub fn members() -> Vec<MemberView> {
    let member = |n: usize, name: &str, email: &str, role, invited: bool| MemberView {
        user_id: (!invited).then(|| read(&uuid(900 + n))),
        invitation_id: invited.then(|| read(&uuid(950 + n))),
        name: name.to_owned(),
        email: email.to_owned(),
        role,
        since: before(86_400 * (n as u64 + 2)),
        expires_at: invited.then(|| now() + Duration::from_hours(24 * 5)),
    };
    vec![
        member(
            1,
            "Grace Hopper",
            "grace@acme.example",
            Role::TenantAdmin,
            false,
        ),
        member(2, HOSTILE, "h@acme.example", Role::TenantMember, false),
        member(3, "", "new@acme.example", Role::TenantMember, true),
    ]
}

/// A cluster, reachable or not.
#[must_use]
pub fn cluster(name: &str, purpose: Purpose, reachable: bool) -> ClusterView {
    let cause = Cause::new(
        CauseCode::ClusterUnreachable,
        name,
        "connection timed out after 10 s",
    );
    ClusterView {
        settings: ClusterSettings {
            name: read(name),
            region: read("eu-west-1"),
            purpose,
            zone: read("eu.prism.example"),
            access: ClusterAccess::Kubeconfig {
                context: format!("{name}-admin"),
            },
            argocd_namespace: "argocd".to_owned(),
            application_namespace: "hosted-instances".to_owned(),
            project: "hosted-instances".to_owned(),
            chart: ChartSource {
                repo_url: "https://git.example/prism/charts.git".to_owned(),
                path: "prism-instance".to_owned(),
            },
            overrides: Some(OverrideSource {
                repo_url: "https://git.example/prism/overrides.git".to_owned(),
                revision: "main".to_owned(),
            }),
            gateway: Gateway {
                scheme: "https".to_owned(),
                port: None,
                address: None,
                replicas: Replicas::default(),
                prometheus_url: None,
            },
            secrets_prefix: "hosted-instances".to_owned(),
            secrets_role: None,
            capacity: 200,
            cordoned: false,
        },
        instances: 37,
        reachable: Some(reachable),
        since: Some(before(if reachable { 864_000 } else { 260 })),
        as_of: Some(before(if reachable { 4 } else { 260 })),
        cause: (!reachable).then(|| CauseView::from(&cause)),
        kubernetes: Some("v1.34.1".to_owned()),
    }
}

/// What a check of a cluster found, with something missing.
#[must_use]
pub fn checks() -> Vec<CheckLine> {
    let line = |name: &str, ok, detail: &str| CheckLine {
        name: name.to_owned(),
        ok,
        detail: detail.to_owned(),
    };
    vec![
        line("API server", true, "answers, v1.34.1"),
        line(
            "Right to create applications.argoproj.io",
            true,
            "in the namespace hosted-instances",
        ),
        line(
            "externalsecrets.external-secrets.io v1",
            false,
            "The custom resource is not served. Install External Secrets 0.17 or newer.",
        ),
    ]
}

/// What the server offers as ways to reach a cluster.
#[must_use]
pub fn offers() -> Vec<AccessOffer> {
    let offer = |value: &str, title: &str| AccessOffer {
        value: value.to_owned(),
        title: title.to_owned(),
    };
    vec![
        offer("in_cluster", "The cluster this server runs in"),
        offer("kubeconfig:eu-prod-1", "kubeconfig: eu-prod-1"),
        offer("eks", "EKS, by the AWS SDK"),
    ]
}

/// The catalogue.
#[must_use]
pub fn releases() -> Vec<ReleaseView> {
    let release = |version: &str, channel, destroys: Option<&str>, instances| ReleaseView {
        release: Release {
            version: read(version),
            channel,
            chart_revision: format!("prism-instance-{version}"),
            images: BTreeMap::from([
                (
                    "agent".to_owned(),
                    format!("ghcr.io/hyperledger/identus-cloud-agent:{version}"),
                ),
                (
                    "registry-node".to_owned(),
                    "ghcr.io/input-output-hk/prism-node:2.5.0".to_owned(),
                ),
            ]),
            schema: BTreeMap::from([("agent".to_owned(), 21), ("connect".to_owned(), 9)]),
            destroys: destroys.map(str::to_owned),
            notes: "Adds revocation lists of SD-JWT credentials.".to_owned(),
        },
        instances,
    };
    vec![
        release(
            "3.0.0",
            Channel::Preview,
            Some("connections made before 2.0 are dropped"),
            0,
        ),
        release("2.2.0", Channel::Supported, None, 3),
        release("2.1.0", Channel::Supported, None, 31),
        release("1.40.0", Channel::Deprecated, None, 2),
        release("1.31.0", Channel::Expired, Some(HOSTILE), 0),
    ]
}

/// Where an instance could go.
#[must_use]
pub fn regions() -> Vec<RegionChoice> {
    let choice =
        |region: &str, purpose, cluster: Option<&str>, refused: Option<&str>| RegionChoice {
            region: read(region),
            purpose,
            cluster: cluster.map(read),
            zone: cluster.map(|_| "eu.prism.example".to_owned()),
            refused: refused.map(str::to_owned),
        };
    vec![
        choice("eu-west-1", Purpose::Development, Some("eu-dev-1"), None),
        choice("eu-west-1", Purpose::Production, Some("eu-prod-1"), None),
        choice(
            "us-east-1",
            Purpose::Development,
            None,
            Some("us-dev-1 is full (200 of 200)"),
        ),
        choice("us-east-1", Purpose::Production, Some("us-prod-1"), None),
    ]
}

/// The caller's sessions.
#[must_use]
pub fn sessions() -> Vec<SessionView> {
    let session = |n: usize, current, device: &str| SessionView {
        key: read(&uuid(700 + n)),
        current,
        device: device.to_owned(),
        address: "203.0.113.7".to_owned(),
        created_at: before(86_400 * n as u64),
        last_used_at: before(60 * n as u64),
        expires_at: now() + Duration::from_hours(24 * 20),
    };
    vec![
        session(1, true, "Firefox on Linux"),
        session(2, false, HOSTILE),
    ]
}

/// Access tokens: in use, soon to expire, revoked.
#[must_use]
pub fn access_tokens() -> Vec<AccessTokenView> {
    let token = |n: usize, name: &str, days: u64, revoked: bool| AccessTokenView {
        id: read(&uuid(800 + n)),
        name: name.to_owned(),
        hint: "hiat_k7mq…9fQ2".to_owned(),
        scopes: vec![
            read::<Scope>("instances:write"),
            read::<Scope>("tenants:read"),
        ],
        owner: "Ada Lovelace".to_owned(),
        created_at: before(86_400 * 80),
        expires_at: now() + Duration::from_hours(24 * days),
        revoked_at: revoked.then(|| before(7_200)),
        last_used_at: (n != 2).then(|| before(300)),
    };
    vec![
        token(1, "Terraform", 200, false),
        token(2, HOSTILE, 9, false),
        token(3, "Old pipeline", 30, true),
    ]
}

/// Filters of the audit trail, untouched or chosen.
#[must_use]
pub fn audit_filters(chosen: bool) -> crate::pages::audit::Filters {
    let pairs = [("action", "token"), ("from", "2026-11-01"), ("q", HOSTILE)];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    crate::pages::audit::Filters {
        chosen: if chosen { pairs.to_vec() } else { Vec::new() },
        cursor: None,
        tenants: vec![
            ("1".to_owned(), "Acme Ltd".to_owned()),
            ("2".to_owned(), HOSTILE.to_owned()),
        ],
        export: Vec::new(),
        whole: true,
    }
}

/// Rows of the audit trail.
#[must_use]
pub fn audit(count: usize) -> Vec<AuditView> {
    (0..count)
        .map(|n| AuditView {
            chain: "staff".to_owned(),
            sequence: i64::try_from(count - n).unwrap_or(0),
            at: before(n as u64 * 400 + 30),
            actor: if n.is_multiple_of(3) {
                "The control plane".to_owned()
            } else {
                "Ada Lovelace".to_owned()
            },
            address: if n.is_multiple_of(3) {
                String::new()
            } else {
                "203.0.113.7".to_owned()
            },
            action: ["instance.create", "tenant.rename", "cluster.cordon"][n % 3].to_owned(),
            subject: format!("instance {}", instance_id(n)),
            summary: if n == 1 {
                HOSTILE.to_owned()
            } else {
                "Asked for an instance of Acme Ltd at 2.1.0.".to_owned()
            },
            actor_kind: if n.is_multiple_of(3) {
                "system".to_owned()
            } else {
                "user".to_owned()
            },
            actor_id: String::new(),
            tenant: None,
            was: if n % 3 == 1 {
                r#"{"name":"Acme","purpose":"development"}"#.to_owned()
            } else {
                String::new()
            },
            became: if n % 3 == 1 {
                r#"{"name":"Acme Ltd","purpose":"development","access":{"token":"masked"}}"#
                    .to_owned()
            } else {
                String::new()
            },
            why: match n % 4 {
                0 => "operation 01900000-0000-7000-8000-000000000000".to_owned(),
                1 => "reason A customer asked for it".to_owned(),
                _ => String::new(),
            },
            request_id: String::new(),
            form: 2,
            previous: "0".repeat(64),
            hash: "ab".repeat(32),
        })
        .collect()
}
