//! Where instances go: by region and purpose, not onto cordoned, full or lost clusters, never more
//! than fit; and why none fits is said.

use model::cluster::Purpose;
use model::operation::OperationState;
use service::instance::CreateInstance;
use service::{ChangeCluster, Error};
use std::time::Duration;
use tests::services::origin;
use tests::world::TestWorld;

fn production() -> CreateInstance {
    CreateInstance {
        purpose: "production".to_owned(),
        region: "eu-west-1".to_owned(),
        ..CreateInstance::default()
    }
}

#[tokio::test]
async fn the_answer_says_why_no_cluster_fits() {
    let world = TestWorld::new().await;
    let service = &world.services.instance;
    let none = service
        .create(&world.actor, world.tenant, production(), &origin())
        .await;
    let Err(Error::Invalid(fields)) = none else {
        panic!("{none:?}")
    };
    assert_eq!(fields[0].field, "region");
    assert!(
        fields[0].message.contains("No production cluster exists"),
        "{fields:?}"
    );

    world.adopt("eu-prod", Purpose::Production, 1).await;
    let name = "eu-prod".parse().unwrap();
    let cordon = ChangeCluster {
        cordoned: Some(true),
        ..ChangeCluster::default()
    };
    world
        .services
        .cluster
        .change(&world.actor, &name, cordon, &origin())
        .await
        .unwrap();
    let cordoned = service
        .create(&world.actor, world.tenant, production(), &origin())
        .await;
    assert!(
        cordoned
            .unwrap_err()
            .public()
            .contains("eu-prod is cordoned")
    );
    let choices = world.services.cluster.choices(&world.actor).await.unwrap();
    let refused: Vec<_> = choices
        .iter()
        .filter_map(|c| c.refused.as_deref())
        .collect();
    assert!(
        refused.len() == 1 && refused[0].contains("eu-prod is cordoned"),
        "{choices:?}"
    );
}

#[tokio::test]
async fn no_more_are_placed_than_fit_and_the_next_goes_on_when_there_is_room() {
    let world = TestWorld::new().await;
    world.adopt("eu-prod", Purpose::Production, 2).await;
    let service = &world.services.instance;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(
            service
                .create(&world.actor, world.tenant, production(), &origin())
                .await
                .unwrap(),
        );
    }
    assert_eq!(made[1].instance.name, "Production 2");
    let (mut placed, mut waiting) = (Vec::new(), Vec::new());
    for one in &made {
        match world.settle(one.operation.id).await {
            ended if ended.state == OperationState::Succeeded => placed.push(one),
            stuck => waiting.push(stuck),
        }
    }
    assert_eq!((placed.len(), waiting.len()), (2, 1));
    let error = waiting[0].error.clone().expect("a cause");
    assert_eq!(error.code, "no_room");
    assert!(
        error.sentence.contains("eu-prod is full (2 of 2)"),
        "{error:?}"
    );
    let gone = world.delete(&placed[0].instance.id, Duration::ZERO).await;
    world.settle(gone.id).await;
    world.db.clock.advance(Duration::from_secs(15));
    let last = world.settle(waiting[0].id).await;
    assert_eq!(last.state, OperationState::Succeeded, "{last:?}");
    let name = "eu-prod".parse().unwrap();
    let cluster = world
        .services
        .cluster
        .get(&world.actor, &name)
        .await
        .unwrap();
    assert_eq!(cluster.instances, 2);
    let busy = world
        .services
        .cluster
        .remove(&world.actor, &name, &origin())
        .await;
    assert_eq!(busy.unwrap_err().code(), "cluster_has_instances");
}

#[tokio::test]
async fn the_least_used_cluster_is_chosen() {
    let world = TestWorld::new().await;
    world.adopt("a", Purpose::Production, 10).await;
    world.adopt("b", Purpose::Production, 5).await;
    let service = &world.services.instance;
    let mut places = Vec::new();
    for _ in 0..3 {
        let made = service
            .create(&world.actor, world.tenant, production(), &origin())
            .await
            .unwrap();
        world.settle(made.operation.id).await;
        places.push(
            world
                .instance(&made.instance.id)
                .await
                .cluster
                .unwrap()
                .to_string(),
        );
    }
    assert_eq!(places, ["a", "b", "a"]);
}

#[tokio::test]
async fn a_cluster_is_checked_before_it_is_accepted() {
    let world = TestWorld::new().await;
    let service = &world.services.cluster;
    let settings = tests::cluster::settings("eu-prod", Purpose::Production, 5);
    world.cluster.cut("eu-prod", Some("connection refused"));
    let refused = service
        .add(&world.actor, settings.clone(), &origin())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "check_failed");
    assert!(
        refused.public().contains("connection refused"),
        "{}",
        refused.public()
    );
    world.cluster.cut("eu-prod", None);
    service
        .add(&world.actor, settings.clone(), &origin())
        .await
        .unwrap();
    let again = service
        .add(&world.actor, settings.clone(), &origin())
        .await
        .unwrap_err();
    assert_eq!(again.code(), "name_taken");
    let mut bad = settings;
    bad.chart.repo_url = "https://user:secret@git.example/x".to_owned();
    bad.secrets_prefix = "a b".to_owned();
    bad.gateway.scheme = "gopher".to_owned();
    let Err(Error::Invalid(fields)) = service.check(&world.actor, bad).await else {
        panic!()
    };
    let named: Vec<_> = fields.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(
        named,
        ["chart.repo_url", "gateway.scheme", "secrets_prefix"]
    );
    service
        .remove(&world.actor, &"eu-prod".parse().unwrap(), &origin())
        .await
        .unwrap();
    assert_eq!(service.list(&world.actor).await.unwrap().len(), 1);
}
