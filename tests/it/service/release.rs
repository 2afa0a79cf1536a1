//! The catalogue: the file it starts with, and what staff change afterwards.

use model::Actor;
use model::release::{Channel, Release};
use model::user::{StaffRole, TenantRole};
use service::Error;
use tests::services::{TestServices, origin};

const FILE: &str = include_str!("../../../deploy/releases.toml");

#[tokio::test]
async fn the_file_is_loaded_once_and_changes_nothing_afterwards() {
    let test = TestServices::new().await;
    let releases = &test.services.release;
    let count = releases.seed(FILE).await.unwrap();
    assert!(count >= 8, "{count} releases");
    let version = "2.2.0".parse().unwrap();
    releases
        .set_channel(&Actor::Operator, version, Channel::Deprecated, &origin())
        .await
        .unwrap();
    assert_eq!(releases.seed(FILE).await.unwrap(), 0);
    let kept = releases
        .get(&Actor::Operator, version)
        .await
        .unwrap()
        .release;
    assert_eq!(kept.channel, Channel::Deprecated);
    let all = releases.list(&Actor::Operator).await.unwrap();
    assert_eq!(all[0].release.version, version, "the newest first");
}

#[tokio::test]
async fn the_file_knows_the_destructive_step_and_never_goes_back_a_level() {
    let test = TestServices::new().await;
    test.services.release.seed(FILE).await.unwrap();
    let mut list = test.services.release.list(&Actor::Operator).await.unwrap();
    list.reverse();
    let destroying: Vec<_> = list
        .iter()
        .filter(|view| view.release.destroys.is_some())
        .map(|view| view.release.version.to_string())
        .collect();
    assert!(destroying.contains(&"1.15.0".to_owned()));
    for pair in list.windows(2) {
        for (database, level) in &pair[0].release.schema {
            let next = pair[1].release.schema.get(database);
            assert!(
                next.is_none_or(|next| next >= level),
                "{database} {}",
                pair[1].release.version
            );
        }
        assert!(pair[1].release.images.contains_key("agent"));
    }
    let catalogue: Vec<Release> = list.into_iter().map(|view| view.release).collect();
    let default = model::release::default_release(&catalogue).unwrap();
    assert_eq!(default.version.to_string(), "2.2.0");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_whole() {
    let test = TestServices::new().await;
    for bad in [
        "not toml [",
        "[[release]]\nversion = \"x\"",
        "[[release]]\nversion = \"1.0.0\"\nchannel = \"supported\"\nchart_revision = \"a b\"\nimages = {}\nschema = {}",
        "[[release]]\nversion = \"1.0.0\"\nchannel = \"supported\"\nchart_revision = \"v1\"\nimages = {}\nschema = {}\nextra = 1",
    ] {
        assert_eq!(
            test.services.release.seed(bad).await.unwrap_err().code(),
            "invalid",
            "{bad}"
        );
    }
    assert!(
        test.services
            .release
            .list(&Actor::Operator)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn staff_operators_change_the_catalogue_and_others_read_it() {
    let test = TestServices::new().await;
    test.services.release.seed(FILE).await.unwrap();
    let releases = &test.services.release;
    let operator = test.staff(StaffRole::Operator);
    let mut release = releases
        .get(&operator, "2.2.0".parse().unwrap())
        .await
        .unwrap()
        .release;
    release.notes = "Changed.".to_owned();
    let put = releases
        .put(&operator, release.clone(), &origin())
        .await
        .unwrap();
    assert_eq!(put.release, release);
    let acme = test.tenant("Acme").await;
    let admin = test.of_tenant(acme, TenantRole::Admin);
    assert_eq!(releases.list(&admin).await.unwrap()[0].release, release);
    let refused = releases
        .put(&admin, release.clone(), &origin())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    release.chart_revision = "--upload-pack=x".to_owned();
    release.notes = "two\nlines".to_owned();
    let Err(Error::Invalid(list)) = releases.put(&operator, release, &origin()).await else {
        panic!("two fields are wrong")
    };
    let fields: Vec<_> = list.iter().map(|wrong| wrong.field.as_str()).collect();
    assert_eq!(fields, ["chart_revision", "notes"]);
    let unknown = "9.9.9".parse().unwrap();
    let missing = releases
        .set_channel(&operator, unknown, Channel::Expired, &origin())
        .await;
    assert_eq!(missing.unwrap_err().code(), "not_found");
}
