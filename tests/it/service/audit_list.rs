//! What is recorded of a change beside the change itself (before, after, why), how rows are found again,
//! and how they leave as lines.

use model::Actor;
use model::user::TenantRole;
use service::audit::{AuditFilter, Format, Why, changes};
use tests::services::{TestServices, origin};
use tests::world::TestWorld;

async fn actions(test: &TestServices, filter: AuditFilter) -> Vec<String> {
    let page = test.services.audit.list(&Actor::Operator, filter).await;
    let rows = page.expect("a list").items;
    rows.into_iter().map(|row| row.action).collect()
}

async fn text(test: &TestServices, actor: &Actor, filter: &AuditFilter, format: Format) -> String {
    let mut export = test
        .services
        .audit
        .export(actor, filter)
        .expect("an export");
    let mut text = String::new();
    while let Some(piece) = export.next(format).await.expect("a piece") {
        text.push_str(&piece);
    }
    text
}

#[tokio::test]
async fn a_change_says_what_it_was_and_an_operation_why() {
    let world = TestWorld::new().await;
    world.running("Staging").await;
    let filter = AuditFilter {
        tenant: Some(world.tenant),
        action: Some("instance.create".to_owned()),
        ..AuditFilter::default()
    };
    let page = world.services.audit.list(&Actor::Operator, filter).await;
    let row = page.unwrap().items.remove(0);
    let operations = world
        .services
        .operation
        .list(&Actor::Operator, service::OperationFilter::default());
    let id = operations.await.unwrap().items[0].id;
    assert_eq!(row.why, Why::Operation(id).to_string());
    assert_eq!(row.form, 2);
    assert_eq!(row.tenant, Some(world.tenant));
    let differences = changes(&row.was, &row.became);
    let name = differences.iter().find(|one| one.field == "name").unwrap();
    assert_eq!(
        (name.was.as_deref(), name.became.as_deref()),
        (None, Some("Staging"))
    );
}

#[tokio::test]
async fn rows_are_found_by_who_what_when_and_text() {
    let test = TestServices::new().await;
    let acme = test.tenant("Ünal Ltd").await;
    test.db.clock.advance(std::time::Duration::from_mins(1));
    let half = test.db.now();
    let tenants = &test.services.tenant;
    tenants
        .rename(&Actor::Operator, acme, "Other", &origin())
        .await
        .unwrap();
    test.owner().await;
    let default = AuditFilter::default;
    let some = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (
            default(),
            &["user.create", "tenant.rename", "tenant.create"][..],
        ),
        (
            AuditFilter {
                action: some("tenant"),
                ..default()
            },
            &["tenant.rename", "tenant.create"],
        ),
        (
            AuditFilter {
                action: some("tenant.r"),
                ..default()
            },
            &["tenant.rename"],
        ),
        (
            AuditFilter {
                q: some("ünal LTD"),
                ..default()
            },
            &["tenant.rename", "tenant.create"],
        ),
        (
            AuditFilter {
                subject: some(&acme.to_string()),
                ..default()
            },
            &["tenant.rename", "tenant.create"],
        ),
        (
            AuditFilter {
                subject: some("tenant"),
                to: Some(half),
                ..default()
            },
            &["tenant.create"],
        ),
        (
            AuditFilter {
                from: Some(half),
                tenant: Some(acme),
                ..default()
            },
            &["tenant.rename"],
        ),
        (
            AuditFilter {
                actor: some("operator"),
                tenant: Some(acme),
                ..default()
            },
            &["tenant.rename", "tenant.create"],
        ),
        (
            AuditFilter {
                actor: some("nobody"),
                ..default()
            },
            &[],
        ),
    ] {
        let told = format!("{filter:?}");
        assert_eq!(actions(&test, filter).await, expected, "{told}");
    }
    for bad in [
        AuditFilter {
            q: some(&"x".repeat(101)),
            ..default()
        },
        AuditFilter {
            actor: some("a\0b"),
            ..default()
        },
        AuditFilter {
            subject: some(&"x".repeat(201)),
            ..default()
        },
        AuditFilter {
            from: Some(half),
            to: Some(half),
            ..default()
        },
    ] {
        let told = format!("{bad:?}");
        let error = test
            .services
            .audit
            .list(&Actor::Operator, bad)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "invalid", "{told}");
    }
}

#[tokio::test]
async fn an_export_is_what_the_list_is_and_of_the_own_tenant_only() {
    let test = TestServices::new().await;
    let (acme, other) = (test.tenant("Acme").await, test.tenant("=SUM(A1)").await);
    for number in 0..505 {
        let name = format!("Acme {number}");
        let tenants = &test.services.tenant;
        tenants
            .rename(&Actor::Operator, acme, &name, &origin())
            .await
            .unwrap();
    }
    let admin = test.of_tenant(acme, TenantRole::Admin);
    let own = AuditFilter::default();
    let lines = text(&test, &admin, &own, Format::JsonLines).await;
    let rows: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a row"))
        .collect();
    assert_eq!(rows.len(), 506);
    assert!(rows.iter().all(|row| row["chain"] == acme.to_string()));
    let places: Vec<_> = rows
        .iter()
        .map(|row| row["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(places, (1..=506).rev().collect::<Vec<_>>());
    assert_eq!(rows[0]["became"]["name"], "Acme 504");
    let asks = AuditFilter {
        tenant: Some(other),
        ..AuditFilter::default()
    };
    let refused = test.services.audit.export(&admin, &asks).unwrap_err();
    assert_eq!(refused.code(), "not_found");
    let member = test.of_tenant(acme, TenantRole::Member);
    assert_eq!(
        test.services
            .audit
            .export(&member, &own)
            .unwrap_err()
            .code(),
        "forbidden"
    );
    let whole = text(&test, &Actor::Operator, &own, Format::Csv).await;
    assert_eq!(whole.matches("\r\n").count(), 508);
    assert!(whole.starts_with("chain,sequence,at,") && whole.contains("=SUM(A1)"));
    let action = AuditFilter {
        action: Some("none".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(
        text(&test, &Actor::Operator, &action, Format::JsonLines).await,
        ""
    );
}
