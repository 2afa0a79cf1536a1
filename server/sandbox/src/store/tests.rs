//! The store's promises: order, history, durability, deletion.

use super::delete::{Deleted, Deletion};
use super::write::{Part, Write};
use super::*;
use serde_json::json;
use std::fs::File;
use std::io::Write as _;

fn open(dir: &Path) -> Arc<Store> {
    Store::open("test", &dir.join("objects.log")).unwrap().0
}

fn api() -> Write {
    Write {
        part: Part::Whole,
        ..Write::by("tester")
    }
}

fn space(store: &Store, name: &str) {
    store
        .create(Kind::Namespace, json!({"metadata": {"name": name}}), &api())
        .unwrap();
}

fn config_map(store: &Store, name: &str, value: &str) -> Arc<Entry> {
    let object = json!({"metadata": {"name": name, "namespace": "a"}, "data": {"k": value}});
    store.create(Kind::ConfigMap, object, &api()).unwrap()
}

#[tokio::test]
async fn a_restart_finds_everything_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let version = {
        let store = open(dir.path());
        space(&store, "a");
        config_map(&store, "one", "1");
        let two = config_map(&store, "two", "2");
        store.delete(&two.key, &Deletion::now()).unwrap();
        store.edit(Kind::ConfigMap, "a", "one", "tester", |object| {
            object["data"]["k"] = json!("changed");
        });
        store.version()
    };
    // A process that was killed may leave half a line behind.
    let path = dir.path().join("objects.log");
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(b"{\"rv\":99,\"kind\":\"/configmaps\",\"key\":[\"a\",\"to")
        .unwrap();
    drop(file);
    let store = open(dir.path());
    assert_eq!(store.version(), version);
    assert_eq!(
        store.object(Kind::ConfigMap, "a", "one").unwrap()["data"]["k"],
        "changed"
    );
    assert!(store.get(Kind::ConfigMap, "a", "two").is_none());
    let three = config_map(&store, "three", "3");
    assert_eq!(three.version, version + 1);
}

#[tokio::test]
async fn history_is_complete_or_says_that_it_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    space(&store, "a");
    let from = store.version();
    let entry = config_map(&store, "one", "1");
    store.delete(&entry.key, &Deletion::now()).unwrap();
    let (changes, upto) = store.since(Kind::ConfigMap, from).unwrap();
    let verbs: Vec<Verb> = changes.iter().map(|change| change.verb).collect();
    assert_eq!(verbs, [Verb::Added, Verb::Deleted]);
    assert_eq!(upto, store.version());
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.since(Kind::ConfigMap, from).unwrap_err().code, 410);
    assert!(
        store
            .since(Kind::ConfigMap, store.version())
            .unwrap()
            .0
            .is_empty()
    );
}

#[tokio::test]
async fn an_outdated_write_is_refused_and_an_empty_one_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    space(&store, "a");
    let old = config_map(&store, "one", "1");
    let mut object = old.value();
    object["data"]["k"] = json!("2");
    let new = store.replace(&old, object.clone(), &api()).unwrap();
    assert!(new.version > old.version);
    assert_eq!(
        store.replace(&old, object, &api()).unwrap_err().reason,
        "Conflict"
    );
    let same = store.replace(&new, new.value(), &api()).unwrap();
    assert_eq!(same.version, new.version);
}

#[tokio::test]
async fn a_finalizer_holds_a_deleted_object_until_it_falls() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    space(&store, "a");
    let object = json!({"metadata": {"name": "one", "namespace": "a", "finalizers": ["x/y"]}});
    let entry = store.create(Kind::ConfigMap, object, &api()).unwrap();
    let Ok(Deleted::Pending(left)) = store.delete(&entry.key, &Deletion::default()) else {
        panic!("the finalizer must hold the object");
    };
    assert!(left.terminating);
    store.edit(Kind::ConfigMap, "a", "one", "tester", |object| {
        object::remove_finalizer(object, "x/y");
    });
    assert!(store.get(Kind::ConfigMap, "a", "one").is_none());
}

#[tokio::test]
async fn a_namespace_that_ends_takes_nothing_new() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    space(&store, "a");
    store
        .delete(&Key::new(Kind::Namespace, "", "a"), &Deletion::default())
        .unwrap();
    let object = json!({"metadata": {"name": "late", "namespace": "a"}});
    let failure = store.create(Kind::ConfigMap, object, &api()).unwrap_err();
    assert_eq!(failure.code, 403);
    assert_eq!(
        failure.details["causes"][0]["reason"],
        "NamespaceTerminating"
    );
    let object = json!({"metadata": {"name": "lost", "namespace": "nowhere"}});
    assert_eq!(
        store
            .create(Kind::ConfigMap, object, &api())
            .unwrap_err()
            .code,
        404
    );
}

#[tokio::test]
async fn generation_counts_the_spec_and_not_the_status() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    space(&store, "a");
    let object = json!({"metadata": {"name": "d", "namespace": "a"}, "spec": {"replicas": 1}});
    let entry = store.create(Kind::Deployment, object, &api()).unwrap();
    let mut object = entry.value();
    object["status"] = json!({"replicas": 1});
    let status = Write {
        part: Part::Status,
        ..api()
    };
    let entry = store.replace(&entry, object, &status).unwrap();
    assert_eq!(entry.value()["metadata"]["generation"], 1);
    let mut object = entry.value();
    object["spec"]["replicas"] = json!(2);
    object["status"]["replicas"] = json!(9);
    let entry = store.replace(&entry, object, &api()).unwrap();
    assert_eq!(entry.value()["metadata"]["generation"], 2);
    assert_eq!(entry.value()["status"]["replicas"], 1);
}

#[tokio::test]
async fn pages_go_on_after_a_place() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for name in ["a", "b"] {
        space(&store, name);
        for number in 0..3 {
            let object = json!({"metadata": {"name": format!("m{number}"), "namespace": name}});
            store.create(Kind::ConfigMap, object, &api()).unwrap();
        }
    }
    let (rest, _) = store.page(Kind::ConfigMap, None, Some(("a", "m1")));
    let places: Vec<String> = rest
        .iter()
        .map(|entry| format!("{}/{}", entry.key.namespace, entry.key.name))
        .collect();
    assert_eq!(places, ["a/m2", "b/m0", "b/m1", "b/m2"]);
    assert_eq!(store.list(Kind::ConfigMap, Some("b")).len(), 3);
}
