//! Ownership of fields, as server-side apply defines it.

use super::*;

fn author(manager: &str) -> Author {
    Author {
        manager: manager.to_owned(),
        subresource: None,
    }
}

fn map(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

fn apply_map(
    live: Option<&Value>,
    data: &Value,
    manager: &str,
    force: bool,
) -> Result<Value, Failure> {
    apply(Kind::ConfigMap, live, &map(data), &author(manager), force)
}

fn managers(object: &Value) -> Vec<String> {
    let mut names: Vec<String> = Managed::all(object)
        .into_iter()
        .map(|entry| entry.manager)
        .collect();
    names.sort();
    names
}

#[test]
fn a_field_of_another_manager_conflicts_unless_forced() {
    let live = apply_map(None, &json!({"k": "1", "j": "1"}), "one", false).unwrap();
    let refused = apply_map(Some(&live), &json!({"k": "2"}), "two", false).unwrap_err();
    assert_eq!(refused.code, 409);
    assert_eq!(refused.details["causes"][0]["field"], ".data.k");
    assert_eq!(
        refused.details["causes"][0]["message"],
        "conflict with \"one\""
    );
    let forced = apply_map(Some(&live), &json!({"k": "2"}), "two", true).unwrap();
    assert_eq!(forced["data"], json!({"k": "2", "j": "1"}));
    assert_eq!(managers(&forced), ["one", "two"]);
    // The first manager lost the field, so applying its own value again conflicts.
    let again = apply_map(Some(&forced), &json!({"k": "1", "j": "1"}), "one", false);
    assert_eq!(
        again.unwrap_err().details["causes"][0]["message"],
        "conflict with \"two\""
    );
}

#[test]
fn the_same_value_is_shared_and_goes_with_its_last_owner() {
    let live = apply_map(None, &json!({"k": "1"}), "one", false).unwrap();
    let shared = apply_map(Some(&live), &json!({"k": "1"}), "two", false).unwrap();
    let one_gave_up = apply_map(Some(&shared), &json!({}), "one", false).unwrap();
    assert_eq!(one_gave_up["data"]["k"], "1");
    let gone = apply_map(Some(&one_gave_up), &json!({}), "two", false).unwrap();
    assert!(gone["data"].get("k").is_none());
}

#[test]
fn applying_the_same_twice_changes_nothing() {
    let live = apply_map(None, &json!({"k": "1"}), "one", false).unwrap();
    assert_eq!(
        apply_map(Some(&live), &json!({"k": "1"}), "one", false).unwrap(),
        live
    );
}

#[test]
fn an_update_takes_what_it_changes() {
    let live = apply_map(None, &json!({"k": "1", "j": "1"}), "one", false).unwrap();
    let mut new = live.clone();
    new["data"]["k"] = json!("by hand");
    record_update(
        Kind::ConfigMap,
        Some(&live),
        &mut new,
        &author("kubectl-edit"),
    );
    assert_eq!(managers(&new), ["kubectl-edit", "one"]);
    let refused = apply_map(Some(&new), &json!({"k": "1", "j": "1"}), "one", false).unwrap_err();
    assert_eq!(refused.details["causes"].as_array().unwrap().len(), 1);
    assert_eq!(
        refused.details["causes"][0]["message"],
        "conflict with \"kubectl-edit\""
    );
}

#[test]
fn an_object_without_owners_belongs_to_whoever_was_before() {
    let refused = apply_map(
        Some(&map(&json!({"k": "1"}))),
        &json!({"k": "2"}),
        "one",
        false,
    );
    assert_eq!(
        refused.unwrap_err().details["causes"][0]["message"],
        "conflict with \"before-first-apply\""
    );
}

#[test]
fn keyed_lists_merge_and_atomic_lists_are_replaced() {
    let deployment =
        |containers: Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
    let first = deployment(json!([{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]));
    let live = apply(Kind::Deployment, None, &first, &author("one"), false).unwrap();
    let other = deployment(json!([{"name": "a", "imagePullPolicy": "Always"}]));
    let both = apply(Kind::Deployment, Some(&live), &other, &author("two"), false).unwrap();
    assert_eq!(
        both["spec"]["template"]["spec"]["containers"][0],
        json!({"name": "a", "image": "x", "imagePullPolicy": "Always"})
    );
    let fewer = deployment(json!([{"name": "a", "image": "x"}]));
    let without = apply(Kind::Deployment, Some(&both), &fewer, &author("one"), false).unwrap();
    assert_eq!(
        without["spec"]["template"]["spec"]["containers"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let gate = |plugins: Value| json!({"spec": {"plugins": plugins}});
    let live = apply(
        Kind::PluginConfig,
        None,
        &gate(json!([{"name": "a"}])),
        &author("one"),
        false,
    )
    .unwrap();
    let refused = apply(
        Kind::PluginConfig,
        Some(&live),
        &gate(json!([{"name": "b"}])),
        &author("two"),
        false,
    );
    assert_eq!(
        refused.unwrap_err().details["causes"][0]["field"],
        ".spec.plugins"
    );
    let next = apply(
        Kind::PluginConfig,
        Some(&live),
        &gate(json!([{"name": "b"}])),
        &author("one"),
        false,
    );
    assert_eq!(next.unwrap()["spec"]["plugins"], json!([{"name": "b"}]));
}

#[test]
fn finalizers_are_a_set_with_owners() {
    let with = |list: Value| json!({"metadata": {"name": "a", "finalizers": list}});
    let live = apply(
        Kind::ConfigMap,
        None,
        &with(json!(["x", "y"])),
        &author("one"),
        false,
    )
    .unwrap();
    let both = apply(
        Kind::ConfigMap,
        Some(&live),
        &with(json!(["z"])),
        &author("two"),
        false,
    )
    .unwrap();
    assert_eq!(both["metadata"]["finalizers"], json!(["x", "y", "z"]));
    let less = apply(
        Kind::ConfigMap,
        Some(&both),
        &with(json!(["x"])),
        &author("one"),
        false,
    )
    .unwrap();
    assert_eq!(less["metadata"]["finalizers"], json!(["x", "z"]));
}

#[test]
fn field_sets_are_written_and_read_back() {
    let object = json!({
        "metadata": {"labels": {"a": "1"}, "finalizers": ["x"]},
        "spec": {"ports": [{"port": 80, "name": "main"}], "empty": {}},
    });
    let fields = of(Kind::Service, &object);
    let tree = write_tree(&fields);
    assert_eq!(
        tree["f:spec"]["f:ports"]["k:{\"port\":80,\"protocol\":\"TCP\"}"],
        json!({".": {}, "f:name": {}, "f:port": {}})
    );
    let mut back = Fields::new();
    read_tree(&tree, &mut Vec::new(), &mut back);
    assert_eq!(back, fields);
}
