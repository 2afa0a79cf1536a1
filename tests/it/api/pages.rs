//! Every page and every form of the console against those who must not: not signed in, another tenant,
//! too small a role. A route that is missing from the table fails the test.

use std::collections::BTreeSet;

use tests::app::{TestApp, Who};
use tests::client::Reply;

use super::access::Things;

/// Whom a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// Everybody, signed in or not.
    Open,
    /// Everybody who has signed in.
    Known,
    /// The tenant's people and the staff.
    Tenant,
    /// The tenant's admins and staff who may change things.
    TenantAdmin,
    /// The staff.
    Staff,
    /// Staff operators and owners.
    Operators,
    /// Staff owners.
    Owners,
}

impl For {
    fn may(self, who: Who) -> bool {
        match self {
            Self::Open | Self::Known => true,
            Self::Tenant => who != Who::Stranger,
            Self::TenantAdmin => matches!(who, Who::Admin | Who::Operator | Who::Owner),
            Self::Staff => matches!(who, Who::Viewer | Who::Operator | Who::Owner),
            Self::Operators => matches!(who, Who::Operator | Who::Owner),
            Self::Owners => who == Who::Owner,
        }
    }
}

const ROUTES: [(&str, &str, For); 76] = [
    ("GET", "/sign-in", For::Open),
    ("POST", "/sign-in", For::Open),
    ("POST", "/sign-out", For::Known),
    ("GET", "/setup/{token}", For::Open),
    ("POST", "/setup/{token}", For::Open),
    ("GET", "/invitations/{token}", For::Open),
    ("POST", "/invitations/{token}", For::Open),
    ("POST", "/theme", For::Open),
    ("GET", "/leaks", For::Open),
    ("POST", "/leaks", For::Open),
    ("GET", "/", For::Known),
    ("GET", "/search", For::Known),
    ("GET", "/tenants", For::Known),
    ("POST", "/tenants", For::Operators),
    ("GET", "/tenants/new", For::Operators),
    ("GET", "/tenants/{id}", For::Tenant),
    ("POST", "/tenants/{id}/rename", For::Operators),
    ("POST", "/tenants/{id}/members", For::TenantAdmin),
    (
        "POST",
        "/tenants/{id}/invitations/{invitation}/withdraw",
        For::TenantAdmin,
    ),
    ("GET", "/tenants/{id}/delete", For::Owners),
    ("POST", "/tenants/{id}/delete", For::Owners),
    ("GET", "/instances", For::Known),
    ("POST", "/instances", For::Operators),
    ("GET", "/instances/new", For::Operators),
    ("GET", "/instances/{id}", For::Tenant),
    ("POST", "/instances/{id}/rename", For::Operators),
    ("GET", "/instances/{id}/overrides", For::Operators),
    ("POST", "/instances/{id}/overrides", For::Operators),
    ("GET", "/instances/{id}/upgrade", For::Operators),
    ("POST", "/instances/{id}/upgrade", For::Operators),
    ("GET", "/instances/{id}/delete", For::Operators),
    ("POST", "/instances/{id}/delete", For::Operators),
    ("POST", "/instances/{id}/undelete", For::Operators),
    ("GET", "/tokens", For::Known),
    ("GET", "/instances/{id}/tokens", For::Tenant),
    ("POST", "/instances/{id}/tokens", For::TenantAdmin),
    ("GET", "/instances/{id}/tokens/new", For::TenantAdmin),
    ("GET", "/instances/{id}/tokens/revoke-all", For::TenantAdmin),
    (
        "POST",
        "/instances/{id}/tokens/revoke-all",
        For::TenantAdmin,
    ),
    ("GET", "/tokens/{id}", For::Tenant),
    ("POST", "/tokens/{id}/change", For::TenantAdmin),
    ("GET", "/tokens/{id}/rotate", For::TenantAdmin),
    ("POST", "/tokens/{id}/rotate", For::TenantAdmin),
    ("GET", "/tokens/{id}/retire", For::TenantAdmin),
    ("POST", "/tokens/{id}/retire", For::TenantAdmin),
    ("GET", "/tokens/{id}/revoke", For::TenantAdmin),
    ("POST", "/tokens/{id}/revoke", For::TenantAdmin),
    ("GET", "/tenants/{id}/tokens/revoke-all", For::TenantAdmin),
    ("POST", "/tenants/{id}/tokens/revoke-all", For::TenantAdmin),
    (
        "GET",
        "/tenants/{id}/members/{user}/revoke-tokens",
        For::TenantAdmin,
    ),
    (
        "POST",
        "/tenants/{id}/members/{user}/revoke-tokens",
        For::TenantAdmin,
    ),
    ("POST", "/tenants/{id}/token-policy", For::TenantAdmin),
    ("GET", "/operations", For::Known),
    ("GET", "/operations/{id}", For::Tenant),
    ("POST", "/operations/{id}/cancel", For::Operators),
    ("POST", "/operations/{id}/retry", For::Operators),
    ("POST", "/operations/{id}/go-on-unproven", For::Owners),
    ("GET", "/clusters", For::Staff),
    ("POST", "/clusters", For::Operators),
    ("GET", "/clusters/new", For::Operators),
    ("POST", "/clusters/check", For::Operators),
    ("GET", "/clusters/{name}", For::Staff),
    ("POST", "/clusters/{name}/check", For::Operators),
    ("POST", "/clusters/{name}/capacity", For::Operators),
    ("POST", "/clusters/{name}/cordon", For::Operators),
    ("POST", "/clusters/{name}/gateway", For::Operators),
    ("POST", "/clusters/{name}/remove", For::Operators),
    ("GET", "/releases", For::Known),
    ("POST", "/releases", For::Operators),
    ("POST", "/releases/{version}/channel", For::Operators),
    ("GET", "/account", For::Known),
    ("POST", "/account/access-tokens", For::Known),
    ("POST", "/account/access-tokens/{id}/revoke", For::Known),
    ("POST", "/account/sessions/{key}/end", For::Known),
    ("POST", "/account/sessions/end-others", For::Known),
    ("POST", "/account/password", For::Known),
];

/// Routes whose answer depends on more than a role, tried by tests of their own.
const ELSEWHERE: [(&str, &str); 1] = [("GET", "/audit")];

pub fn filled(things: &Things, path: &str) -> String {
    let noun = path.split('/').nth(1).unwrap_or_default();
    let id = match noun {
        "tenants" => "{tenant}",
        "instances" => "{instance}",
        "operations" => "{operation}",
        "tokens" => "{instance_token}",
        _ => "01900000-0000-7000-8000-000000000000",
    };
    let path = path
        .replace("{id}", id)
        .replace("{invitation}", "01900000-0000-7000-8000-000000000000")
        .replace("{user}", "{member}")
        .replace("{name}", "eu-dev")
        .replace("{version}", "{release}")
        .replace("{key}", "01900000-0000-7000-8000-000000000000")
        .replace("{token}", "none");
    things.fill(&path)
}

/// What forms send: enough that whoever may would change something.
fn fields(path: &str) -> Vec<(&'static str, &'static str)> {
    // What a deletion must be confirmed by.
    let confirm = match path.split('/').nth(1) {
        Some("tenants") => "Acme",
        Some("clusters") => "eu-dev",
        _ => "Staging",
    };
    let mut fields = FIELDS.to_vec();
    fields.push(("confirm", confirm));
    fields
}

/// The same for all forms.
const FIELDS: [(&str, &str); 14] = [
    ("name", "Changed by the test"),
    ("email", "new@example.org"),
    ("role", "tenant_member"),
    ("purpose", "development"),
    ("region", "eu-west-1"),
    ("overrides", "agent:\n  replicas: 3\n"),
    ("release", "99.0.0"),
    ("channel", "expired"),
    ("capacity", "7"),
    ("cordoned", "true"),
    ("version", "99.0.0"),
    ("overlap", "0"),
    ("policy", "staff"),
    ("reason", "revoked"),
];

/// Whether an answer is a refusal: its status says so, or the next page will.
fn refuses(reply: &Reply) -> bool {
    let flash = reply.header("set-cookie").starts_with("flash=r");
    matches!(reply.status.as_u16(), 403 | 404) || (reply.status == 303 && flash)
}

#[test]
fn no_route_of_the_console_is_missing_from_the_table() {
    let known: BTreeSet<_> = ROUTES
        .iter()
        .map(|(method, path, _)| (*method, *path))
        .chain(ELSEWHERE)
        .collect();
    let all: BTreeSet<_> = app::routes()
        .iter()
        .map(|route| (route.method, route.path))
        .collect();
    assert_eq!(known, all);
    for route in app::routes() {
        let open = ROUTES
            .iter()
            .any(|(m, p, whom)| (*m, *p) == (route.method, route.path) && *whom == For::Open);
        assert_eq!(open, route.open, "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn whoever_has_not_signed_in_is_led_to_do_so() {
    let app = TestApp::new().await;
    let things = Things::of(&app).await;
    let nobody = app.anonymous();
    for (method, path, _) in ROUTES.iter().filter(|(_, _, whom)| *whom != For::Open) {
        let path = filled(&things, path).replace("/search", "/search?q=acme");
        let reply = match *method {
            "GET" => nobody.get(&path).await,
            _ => nobody.form(&path, &fields(&path)).await,
        };
        let led = reply.status == 303 && reply.header("location").starts_with("/sign-in");
        assert!(
            led,
            "{method} {path}: {} {}",
            reply.status,
            reply.header("location")
        );
    }
}

#[tokio::test]
async fn pages_are_shown_to_those_they_are_for() {
    let app = TestApp::new().await;
    let things = Things::of(&app).await;
    let mut wrong = Vec::new();
    for who in Who::ALL {
        let client = app.client(who).await;
        for (_, path, whom) in ROUTES
            .iter()
            .filter(|(method, _, whom)| *method == "GET" && *whom != For::Open)
        {
            let reply = client.get(&filled(&things, path)).await;
            let shown = reply.status == 200 || (*path == "/" && reply.status == 303);
            if shown != whom.may(who) || (!shown && !refuses(&reply)) {
                wrong.push(format!("{path} as {who:?}: {}", reply.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn forms_change_nothing_for_those_who_may_not() {
    let app = TestApp::new().await;
    let things = Things::of(&app).await;
    let mut wrong = Vec::new();
    for who in [Who::Stranger, Who::Member, Who::Admin, Who::Viewer] {
        let client = app.client(who).await;
        let refused = ROUTES
            .iter()
            .filter(|(method, _, whom)| *method == "POST" && !whom.may(who));
        for (_, path, _) in refused {
            let before = app.world.services.event.head().await.expect("a head");
            let reply = client.form(&filled(&things, path), &fields(path)).await;
            let after = app.world.services.event.head().await.expect("a head");
            if !refuses(&reply) || before != after {
                wrong.push(format!(
                    "{path} as {who:?}: {} {before} {after}",
                    reply.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
