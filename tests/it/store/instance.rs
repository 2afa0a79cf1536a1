//! Instances: names unique while used, health only while it counts, lists and cells; and what is seen
//! of them.

use std::time::Duration;

use model::cluster::Purpose;
use model::health::{Health, HealthStatus};
use model::instance::InstanceState;
use model::name::InstanceName;
use model::observation::{Observation, Probe, ProbeOutcome};
use model::{InstanceId, TenantId, may};
use store::instance::{self, Filter, HealthChange, NewInstance, Order};
use store::lease::{self, Lease};
use tests::db::TestDb;

use super::{a_tenant, may};

/// Writes an instance.
pub async fn an_instance(test: &TestDb, tenant: TenantId, name: &str) -> InstanceId {
    try_instance(test, tenant, name)
        .await
        .expect("the name is free")
}

async fn try_instance(test: &TestDb, tenant: TenantId, name: &str) -> Option<InstanceId> {
    let new = NewInstance {
        id: InstanceId::new(&*test.entropy),
        tenant,
        name: InstanceName::parse(name).unwrap(),
        purpose: Purpose::Development,
        region: "eu-west-1".parse().unwrap(),
        release: "2.1.0".parse().unwrap(),
        overrides: String::new(),
        at: test.now(),
    };
    let mut tx = test.db.begin().await.unwrap();
    let written = instance::insert(&mut tx, &may::<may::CreateInstance>(), &new)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    written.then_some(new.id)
}

async fn a_lease(test: &TestDb) -> Lease {
    let mut tx = test.db.begin().await.unwrap();
    let lasts = Duration::from_mins(1);
    let lease = lease::take(&mut tx, "watch:eu", "one", lasts, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    lease.expect("nobody holds it")
}

async fn set_state(test: &TestDb, id: &InstanceId, state: InstanceState) {
    let mut tx = test.db.begin().await.unwrap();
    instance::lock(&mut tx, id).await.unwrap();
    let mut one = instance::by_id_in(&mut tx, id).await.unwrap().unwrap();
    one.state = state;
    instance::save(&mut tx, &may::<may::ChangeInstance>(), &one, test.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_name_is_used_once_per_tenant() {
    let test = TestDb::new().await;
    let (acme, other) = (
        a_tenant(&test, "Acme").await,
        a_tenant(&test, "Other").await,
    );
    let one = an_instance(&test, acme, "Ünit").await;
    assert_eq!(try_instance(&test, acme, "üNIT").await, None);
    an_instance(&test, other, "üNIT").await;
    let kept = instance::by_id(&test.db, &one).await.unwrap().unwrap();
    assert_eq!(
        (kept.name.as_str(), kept.tenant_name.as_str()),
        ("Ünit", "Acme")
    );
    assert_eq!(
        (kept.state, kept.cluster, kept.settings),
        (InstanceState::Creating, None, None)
    );
    let second = an_instance(&test, acme, "Second").await;
    let name = InstanceName::parse("ünit").unwrap();
    let mut tx = test.db.begin().await.unwrap();
    let taken = instance::rename(&mut tx, &may(), &second, &name, test.now()).await;
    assert!(taken.unwrap_err().is_taken());
    drop(tx);
    set_state(&test, &one, InstanceState::Deleted).await;
    let mut tx = test.db.begin().await.unwrap();
    assert!(
        instance::rename(&mut tx, &may(), &second, &name, test.now())
            .await
            .unwrap()
    );
    assert!(
        !instance::rename(&mut tx, &may(), &one, &name, test.now())
            .await
            .unwrap()
    );
    assert_eq!(instance::names(&mut tx, acme).await.unwrap(), ["ünit"]);
    tx.commit().await.unwrap();
    let counted = instance::count_releases(&test.db).await.unwrap();
    assert_eq!(counted, [("2.1.0".parse().unwrap(), 2)]);
}

#[tokio::test]
async fn health_is_written_only_while_it_counts() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let id = an_instance(&test, tenant, "One").await;
    let lease = a_lease(&test).await;
    let mut health = Health::unknown(test.now());
    health.status = HealthStatus::Healthy;
    let change = HealthChange {
        instance: id.clone(),
        health: health.clone(),
        running_version: Some("2.1.0".to_owned()),
        transition: true,
    };
    let mut tx = test.db.begin().await.unwrap();
    assert!(
        instance::save_health(&mut tx, &lease, &change)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let kept = instance::by_id(&test.db, &id).await.unwrap().unwrap();
    assert_eq!(
        (kept.health.clone(), kept.running_version),
        (health, Some("2.1.0".to_owned()))
    );
    let history = store::health::since(&test.db, &id, test.now(), 10)
        .await
        .unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].status, HealthStatus::Healthy);

    set_state(&test, &id, InstanceState::Deleting).await;
    let mut tx = test.db.begin().await.unwrap();
    assert!(
        !instance::save_health(&mut tx, &lease, &change)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn old_changes_go_but_for_the_last_one() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let id = an_instance(&test, tenant, "One").await;
    let lease = a_lease(&test).await;
    for _ in 0..3 {
        test.clock.advance(Duration::from_mins(1));
        let change = HealthChange {
            instance: id.clone(),
            health: Health::unknown(test.now()),
            running_version: None,
            transition: true,
        };
        let mut tx = test.db.begin().await.unwrap();
        instance::save_health(&mut tx, &lease, &change)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    test.clock.advance(Duration::from_mins(1));
    let mut tx = test.db.begin().await.unwrap();
    assert_eq!(
        store::health::prune(&mut tx, &lease, test.now())
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        store::health::prune(&mut tx, &lease, test.now())
            .await
            .unwrap(),
        0
    );
    tx.commit().await.unwrap();
    assert_eq!(
        store::health::since(&test.db, &id, test.now(), 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn what_is_seen_is_kept_and_replaced() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "Acme").await;
    let id = an_instance(&test, tenant, "One").await;
    let lease = a_lease(&test).await;
    let nothing = store::observation::get(&test.db, &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((nothing.seen, nothing.probe), (None, None));
    let probe = Probe {
        at: test.now(),
        millis: 12,
        outcome: ProbeOutcome::Refused { status: 503 },
    };
    for status in ["Creating", "Running"] {
        let seen = Observation {
            at: test.now(),
            database: Some(status.to_owned()),
            ..Observation::default()
        };
        let mut tx = test.db.begin().await.unwrap();
        store::observation::save(&mut tx, &lease, &id, &seen)
            .await
            .unwrap();
        store::observation::save_probe(&mut tx, &lease, &id, &probe)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let known = store::observation::get(&test.db, &id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((known.seen, known.probe), (Some(seen), Some(probe.clone())));
    }
}

#[tokio::test]
async fn lists_are_in_order_and_attention_is_worst_first() {
    let test = TestDb::new().await;
    let tenant = a_tenant(&test, "50% off").await;
    let lease = a_lease(&test).await;
    let statuses = [
        HealthStatus::Healthy,
        HealthStatus::Degraded,
        HealthStatus::Down,
        HealthStatus::Progressing,
    ];
    let mut ids = Vec::new();
    for status in statuses {
        let id = an_instance(&test, tenant, status.as_str()).await;
        let mut health = Health::unknown(test.now());
        health.status = status;
        let change = HealthChange {
            instance: id.clone(),
            health,
            running_version: None,
            transition: false,
        };
        let mut tx = test.db.begin().await.unwrap();
        instance::save_health(&mut tx, &lease, &change)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        test.clock.advance(Duration::from_millis(1));
        ids.push(id);
    }
    let list = async |filter: Filter, order| -> Vec<InstanceId> {
        let rows = instance::list(&test.db, &filter, order, 10).await.unwrap();
        rows.into_iter().map(|row| row.id).collect()
    };
    let newest: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(list(Filter::default(), Order::Newest).await, newest);
    let after = instance::by_id(&test.db, &newest[1])
        .await
        .unwrap()
        .unwrap();
    let rest = Filter {
        after: Some((after.created_at, after.id)),
        ..Filter::default()
    };
    assert_eq!(list(rest, Order::Newest).await, newest[2..]);
    let worst = [ids[2].clone(), ids[1].clone()];
    assert_eq!(list(Filter::default(), Order::Attention).await, worst);
    let pattern = |text: &str| Filter {
        pattern: text.to_owned(),
        ..Filter::default()
    };
    assert_eq!(list(pattern("%50\\% off%"), Order::Newest).await.len(), 4);
    assert!(list(pattern("%5\\%%"), Order::Newest).await.is_empty());
    assert_eq!(
        list(pattern("%degra%"), Order::Newest).await,
        [ids[1].clone()]
    );
    let none = Filter {
        tenants: Some(Vec::new()),
        ..Filter::default()
    };
    assert!(list(none, Order::Newest).await.is_empty());
    let cells = instance::cells(&test.db, Some(&[tenant])).await.unwrap();
    assert_eq!(cells.len(), 4);
    assert!(cells.windows(2).all(|two| two[0].id < two[1].id));
}
