//! Discovery, reading, selecting and paging.

use crate::world::World;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{Api, ListParams, ObjectMeta, PostParams};
use serde_json::json;

fn map(name: &str, label: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([("kind".to_owned(), label.to_owned())].into()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

#[tokio::test]
async fn discovery_names_every_kind_in_both_forms() {
    let world = World::new().await;
    let version = world.client.apiserver_version().await.unwrap();
    assert_eq!(
        (version.major.as_str(), version.minor.as_str()),
        ("1", "34")
    );
    let groups = world.client.list_api_groups().await.unwrap();
    let names: Vec<&str> = groups
        .groups
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    for wished in [
        "argoproj.io",
        "acid.zalan.do",
        "external-secrets.io",
        "apisix.apache.org",
    ] {
        assert!(names.contains(&wished), "{names:?}");
    }
    let served = world
        .client
        .list_api_group_resources("argoproj.io/v1alpha1")
        .await
        .unwrap();
    let kinds: Vec<&str> = served
        .resources
        .iter()
        .map(|one| one.kind.as_str())
        .collect();
    assert_eq!(kinds, ["Application", "AppProject"]);
    let discovery = kube::discovery::Discovery::new(world.client.clone())
        .run()
        .await
        .unwrap();
    assert!(
        discovery
            .groups()
            .any(|group| group.name() == "cert-manager.io")
    );
    let (_, crds) = world
        .get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
        .await;
    assert_eq!(crds["items"].as_array().unwrap().len(), 12);
    assert_eq!(crds["items"][0]["spec"]["versions"][0]["served"], true);
}

#[tokio::test]
async fn lists_are_selected_and_paged() {
    let world = World::new().await;
    let maps: Api<ConfigMap> = Api::namespaced(world.client.clone(), "default");
    for number in 0..7 {
        let label = if number % 2 == 0 { "even" } else { "odd" };
        maps.create(&PostParams::default(), &map(&format!("m{number}"), label))
            .await
            .unwrap();
    }
    let even = maps
        .list(&ListParams::default().labels("kind=even"))
        .await
        .unwrap();
    assert_eq!(even.items.len(), 4);
    let one = maps
        .list(&ListParams::default().fields("metadata.name=m3"))
        .await
        .unwrap();
    assert_eq!(one.items.len(), 1);
    let mut seen = Vec::new();
    let mut parameters = ListParams::default().labels("kind in (even,odd)").limit(3);
    loop {
        let page = maps.list(&parameters).await.unwrap();
        assert!(page.items.len() <= 3);
        seen.extend(page.items.into_iter().filter_map(|map| map.metadata.name));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => break,
        }
    }
    assert_eq!(seen, ["m0", "m1", "m2", "m3", "m4", "m5", "m6"]);
}

#[tokio::test]
async fn gateway_pods_nodes_and_namespaces_are_there_from_the_start() {
    let world = World::new().await;
    let pods: Api<Pod> = Api::namespaced(world.client.clone(), "ingress-apisix");
    let listed = ListParams::default().labels("app.kubernetes.io/name=apisix");
    let found = pods.list(&listed).await.unwrap();
    assert_eq!(found.items.len(), 3);
    let spaces: Api<Namespace> = Api::all(world.client.clone());
    for name in ["argocd", "hosted-instances", "ingress-apisix"] {
        assert!(spaces.get_opt(name).await.unwrap().is_some(), "{name}");
    }
    let (_, project) = world
        .get("/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/prism-instances")
        .await;
    assert_eq!(project["spec"]["destinations"][0]["namespace"], "prism*");
}

#[tokio::test]
async fn tables_show_what_kubectl_shows() {
    let world = World::new().await;
    world.create_instance("a00000000001", "2.1.0").await;
    world.until_healthy("a00000000001").await;
    let url = format!(
        "{}/apis/argoproj.io/v1alpha1/applications",
        world.endpoints.api_url
    );
    let request = world.http.get(url).header(
        "accept",
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    );
    let table: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(table["kind"], "Table");
    assert_eq!(table["columnDefinitions"][1]["name"], "Sync Status");
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    assert_eq!(
        cells[..3],
        [
            json!("prisma00000000001"),
            json!("Synced"),
            json!("Healthy")
        ]
    );
}

#[tokio::test]
async fn reviews_say_that_everything_is_allowed() {
    let world = World::new().await;
    let review = json!({"spec": {"resourceAttributes": {"verb": "create", "resource": "pods"}}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let (status, answer) = world
        .raw("POST", path, "application/json", review.to_string())
        .await;
    assert_eq!((status, &answer["status"]["allowed"]), (201, &json!(true)));
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let (_, answer) = world
        .raw("POST", path, "application/json", "{\"spec\":{}}")
        .await;
    assert_eq!(answer["status"]["resourceRules"][0]["verbs"], json!(["*"]));
}
