//! Who may what, operation by operation: the table that the access test holds the server to. Bodies are
//! such that whoever may is told what is wrong with them, so that nothing changes while it is asked.

use http::Method;

/// Statuses in the order anonymous, other tenant's admin, member, admin, viewer, operator, owner.
pub type Row = [u16; 7];

/// An operation of the API and what each must be answered.
pub struct Operation {
    /// Its id in the description.
    pub id: &'static str,
    /// Method.
    pub method: Method,
    /// Path; names in braces are filled in by the test.
    pub path: &'static str,
    /// JSON body, if it takes one.
    pub body: &'static str,
    /// Scopes that are enough for an access token; empty when none are needed.
    pub scopes: &'static str,
    /// What each must be answered.
    pub expected: Row,
}

/// Open to everybody.
const OPEN: Row = [200; 7];
/// For whoever has said who they are.
const KNOWN: Row = [401, 200, 200, 200, 200, 200, 200];
/// A thing of the tenant, to be looked at.
const OWN: Row = [401, 404, 200, 200, 200, 200, 200];
/// A thing of the staff, to be looked at.
const STAFF: Row = [401, 403, 403, 403, 200, 200, 200];

const fn staff_writes(outcome: u16) -> Row {
    [401, 403, 403, 403, 403, outcome, outcome]
}

const fn staff_writes_to_tenant(outcome: u16) -> Row {
    [401, 404, 403, 403, 403, outcome, outcome]
}

/// What admins do in their own tenant, and staff that may write do anywhere.
const fn admin_writes(outcome: u16) -> Row {
    [401, 404, 403, outcome, 403, outcome, outcome]
}

const fn get(
    id: &'static str,
    path: &'static str,
    scopes: &'static str,
    expected: Row,
) -> Operation {
    Operation {
        id,
        method: Method::GET,
        path,
        body: "",
        scopes,
        expected,
    }
}

const fn post(
    id: &'static str,
    path: &'static str,
    body: &'static str,
    scopes: &'static str,
    expected: Row,
) -> Operation {
    Operation {
        id,
        method: Method::POST,
        path,
        body,
        scopes,
        expected,
    }
}

const fn patch(
    id: &'static str,
    path: &'static str,
    body: &'static str,
    scopes: &'static str,
    expected: Row,
) -> Operation {
    Operation {
        id,
        method: Method::PATCH,
        path,
        body,
        scopes,
        expected,
    }
}

const fn delete(
    id: &'static str,
    path: &'static str,
    scopes: &'static str,
    expected: Row,
) -> Operation {
    Operation {
        id,
        method: Method::DELETE,
        path,
        body: "",
        scopes,
        expected,
    }
}

/// A cluster that cannot be: its capacity and chart are empty.
const NO_CLUSTER: &str = r#"{"name":"x","region":"eu-west-1","purpose":"production","zone":"x.example",
    "access":{"kind":"in_cluster"},"chart":{"repo_url":"","path":""},"capacity":0}"#;

/// A release that cannot be: it has no chart and no images.
const NO_RELEASE: &str =
    r#"{"version":"9.9.9","channel":"preview","chart_revision":"","images":{},"schema":{}}"#;

/// Every operation there is.
pub static OPERATIONS: &[Operation] = &[
    get("alive", "/healthz", "", OPEN),
    get("ready", "/readyz", "", OPEN),
    get("read_openapi", "/api/v1/openapi.json", "", OPEN),
    get("read_me", "/api/v1/me", "", KNOWN),
    get("listen_to_events", "/api/v1/events", "", KNOWN),
    get("list_tenants", "/api/v1/tenants", "tenants:read", KNOWN),
    post(
        "create_tenant",
        "/api/v1/tenants",
        r#"{"name":""}"#,
        "tenants:write",
        staff_writes(422),
    ),
    get(
        "read_tenant",
        "/api/v1/tenants/{tenant}",
        "tenants:read",
        OWN,
    ),
    patch(
        "change_tenant",
        "/api/v1/tenants/{tenant}",
        r#"{"name":""}"#,
        "tenants:write",
        staff_writes_to_tenant(422),
    ),
    delete(
        "delete_tenant",
        "/api/v1/tenants/{tenant}",
        "tenants:write",
        [401, 404, 403, 403, 403, 403, 409],
    ),
    get(
        "list_members",
        "/api/v1/tenants/{tenant}/members",
        "members:read",
        OWN,
    ),
    post(
        "create_invitation",
        "/api/v1/tenants/{tenant}/invitations",
        r#"{"email":"","role":"tenant_member"}"#,
        "members:write",
        [401, 404, 403, 422, 403, 422, 422],
    ),
    delete(
        "withdraw_invitation",
        "/api/v1/invitations/{invitation}",
        "members:write",
        [401, 404, 403, 204, 403, 204, 204],
    ),
    post(
        "create_instance",
        "/api/v1/tenants/{tenant}/instances",
        r#"{"purpose":"","region":""}"#,
        "instances:write",
        staff_writes_to_tenant(422),
    ),
    get(
        "list_instances",
        "/api/v1/instances",
        "instances:read",
        KNOWN,
    ),
    get(
        "read_instance",
        "/api/v1/instances/{instance}",
        "instances:read",
        OWN,
    ),
    patch(
        "change_instance",
        "/api/v1/instances/{instance}",
        r#"{"name":""}"#,
        "instances:write",
        staff_writes_to_tenant(422),
    ),
    delete(
        "delete_instance",
        "/api/v1/instances/{instance}?confirm=wrong",
        "instances:write",
        staff_writes_to_tenant(422),
    ),
    post(
        "undelete_instance",
        "/api/v1/instances/{instance}/undelete",
        "{}",
        "instances:write",
        staff_writes_to_tenant(409),
    ),
    get(
        "read_instance_health",
        "/api/v1/instances/{instance}/health",
        "instances:read",
        OWN,
    ),
    get(
        "list_instance_operations",
        "/api/v1/instances/{instance}/operations",
        "instances:read,operations:read",
        OWN,
    ),
    post(
        "preview_overrides",
        "/api/v1/instances/{instance}/preview",
        r#"{"overrides":"- a list"}"#,
        "instances:read",
        [401, 404, 403, 403, 422, 422, 422],
    ),
    get(
        "list_operations",
        "/api/v1/operations",
        "operations:read",
        KNOWN,
    ),
    get(
        "read_operation",
        "/api/v1/operations/{operation}",
        "operations:read",
        OWN,
    ),
    post(
        "cancel_operation",
        "/api/v1/operations/{operation}/cancel",
        "{}",
        "operations:write",
        staff_writes_to_tenant(409),
    ),
    post(
        "retry_operation",
        "/api/v1/operations/{operation}/retry",
        "{}",
        "operations:write",
        staff_writes_to_tenant(409),
    ),
    post(
        "go_on_unproven",
        "/api/v1/operations/{operation}/go-on-unproven",
        r#"{"reason":""}"#,
        "operations:write",
        [401, 404, 403, 403, 403, 403, 422],
    ),
    get("list_tokens", "/api/v1/tokens", "tokens:read", KNOWN),
    get(
        "list_instance_tokens",
        "/api/v1/instances/{instance}/tokens",
        "tokens:read",
        OWN,
    ),
    post(
        "issue_token",
        "/api/v1/instances/{instance}/tokens",
        r#"{"name":""}"#,
        "tokens:write",
        admin_writes(422),
    ),
    get(
        "read_token",
        "/api/v1/tokens/{instance_token}",
        "tokens:read",
        OWN,
    ),
    patch(
        "change_token",
        "/api/v1/tokens/{instance_token}",
        r#"{"name":""}"#,
        "tokens:write",
        admin_writes(422),
    ),
    delete(
        "revoke_token",
        "/api/v1/tokens/{instance_token}",
        "tokens:write",
        admin_writes(202),
    ),
    post(
        "rotate_token",
        "/api/v1/tokens/{instance_token}/rotate",
        r#"{"overlap_seconds":99999999}"#,
        "tokens:write",
        admin_writes(422),
    ),
    post(
        "retire_token",
        "/api/v1/tokens/{instance_token}/retire",
        "",
        "tokens:write",
        admin_writes(202),
    ),
    post(
        "revoke_instance_tokens",
        "/api/v1/instances/{instance}/tokens/revoke-all",
        "",
        "tokens:write",
        admin_writes(202),
    ),
    post(
        "revoke_tenant_tokens",
        "/api/v1/tenants/{tenant}/tokens/revoke-all",
        "",
        "tokens:write",
        admin_writes(202),
    ),
    get(
        "read_token_policy",
        "/api/v1/tenants/{tenant}/token-policy",
        "tokens:read",
        OWN,
    ),
    patch(
        "set_token_policy",
        "/api/v1/tenants/{tenant}/token-policy",
        r#"{"own":{"default_days":0,"max_days":0,"on_leak":"revoke"}}"#,
        "tokens:write",
        admin_writes(422),
    ),
    post(
        "report_leak",
        "/api/v1/leaks",
        r#"{"text":"nothing of ours"}"#,
        "",
        [202; 7],
    ),
    post(
        "report_github_leaks",
        "/api/v1/leaks/github",
        "[]",
        "",
        [403; 7],
    ),
    get("read_fleet", "/api/v1/fleet", "instances:read", KNOWN),
    get("list_regions", "/api/v1/regions", "clusters:read", STAFF),
    get("list_clusters", "/api/v1/clusters", "clusters:read", STAFF),
    get(
        "list_cluster_offers",
        "/api/v1/clusters/offers",
        "clusters:read",
        STAFF,
    ),
    get(
        "read_cluster",
        "/api/v1/clusters/eu-dev",
        "clusters:read",
        STAFF,
    ),
    post(
        "check_cluster",
        "/api/v1/clusters/check",
        NO_CLUSTER,
        "clusters:write",
        staff_writes(422),
    ),
    post(
        "add_cluster",
        "/api/v1/clusters",
        NO_CLUSTER,
        "clusters:write",
        staff_writes(422),
    ),
    patch(
        "change_cluster",
        "/api/v1/clusters/eu-dev",
        r#"{"project":""}"#,
        "clusters:write",
        staff_writes(422),
    ),
    delete(
        "remove_cluster",
        "/api/v1/clusters/eu-dev",
        "clusters:write",
        staff_writes(409),
    ),
    get("list_releases", "/api/v1/releases", "releases:read", KNOWN),
    get(
        "read_release",
        "/api/v1/releases/{release}",
        "releases:read",
        KNOWN,
    ),
    post(
        "put_release",
        "/api/v1/releases",
        NO_RELEASE,
        "releases:write",
        staff_writes(422),
    ),
    patch(
        "change_release",
        "/api/v1/releases/9.9.9",
        r#"{"channel":"expired"}"#,
        "releases:write",
        staff_writes(404),
    ),
    get(
        "list_access_tokens",
        "/api/v1/access-tokens",
        "access-tokens:write",
        KNOWN,
    ),
    post(
        "create_access_token",
        "/api/v1/access-tokens",
        r#"{"name":"","scopes":[]}"#,
        "access-tokens:write",
        [401, 422, 422, 422, 422, 422, 422],
    ),
    delete(
        "revoke_access_token",
        "/api/v1/access-tokens/{token}",
        "access-tokens:write",
        [401, 404, 404, 404, 404, 404, 204],
    ),
    get(
        "list_audit",
        "/api/v1/audit?tenant={tenant}",
        "audit:read",
        [401, 404, 403, 200, 200, 200, 200],
    ),
    get(
        "export_audit",
        "/api/v1/audit/export?format=csv&tenant={tenant}",
        "audit:read",
        [401, 404, 403, 200, 200, 200, 200],
    ),
];
