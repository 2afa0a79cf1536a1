//! The catalogue: ordered by number, added once, replaced whole.

use std::collections::BTreeMap;

use model::release::{Channel, Release, Version};
use store::release;
use tests::db::TestDb;

use super::may;

fn a_release(version: &str) -> Release {
    Release {
        version: version.parse().unwrap(),
        channel: Channel::Supported,
        chart_revision: format!("v{version}"),
        images: BTreeMap::from([("agent".to_owned(), format!("example/agent:{version}"))]),
        schema: BTreeMap::from([("pollux".to_owned(), 9)]),
        destroys: None,
        notes: String::new(),
    }
}

#[tokio::test]
async fn versions_are_ordered_by_number() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin().await.unwrap();
    for version in ["1.5.0", "1.15.0", "2.2.0", "1.40.2"] {
        assert!(
            release::add(&mut tx, &may(), &a_release(version))
                .await
                .unwrap()
        );
    }
    tx.commit().await.unwrap();
    let all = release::all(&test.db).await.unwrap();
    let versions: Vec<String> = all.iter().map(|r| r.release.version.to_string()).collect();
    assert_eq!(versions, ["2.2.0", "1.40.2", "1.15.0", "1.5.0"]);
    assert!(all.iter().all(|r| r.instances == 0));
}

#[tokio::test]
async fn adding_changes_nothing_and_putting_replaces() {
    let test = TestDb::new().await;
    let version: Version = "2.2.0".parse().unwrap();
    let mut changed = a_release("2.2.0");
    changed.destroys = Some("all of it".to_owned());
    changed.channel = Channel::Preview;
    let mut tx = test.db.begin().await.unwrap();
    assert!(
        release::add(&mut tx, &may(), &a_release("2.2.0"))
            .await
            .unwrap()
    );
    assert!(!release::add(&mut tx, &may(), &changed).await.unwrap());
    let kept = release::by_version_in(&mut tx, version)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.release, a_release("2.2.0"));
    release::put(&mut tx, &may(), &changed).await.unwrap();
    assert!(
        release::set_channel(&mut tx, &may(), version, Channel::Expired)
            .await
            .unwrap()
    );
    let unknown = "9.9.9".parse().unwrap();
    assert!(
        !release::set_channel(&mut tx, &may(), unknown, Channel::Expired)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    changed.channel = Channel::Expired;
    let found = release::by_version(&test.db, version)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.release, changed);
}
