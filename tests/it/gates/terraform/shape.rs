//! What Terraform would write for an instance is what the control plane writes, so that the control plane
//! finds nothing to change when it adopts one. The one side is the module, evaluated; the other is what a
//! real server put into a sandbox cluster.

use std::collections::BTreeSet;
use std::sync::Mutex;

use hcl::eval::{Context, Evaluate as _, FuncArgs, FuncDef, ParamType};
use hcl::{Block, Body, Expression, Map, Value as Hcl};
use serde_json::{Value, json};
use tests::process::{Place, Server, until};

use super::folder::{Folder, argument, label};

/// Terraform's `concat`.
fn concat(lists: FuncArgs) -> Result<Hcl, String> {
    let mut all = Vec::new();
    for list in lists.into_values() {
        all.extend(list.as_array().cloned().ok_or("a list was expected")?);
    }
    Ok(Hcl::Array(all))
}

fn hcl(value: Value) -> Hcl {
    serde_json::from_value(value).expect("a value")
}

/// The locals of a module with these variables, as JSON.
fn locals(folder: &Folder, variables: &Value) -> Value {
    let mut variables = variables.clone();
    for block in folder.blocks("variable") {
        if let Some(default) = argument(block.body(), "default") {
            let given = variables.as_object_mut().expect("an object");
            let default = serde_json::to_value(Hcl::from(default.clone())).expect("a default");
            given.entry(label(block, 0)).or_insert(default);
        }
    }
    let mut left: Vec<(String, Expression)> = folder
        .blocks("locals")
        .map(Block::body)
        .flat_map(Body::attributes)
        .map(|one| (one.key().to_owned(), one.expr().clone()))
        .collect();
    let mut known = Map::new();
    // They may refer to each other in any order.
    while !left.is_empty() {
        let mut context = Context::new();
        context.declare_var("var", hcl(variables.clone()));
        context.declare_var("local", known.clone());
        context.declare_func(
            "concat",
            FuncDef::builder()
                .variadic_param(ParamType::Any)
                .build(concat),
        );
        let before = left.len();
        left.retain(|(name, expression)| match expression.evaluate(&context) {
            Ok(value) => {
                known.insert(name.clone(), value);
                false
            }
            Err(_) => true,
        });
        let names: Vec<&String> = left.iter().map(|(name, _)| name).collect();
        assert!(
            left.len() < before,
            "{}: cannot be evaluated: {names:?}",
            folder.path
        );
    }
    serde_json::to_value(known).expect("JSON")
}

/// A server with a sandbox, and an instance in it.
struct Made {
    _server: Server,
    _folder: tempfile::TempDir,
    api: String,
    application: Value,
}

async fn get(url: &str) -> Value {
    let answer = reqwest::get(url).await.expect("an answer");
    answer.json().await.expect("JSON")
}

async fn made() -> Made {
    cluster::install_tls();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::sqlite(&folder.path().join("data"));
    let token = place.token("tenants:write,instances:write");
    let server = Server::start(&place, &["--sandbox", "--sandbox-pace", "0"]).await;
    let client = reqwest::Client::new();
    let post = async |path: &str, body: Value| -> Value {
        let request = client
            .post(server.at(&format!("/api/v1{path}")))
            .bearer_auth(&token);
        let answer = request
            .header("Idempotency-Key", path)
            .json(&body)
            .send()
            .await
            .expect("an answer");
        answer.json().await.expect("JSON")
    };
    let tenant = post("/tenants", json!({"name": "Acme"})).await;
    let path = format!(
        "/tenants/{}/instances",
        tenant["id"].as_str().expect("an id")
    );
    post(
        &path,
        json!({"name": "One", "purpose": "development", "region": "local"}),
    )
    .await;
    let clusters = sandbox::endpoints_of(&place.data.join("sandbox")).expect("a sandbox");
    let found = Mutex::new(None);
    until("the Application is written", async || {
        for cluster in &clusters {
            let list = get(&format!(
                "{}/apis/argoproj.io/v1alpha1/applications",
                cluster.api_url
            ))
            .await;
            if let Some(one) = list["items"].as_array().and_then(|items| items.first()) {
                *found.lock().expect("a lock") = Some((cluster.api_url.clone(), one.clone()));
            }
        }
        found.lock().expect("a lock").is_some()
    })
    .await;
    let (api, application) = found.into_inner().expect("a lock").expect("an Application");
    Made {
        _server: server,
        _folder: folder,
        api,
        application,
    }
}

/// The variables of the module, read back from what the server wrote.
fn variables(application: &Value) -> Value {
    let chart = &application["spec"]["sources"][0];
    let files = &application["spec"]["sources"][1];
    let identity = &chart["helm"]["valuesObject"]["instance"];
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let host = text(&identity["host"]);
    let release = text(&chart["helm"]["valueFiles"][0]);
    let version = release
        .strip_prefix("releases/")
        .and_then(|it| it.strip_suffix(".yaml"));
    json!({
        "instance": identity["id"],
        "tenant": identity["tenant"],
        "purpose": identity["purpose"],
        "zone": host.split_once('.').expect("a host below a zone").1,
        "release": {"version": version.expect("a version"), "chart_revision": chart["targetRevision"]},
        "chart": {"repo_url": chart["repoURL"], "path": chart["path"]},
        "overrides": {"repo_url": files["repoURL"], "revision": files["targetRevision"]},
        "region": chart["helm"]["valuesObject"]["secrets"]["region"],
        "secrets_prefix": chart["helm"]["valuesObject"]["secrets"]["prefix"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_by_terraform_is_one_that_the_control_plane_would_make() {
    let made = made().await;
    let written = &made.application;
    let variables = variables(written);
    let locals = locals(&Folder::read("modules/application"), &variables);
    let manifest = &locals["manifest"];
    for field in ["name", "namespace", "labels", "finalizers"] {
        assert_eq!(
            manifest["metadata"][field], written["metadata"][field],
            "{field}"
        );
    }
    assert_eq!(manifest["spec"], written["spec"]);
    for field in ["apiVersion", "kind"] {
        assert_eq!(manifest[field], written[field]);
    }
    // What the control plane owns beside it, in the module that uses the shape.
    let name = written["metadata"]["name"].as_str().expect("a name");
    let of_instance = Folder::read("modules/instance");
    let quota = get(&format!(
        "{}/api/v1/namespaces/{name}/resourcequotas/instance",
        made.api
    ))
    .await;
    assert_eq!(
        manifest_of(&of_instance, "quota")["spec"]["hard"],
        quota["spec"]["hard"]
    );
    let gate = get(&format!(
        "{}/apis/apisix.apache.org/v2/namespaces/{name}/apisixpluginconfigs/gate",
        made.api
    ))
    .await;
    let plugins = |object: &Value| -> BTreeSet<String> {
        let list = object["spec"]["plugins"].as_array().expect("plugins");
        list.iter()
            .map(|one| one["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(plugins(&manifest_of(&of_instance, "gate")), plugins(&gate));
}

/// The manifest of a `kubernetes_manifest`, with what it refers to left as text.
fn manifest_of(folder: &Folder, name: &str) -> Value {
    let block = folder
        .blocks("resource")
        .find(|block| label(block, 1) == name)
        .expect("a resource");
    let manifest = argument(block.body(), "manifest").expect("a manifest");
    serde_json::to_value(Hcl::from(manifest.clone())).expect("JSON")
}
