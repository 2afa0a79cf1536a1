//! Clusters: added once, changed but for what never changes, loads counted where they are decided.

use model::cluster::Purpose;
use std::time::Duration;
use store::cluster::{self, Sight};
use store::lease;
use tests::cluster::settings;
use tests::db::TestDb;

use super::may;

#[tokio::test]
async fn a_cluster_is_kept_as_it_was_set() {
    let test = TestDb::new().await;
    let wished = settings("eu-dev", Purpose::Development, 5);
    let mut tx = test.db.begin().await.unwrap();
    assert!(
        cluster::insert(&mut tx, &may(), &wished, test.now())
            .await
            .unwrap()
    );
    assert!(
        !cluster::insert(&mut tx, &may(), &wished, test.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let kept = cluster::get(&test.db, &wished.name).await.unwrap().unwrap();
    assert_eq!(
        (kept.settings.clone(), kept.sight, kept.load),
        (wished.clone(), Sight::default(), 0)
    );

    let mut changed = wished.clone();
    changed.capacity = 9;
    changed.cordoned = true;
    let mut tx = test.db.begin().await.unwrap();
    assert!(
        cluster::lock(&mut tx, &wished.name, test.now())
            .await
            .unwrap()
            .is_some()
    );
    cluster::update(&mut tx, &may(), &changed, test.now())
        .await
        .unwrap();
    let all = cluster::candidates(&mut tx, &wished.region, wished.purpose, test.now())
        .await
        .unwrap();
    assert_eq!(all.len(), 1);
    let candidate = all[0].candidate();
    assert!(candidate.cordoned && candidate.reachable && candidate.capacity == 9);
    tx.commit().await.unwrap();
    let mut tx = test.db.begin().await.unwrap();
    cluster::remove(&mut tx, &may(), &wished.name)
        .await
        .unwrap();
    assert!(
        cluster::lock(&mut tx, &wished.name, test.now())
            .await
            .unwrap()
            .is_none()
    );
    tx.commit().await.unwrap();
    assert!(cluster::list(&test.db).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_the_watch_saw_is_kept() {
    let test = TestDb::new().await;
    let wished = settings("eu-dev", Purpose::Development, 5);
    let sight = Sight {
        reachable: Some(false),
        since: Some(test.now()),
        as_of: Some(test.now()),
        why: "connection refused".to_owned(),
        kubernetes: "v1.35.4".to_owned(),
        overrides_trouble: "repository not found".to_owned(),
    };
    let mut tx = test.db.begin().await.unwrap();
    cluster::insert(&mut tx, &may(), &wished, test.now())
        .await
        .unwrap();
    let lasts = Duration::from_secs(10);
    let lease = lease::take(&mut tx, "watch:eu-dev", "one", lasts, test.now())
        .await
        .unwrap();
    cluster::seen(&mut tx, &lease.unwrap(), &wished.name, &sight)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let kept = cluster::get(&test.db, &wished.name).await.unwrap().unwrap();
    assert_eq!(kept.sight, sight);
    assert!(!kept.candidate().reachable);
}
