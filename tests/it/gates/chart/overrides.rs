//! Values win in this order: chart, release, override file in Git, console, identity. An override file
//! changes its own instance and nothing else, and cannot take another one's place.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::tree;
use super::cases::{ID, NAMESPACE, identity};
use super::helm::{Call, helm, title, values};

const OTHER: &str = "q1w2e3r4t5y6";

/// The chart as Argo CD renders it: the release's file, an override file where there is one, and last what
/// the control plane says.
fn render(id: &str, files: &[PathBuf], console: Value) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut last = console;
    super::merge(&mut last, &identity(id));
    let mut all = vec![tree::root().join("deploy/charts/prism-instance/releases/2.1.0.yaml")];
    all.extend_from_slice(files);
    all.push(values(folder.path(), "object", &last));
    let name = format!("prism{id}");
    let call = Call {
        chart: "prism-instance",
        name: &name,
        namespace: &name,
        files: &all,
        kinds: &[],
    };
    call.template(helm().expect("helm"))
        .unwrap_or_else(|why| panic!("{why}"))
}

fn changed(before: &[Value], after: &[Value]) -> Vec<String> {
    assert_eq!(before.len(), after.len());
    let pairs = before.iter().zip(after);
    pairs
        .filter(|(before, after)| before != after)
        .map(|(before, _)| title(before))
        .collect()
}

#[test]
fn an_override_file_changes_its_instance_alone() {
    if helm().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = values(
        folder.path(),
        ID,
        &json!({"agent": {"replicas": 3}, "instance": {"id": OTHER, "host": "taken.example.org"}}),
    );
    let plain = render(ID, &[], json!({}));
    let overridden = render(ID, std::slice::from_ref(&file), json!({}));
    assert_eq!(changed(&plain, &overridden), ["Deployment cloud-agent"]);
    let agent = overridden
        .iter()
        .find(|it| title(it) == "Deployment cloud-agent")
        .expect("the agent");
    assert_eq!(agent["spec"]["replicas"], 3);
    assert_eq!(
        agent["metadata"]["labels"]["app.kubernetes.io/instance"], NAMESPACE,
        "the identity wins"
    );
    assert!(!json!(overridden).to_string().contains("taken.example.org"));
    // Without a file of its own, another instance stays as it was.
    assert!(
        changed(
            &render(OTHER, &[], json!({})),
            &render(OTHER, &[], json!({}))
        )
        .is_empty()
    );
    // The console wins over the file.
    let both = render(ID, &[file], json!({"agent": {"replicas": 2}}));
    let agent = both
        .iter()
        .find(|it| title(it) == "Deployment cloud-agent")
        .expect("the agent");
    assert_eq!(agent["spec"]["replicas"], 2);
}
