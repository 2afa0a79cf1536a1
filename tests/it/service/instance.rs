//! What people may ask of instances, and what they are told: every field that cannot be used is
//! named, other tenants' things do not exist, and pages hold together.

use std::time::Duration;

use model::health::HealthStatus;
use model::instance::InstanceState;
use model::user::{StaffRole, TenantRole};
use service::Error;
use service::instance::{CreateInstance, DeleteInstance, InstanceFilter, UpgradeInstance};
use service::operation::OperationFilter;
use tests::services::{TestServices, origin};
use tests::world::TestWorld;

fn fields(error: &Error) -> Vec<&str> {
    match error {
        Error::Invalid(fields) => fields.iter().map(|f| f.field.as_str()).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_field_that_cannot_be_used_is_named() {
    let world = TestWorld::new().await;
    let service = &world.services.instance;
    let command = CreateInstance {
        name: Some("a\u{202E}b".to_owned()),
        purpose: "staging".to_owned(),
        region: "EU".to_owned(),
        release: Some("9.9.9".to_owned()),
        overrides: Some("- a list".to_owned()),
    };
    let wrong = service
        .create(&world.actor, world.tenant, command, &origin())
        .await
        .unwrap_err();
    assert_eq!(
        fields(&wrong),
        ["name", "purpose", "region", "release", "overrides"]
    );
    let nobody = model::TenantId::zero();
    let command = CreateInstance {
        purpose: "development".to_owned(),
        region: "eu-west-1".to_owned(),
        ..CreateInstance::default()
    };
    let lost = service
        .create(&world.actor, nobody, command, &origin())
        .await
        .unwrap_err();
    assert_eq!(lost.public(), "There is no such tenant.");
}

#[tokio::test]
async fn a_name_is_unique_in_its_tenant_while_it_is_used() {
    let world = TestWorld::new().await;
    let one = world.running("Straße").await;
    let command = CreateInstance {
        name: Some("STRASSE".to_owned()),
        purpose: "development".to_owned(),
        region: "eu-west-1".to_owned(),
        ..CreateInstance::default()
    };
    let other = world
        .services
        .instance
        .create(&world.actor, world.tenant, command, &origin())
        .await;
    let other = other.unwrap().instance;
    let taken = world
        .services
        .instance
        .rename(&world.actor, &other.id, "straße", &origin())
        .await;
    assert_eq!(taken.unwrap_err().code(), "name_taken");
    let renamed = world
        .services
        .instance
        .rename(&world.actor, &other.id, " Other  one ", &origin())
        .await;
    assert_eq!(renamed.unwrap().name, "Other one");
    let gone = world.delete(&one.id, Duration::ZERO).await;
    world.settle(gone.id).await;
    let free = world
        .services
        .instance
        .rename(&world.actor, &other.id, "straße", &origin())
        .await;
    assert_eq!(free.unwrap().name, "straße");
}

#[tokio::test]
async fn upgrades_go_forward_and_destruction_is_confirmed_by_name() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await;
    let ask = async |release: &str, confirm: Option<&str>| {
        let command = UpgradeInstance {
            release: release.to_owned(),
            confirm: confirm.map(str::to_owned),
        };
        world
            .services
            .instance
            .upgrade(&world.actor, &instance.id, command, &origin())
            .await
    };
    let back = ask("2.0.0", None).await.unwrap_err();
    assert!(back.public().contains("only go forward"), "{back:?}");
    assert_eq!(fields(&ask("x", None).await.unwrap_err()), ["release"]);
    assert_eq!(fields(&ask("2.1.0", None).await.unwrap_err()), ["release"]);
    let destructive = ask("3.0.0", None).await.unwrap_err();
    assert_eq!(fields(&destructive), ["confirm"]);
    assert!(
        destructive.public().contains("wallet connections"),
        "{destructive:?}"
    );
    assert_eq!(
        fields(&ask("3.0.0", Some("staging")).await.unwrap_err()),
        ["confirm"]
    );
    let asked = ask("3.0.0", Some("Staging")).await.unwrap();
    assert_eq!(asked.summary, "From release 2.1.0 to 3.0.0");
    world.settle(asked.id).await;
    let shown = world.instance(&instance.id).await;
    assert_eq!(shown.release.to_string(), "3.0.0");
    let detail = world
        .services
        .instance
        .detail(&world.actor, &instance.id)
        .await
        .unwrap();
    assert_eq!(detail.running_version.as_deref(), Some("3.0.0"));
    assert!(detail.upgrades.is_empty());
}

#[tokio::test]
async fn a_deletion_is_confirmed_by_typing() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await;
    let service = &world.services.instance;
    for typed in ["", "staging", "Staging x"] {
        let command = DeleteInstance {
            confirm: typed.to_owned(),
            grace: None,
        };
        let wrong = service
            .delete(&world.actor, &instance.id, command, &origin())
            .await;
        assert_eq!(fields(&wrong.unwrap_err()), ["confirm"], "{typed}");
    }
    let long = DeleteInstance {
        confirm: "Staging".to_owned(),
        grace: Some(Duration::from_hours(24 * 366)),
    };
    let wrong = service
        .delete(&world.actor, &instance.id, long, &origin())
        .await;
    assert_eq!(fields(&wrong.unwrap_err()), ["grace"]);
    let command = DeleteInstance {
        confirm: " Staging ".to_owned(),
        grace: None,
    };
    let asked = service
        .delete(&world.actor, &instance.id, command, &origin())
        .await
        .unwrap();
    assert!(
        asked.summary.starts_with("Can be undone until "),
        "{}",
        asked.summary
    );
    let twice = DeleteInstance {
        confirm: "Staging".to_owned(),
        grace: None,
    };
    let twice = service
        .delete(&world.actor, &instance.id, twice, &origin())
        .await;
    assert_eq!(twice.unwrap_err().code(), "operation_active");
}

#[tokio::test]
async fn another_tenants_things_do_not_exist() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await;
    let people = TestServices::build(
        tests::db::TestDb::new().await,
        tests::services::settings(),
        std::sync::Arc::new(world.cluster.clone()),
    );
    let stranger = people.of_tenant(
        model::TenantId::new(&*world.db.clock, &*world.db.entropy),
        TenantRole::Admin,
    );
    let member = people.of_tenant(world.tenant, TenantRole::Member);
    let service = &world.services.instance;
    let id = &instance.id;
    let lost = |error: Error| assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    lost(service.get(&stranger, id).await.unwrap_err());
    lost(service.detail(&stranger, id).await.unwrap_err());
    lost(
        service
            .undelete(&stranger, id, &origin())
            .await
            .unwrap_err(),
    );
    lost(
        service
            .rename(&stranger, id, "Mine", &origin())
            .await
            .unwrap_err(),
    );
    lost(
        service
            .reconfigure(&stranger, id, "", &origin())
            .await
            .unwrap_err(),
    );
    let operation = service
        .detail(&member, id)
        .await
        .unwrap()
        .operations
        .remove(0);
    lost(
        world
            .services
            .operation
            .get(&stranger, operation.id)
            .await
            .unwrap_err(),
    );
    lost(
        world
            .services
            .operation
            .cancel(&stranger, operation.id, &origin())
            .await
            .unwrap_err(),
    );
    assert!(
        service
            .list(&stranger, InstanceFilter::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert_eq!(
        world
            .services
            .fleet
            .fleet(&stranger)
            .await
            .unwrap()
            .instances,
        0
    );
    let none = world
        .services
        .operation
        .list(&stranger, OperationFilter::default())
        .await
        .unwrap();
    assert!(none.items.is_empty());
    assert!(
        world
            .services
            .fleet
            .search(&stranger, "Stag")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn members_see_what_is_theirs_and_change_nothing() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await;
    let people = TestServices::build(
        tests::db::TestDb::new().await,
        tests::services::settings(),
        std::sync::Arc::new(world.cluster.clone()),
    );
    let member = people.of_tenant(world.tenant, TenantRole::Member);
    let viewer = people.staff(StaffRole::Viewer);
    let service = &world.services.instance;
    let id = &instance.id;
    let list = service.list(&member, InstanceFilter::default()).await;
    assert_eq!(list.unwrap().items.len(), 1);
    let detail = service.detail(&member, id).await.unwrap();
    assert_eq!(detail.overrides, None);
    for actor in [&member, &viewer] {
        let refused = service
            .rename(actor, id, "Mine", &origin())
            .await
            .unwrap_err();
        assert!(matches!(refused, Error::Forbidden { .. }), "{refused:?}");
    }
    assert!(world.services.cluster.list(&member).await.is_err());
    assert_eq!(world.services.cluster.list(&viewer).await.unwrap().len(), 1);
}

#[tokio::test]
async fn pages_hold_together_and_filters_find() {
    let world = TestWorld::new().await;
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(world.create(&format!("Übung {number}")).await.instance.id);
        if number % 2 == 0 {
            world.db.clock.advance(Duration::from_millis(3));
        }
    }
    let service = &world.services.instance;
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let filter = InstanceFilter {
            limit: Some(2),
            cursor,
            ..InstanceFilter::default()
        };
        let page = service.list(&world.actor, filter).await.unwrap();
        assert!(page.items.iter().all(|one| one.operation.is_some()));
        seen.extend(page.items.into_iter().map(|one| one.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let (mut sorted, mut all) = (seen.clone(), made.clone());
    sorted.sort();
    all.sort();
    assert_eq!(sorted, all);
    let count = async |filter: InstanceFilter| {
        service
            .list(&world.actor, filter)
            .await
            .unwrap()
            .items
            .len()
    };
    let q = |text: &str| InstanceFilter {
        q: Some(text.to_owned()),
        ..InstanceFilter::default()
    };
    assert_eq!(count(q("ÜBUNG 3")).await, 1);
    assert_eq!(count(q("acme")).await, 7);
    assert_eq!(count(q(made[4].as_str())).await, 1);
    assert_eq!(count(q("%")).await, 0);
    assert_eq!(count(q("_bung")).await, 0);
    let health = |health| InstanceFilter {
        health: Some(health),
        ..InstanceFilter::default()
    };
    assert_eq!(count(health(HealthStatus::Unknown)).await, 7);
    assert_eq!(count(health(HealthStatus::Healthy)).await, 0);
    let state = |state| InstanceFilter {
        state: Some(state),
        ..InstanceFilter::default()
    };
    assert_eq!(count(state(InstanceState::Creating)).await, 7);
    let made_up = InstanceFilter {
        cursor: Some("bm9wZQ".to_owned()),
        ..InstanceFilter::default()
    };
    assert_eq!(
        fields(&service.list(&world.actor, made_up).await.unwrap_err()),
        ["cursor"]
    );
    let hits = world
        .services
        .fleet
        .search(&world.actor, "übung")
        .await
        .unwrap();
    assert_eq!(hits.len(), 7);
    let fleet = world.services.fleet.fleet(&world.actor).await.unwrap();
    assert_eq!(
        (fleet.instances, fleet.not_healthy, fleet.operations_running),
        (7, 7, 7)
    );
}

#[tokio::test]
async fn the_page_says_where_each_value_comes_from() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await;
    let service = &world.services.instance;
    let text = "agent:\n  replicas: 3\n";
    let asked = service
        .reconfigure(&world.actor, &instance.id, text, &origin())
        .await
        .unwrap();
    world.settle(asked.id).await;
    let detail = service.detail(&world.actor, &instance.id).await.unwrap();
    let found = |path: &str| {
        detail
            .values
            .iter()
            .find(|v| v.path == path)
            .map(|v| v.origin.as_str())
    };
    assert_eq!(found("agent.replicas"), Some("console"));
    assert_eq!(found("agent.image"), Some("release"));
    assert_eq!(found("instance.id"), Some("identity"));
    assert_eq!(detail.overrides.as_deref(), Some(text));
    let secret = service
        .preview(&world.actor, Some(&instance.id), "agent: {apiToken: abc}")
        .await;
    assert_eq!(fields(&secret.unwrap_err()), ["overrides"]);
    let reserved = service
        .preview(&world.actor, None, "instance: {id: x}")
        .await;
    assert!(
        reserved
            .unwrap_err()
            .public()
            .contains("set by the control plane")
    );
}
