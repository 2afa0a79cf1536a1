//! Tenants: who may do what, clear refusals, and a row in the trail and an event for each change.

use model::user::{StaffRole, TenantRole};
use model::{Actor, TenantId};
use service::{AuditFilter, CreateTenant, Error, TenantFilter};
use tests::services::{TestServices, origin};

fn named(name: &str) -> CreateTenant {
    CreateTenant {
        name: name.to_owned(),
    }
}

fn field(error: &Error) -> &str {
    match error {
        Error::Invalid(list) => &list[0].field,
        other => panic!("{other} names no field"),
    }
}

#[tokio::test]
async fn a_change_leaves_a_row_in_the_trail_and_an_event() {
    let test = TestServices::new().await;
    let tenants = &test.services.tenant;
    let owner = test.owner().await;
    let before = test.services.event.head().await.unwrap();
    let made = tenants
        .create(&owner, named("  Acme   Ltd "), &origin())
        .await
        .unwrap();
    assert_eq!(made.name, "Acme Ltd");
    let renamed = tenants
        .rename(&owner, made.id, "Bcme", &origin())
        .await
        .unwrap();
    assert_eq!(renamed.name, "Bcme");
    tenants
        .rename(&owner, made.id, "Bcme", &origin())
        .await
        .unwrap();
    tenants.delete(&owner, made.id, &origin()).await.unwrap();
    let filter = AuditFilter {
        tenant: Some(made.id),
        ..AuditFilter::default()
    };
    let rows = test
        .services
        .audit
        .list(&owner, filter)
        .await
        .unwrap()
        .items;
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["tenant.delete", "tenant.rename", "tenant.create"]);
    assert_eq!(rows[2].summary, "Created the tenant Acme Ltd.");
    assert_eq!(
        (rows[2].actor.as_str(), rows[2].address.as_str()),
        ("Olive Owner", "192.0.2.7")
    );
    let events = test.services.event.since(&owner, before, 10).await.unwrap();
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.key == made.id.to_string()));
    assert_eq!(
        tenants.get(&owner, made.id).await.unwrap_err().code(),
        "not_found"
    );
}

#[tokio::test]
async fn a_refused_change_leaves_nothing() {
    let test = TestServices::new().await;
    let tenants = &test.services.tenant;
    let acme = test.tenant("Acme").await;
    let other = test.tenant("Other").await;
    let taken = tenants
        .create(&Actor::Operator, named("ACME"), &origin())
        .await
        .unwrap_err();
    assert_eq!(taken.code(), "name_taken");
    assert!(taken.public().contains("ACME"));
    let rename = tenants
        .rename(&Actor::Operator, other, "acme", &origin())
        .await
        .unwrap_err();
    assert_eq!(rename.code(), "name_taken");
    for bad in ["", "   ", "a\u{202E}b", "a\0b", &"x".repeat(10_000_000)] {
        let error = tenants
            .create(&Actor::Operator, named(bad), &origin())
            .await
            .unwrap_err();
        assert_eq!(field(&error), "name");
    }
    let page = tenants
        .list(&Actor::Operator, TenantFilter::default())
        .await
        .unwrap();
    assert_eq!(
        page.items.iter().map(|t| t.id).collect::<Vec<_>>(),
        [acme, other]
    );
    assert_eq!(test.services.event.head().await.unwrap(), 2);
}

#[tokio::test]
async fn each_role_gets_what_the_table_says() {
    let test = TestServices::new().await;
    let tenants = &test.services.tenant;
    let (acme, other) = (test.tenant("Acme").await, test.tenant("Other").await);
    let admin = test.of_tenant(acme, TenantRole::Admin);
    let viewer = test.staff(StaffRole::Viewer);
    let code = |result: Result<_, Error>| result.map_or_else(|e| e.code(), |()| "ok");
    let create = async |actor: &Actor| {
        code(
            tenants
                .create(actor, named("New"), &origin())
                .await
                .map(|_| ()),
        )
    };
    assert_eq!(create(&Actor::Anonymous).await, "unauthenticated");
    assert_eq!(create(&admin).await, "forbidden");
    assert_eq!(create(&viewer).await, "forbidden");
    assert_eq!(
        create(&test.staff_token(&["tenants:read"])).await,
        "forbidden"
    );
    assert_eq!(create(&test.staff_token(&["tenants:write"])).await, "ok");
    let get = async |actor: &Actor, id| code(tenants.get(actor, id).await.map(|_| ()));
    assert_eq!(get(&admin, acme).await, "ok");
    assert_eq!(get(&viewer, other).await, "ok");
    // Another tenant's and none at all read the same.
    let theirs = tenants.get(&admin, other).await.unwrap_err();
    let none = tenants.get(&admin, TenantId::zero()).await.unwrap_err();
    assert_eq!(
        (theirs.code(), theirs.public()),
        (none.code(), none.public())
    );
    let delete = tenants.delete(&admin, other, &origin()).await.unwrap_err();
    assert_eq!(delete.code(), "not_found");
    let operator = test.staff(StaffRole::Operator);
    assert_eq!(
        code(tenants.delete(&operator, other, &origin()).await),
        "forbidden"
    );
}

#[tokio::test]
async fn a_role_that_is_too_small_is_recorded_a_bounded_number_of_times() {
    let test = TestServices::new().await;
    let acme = test.tenant("Acme").await;
    let admin = test.of_tenant(acme, TenantRole::Admin);
    for _ in 0..30 {
        let refused = test
            .services
            .tenant
            .rename(&admin, acme, "Mine", &origin())
            .await;
        assert_eq!(refused.unwrap_err().code(), "forbidden");
    }
    let filter = AuditFilter {
        tenant: Some(acme),
        limit: Some(200),
        ..Default::default()
    };
    let rows = test
        .services
        .audit
        .list(&admin, filter)
        .await
        .unwrap()
        .items;
    let refused: Vec<_> = rows
        .iter()
        .filter(|row| row.action == "tenant.rename")
        .collect();
    assert_eq!(refused.len(), 20);
    assert_eq!(
        refused[0].summary,
        "Refused: Your role does not allow this."
    );
}

#[tokio::test]
async fn pages_meet_and_made_up_cursors_are_refused() {
    let test = TestServices::new().await;
    for number in 0..7 {
        test.tenant(&format!("Tenant {number}")).await;
    }
    let tenants = &test.services.tenant;
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let filter = TenantFilter {
            q: Some("TENANT".to_owned()),
            limit: Some(3),
            cursor,
        };
        let page = tenants.list(&Actor::Operator, filter).await.unwrap();
        seen.extend(page.items.into_iter().map(|tenant| tenant.name));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(
        seen,
        (0..7).map(|n| format!("Tenant {n}")).collect::<Vec<_>>()
    );
    for (q, limit, cursor, wrong) in [
        (None, None, Some("made-up"), "cursor"),
        (None, Some(0), None, "limit"),
        (None, Some(201), None, "limit"),
        (Some("a\0b"), None, None, "q"),
    ] {
        let filter = TenantFilter {
            q: q.map(str::to_owned),
            limit,
            cursor: cursor.map(str::to_owned),
        };
        let error = tenants.list(&Actor::Operator, filter).await.unwrap_err();
        assert_eq!(field(&error), wrong);
    }
}

#[tokio::test]
async fn people_see_their_own_tenants_only() {
    let test = TestServices::new().await;
    let (acme, _, zeta) = (
        test.tenant("Acme").await,
        test.tenant("Other").await,
        test.tenant("Zeta").await,
    );
    let both = vec![(zeta, TenantRole::Member), (acme, TenantRole::Admin)];
    let person = test.person(None, both);
    let list = async |q: Option<&str>, limit, cursor| {
        let filter = TenantFilter {
            q: q.map(str::to_owned),
            limit,
            cursor,
        };
        test.services.tenant.list(&person, filter).await.unwrap()
    };
    let first = list(None, Some(1), None).await;
    assert_eq!(first.items[0].name, "Acme");
    let second = list(None, Some(1), first.next_cursor).await;
    assert_eq!(second.items[0].name, "Zeta");
    assert_eq!(second.next_cursor, None);
    assert!(list(Some("other"), None, None).await.items.is_empty());
}

#[tokio::test]
async fn a_tenant_with_instances_stays() {
    let test = TestServices::new().await;
    let acme = test.tenant("Acme").await;
    test.db
        .shell(&format!(
            "insert into instance (id, tenant_id, name, folded, purpose, region, release, state,
                health_status, health, health_since, created_at, updated_at)
             values ('abcdefghijkl', '{acme}', 'One', 'one', 'development', 'eu-central-1', '2.2.0',
                'running', 'down', '{{}}', 0, 0, 0)"
        ))
        .await;
    let tenants = &test.services.tenant;
    let view = tenants.get(&Actor::Operator, acme).await.unwrap();
    assert_eq!((view.instances, view.not_healthy), (1, 1));
    let refused = tenants
        .delete(&Actor::Operator, acme, &origin())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "tenant_has_instances");
    assert!(
        refused
            .public()
            .starts_with("There is still 1 instance of Acme.")
    );
    test.db.shell("update instance set state = 'deleted'").await;
    tenants
        .delete(&Actor::Operator, acme, &origin())
        .await
        .unwrap();
}
