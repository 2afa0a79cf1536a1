//! Things that go wrong on a real cluster, made one by one, each with the cause that the product names
//! for it in the API and on the page, and with its end when the fault ends. These leave every part
//! running, so they run beside each other.

use serde_json::{Value, json};
use tests::real_cluster::cluster::Cluster;
use tests::real_cluster::product::{Created, Product};
use tests::real_cluster::{Site, Use, git};

/// A product with one healthy instance on the development cluster.
struct Scene {
    cluster: Cluster,
    product: Product,
    created: Created,
    _shared: Use,
}

impl Scene {
    async fn new() -> Self {
        let site = Site::get();
        let shared = site.shared().await;
        let cluster = site.development();
        let product = Product::on(std::slice::from_ref(&cluster)).await;
        let created = product.created("Wallets", &cluster, "2.1.0").await;
        Self {
            cluster,
            product,
            created,
            _shared: shared,
        }
    }

    fn instance(&self) -> &str {
        &self.created.instance
    }

    /// Has Argo CD look at Git now, as a webhook would.
    async fn refresh(&self) {
        let patch = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
        self.cluster
            .merge(&Cluster::application_path(self.instance()), &patch)
            .await;
    }

    /// An override file in Git that breaks something, what is shown for it, and that all is well once
    /// it is gone.
    async fn override_shows(&self, file: &str, code: &str) -> String {
        git::override_file(self.instance(), Some(file));
        self.refresh().await;
        let (_, sentence) = self.product.shows(self.instance(), code).await;
        git::override_file(self.instance(), None);
        self.refresh().await;
        self.product.healthy(self.instance()).await;
        sentence
    }

    /// Waits until a deletion is shown as blocked, and by what.
    async fn blocked(&self, operation: &str) -> String {
        let of = self.instance();
        self.product.stuck(of, operation, "deletion_blocked").await
    }

    async fn end(self) {
        self.product.deleted(self.instance(), &self.cluster).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_that_does_not_render_is_named() {
    let scene = Scene::new().await;
    let sentence = scene
        .override_shows("agent: {replicas: many}\n", "chart_does_not_render")
        .await;
    assert!(sentence.contains("helm template"), "{sentence}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_pulled_is_named() {
    let scene = Scene::new().await;
    let file = "images: {agent: 'registry.example.org/agent:broken'}\n";
    let sentence = scene.override_shows(file, "image_cannot_be_pulled").await;
    assert!(
        sentence.contains("registry.example.org/agent:broken"),
        "{sentence}"
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_no_node_takes_is_named() {
    let scene = Scene::new().await;
    let file = "agent: {resources: {requests: {cpu: '5000'}}}\n";
    let sentence = scene.override_shows(file, "pod_cannot_be_scheduled").await;
    assert!(sentence.contains("Insufficient cpu"), "{sentence}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_a_rule_of_the_cluster_refuses_are_named() {
    let scene = Scene::new().await;
    let limit = json!({
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "tiny"},
        "spec": {"limits": [{"type": "Pod", "max": {"memory": "1Mi"}}]},
    });
    let path = Cluster::inside(scene.instance(), "v1", "limitranges");
    scene.cluster.create(&path, &limit).await;
    let pods = Cluster::inside(scene.instance(), "v1", "pods");
    scene.cluster.delete(&pods).await;
    let (_, sentence) = scene.product.shows(scene.instance(), "pod_refused").await;
    assert!(sentence.contains("maximum memory usage"), "{sentence}");
    scene.cluster.delete(&format!("{path}/tiny")).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_changed_by_hand_is_named_and_put_back() {
    let scene = Scene::new().await;
    let path = Cluster::application_path(scene.instance());
    let by_hand = json!({"spec": {"syncPolicy": {"automated": {"selfHeal": false}}}});
    scene.cluster.merge(&path, &by_hand).await;
    let (_, sentence) = scene
        .product
        .shows(scene.instance(), "outside_change")
        .await;
    assert!(sentence.contains("Application"), "{sentence}");
    let change = json!({"overrides": "agent: {replicas: 2}"});
    let operation = scene.product.change(scene.instance(), &change).await;
    scene.product.succeeds(&operation).await;
    let there = scene.cluster.get(&path).await;
    assert_eq!(there["spec"]["syncPolicy"]["automated"]["selfHeal"], true);
    scene.product.healthy(scene.instance()).await;
    scene.end().await;
}

/// Puts a finalizer that nobody serves on an object, or takes it away.
async fn pin(cluster: &Cluster, path: &str, finalizers: &Value) {
    cluster
        .merge(path, &json!({"metadata": {"finalizers": finalizers}}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finalizer_that_never_goes_holds_the_deletion_and_argo_cd_is_named() {
    let scene = Scene::new().await;
    let path = Cluster::inside(scene.instance(), "apps/v1", "deployments/cloud-agent");
    pin(&scene.cluster, &path, &json!(["tests.example.org/never"])).await;
    let operation = scene.product.delete(scene.instance()).await;
    let says = "Argo CD removes what was deployed";
    scene
        .product
        .step_says(&operation, "remove_application", says)
        .await;
    pin(&scene.cluster, &path, &Value::Null).await;
    scene.product.succeeds(&operation).await;
    scene.cluster.emptied(scene.instance()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_keeps_terminating_is_named_with_what_holds_it() {
    let scene = Scene::new().await;
    let all = Cluster::inside(scene.instance(), "v1", "configmaps");
    let held = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "finalizers": ["tests.example.org/never"]},
    });
    scene.cluster.create(&all, &held).await;
    let operation = scene.product.delete(scene.instance()).await;
    let sentence = scene.blocked(&operation).await;
    assert!(sentence.contains("tests.example.org/never"), "{sentence}");
    pin(&scene.cluster, &format!("{all}/held"), &Value::Null).await;
    scene.product.succeeds(&operation).await;
    scene.cluster.emptied(scene.instance()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_cannot_be_read_is_named() {
    let scene = Scene::new().await;
    let vault = tests::real_cluster::vault::Vault::of(&scene.cluster);
    let entry = format!("hosted-instances/{}/admin-token", scene.instance());
    let value = vault.value(&entry).await;
    let gone = json!({"SecretId": entry, "ForceDeleteWithoutRecovery": true});
    assert_eq!(vault.call("DeleteSecret", &gone).await.0, 200);
    // The policy is to read when the object changes, so somebody has to change it.
    let path = Cluster::inside(
        scene.instance(),
        "external-secrets.io/v1",
        "externalsecrets/instance-secrets",
    );
    let sync = |word: &str| json!({"metadata": {"annotations": {"force-sync": word}}});
    scene.cluster.merge(&path, &sync("1")).await;
    let (_, sentence) = scene
        .product
        .shows(scene.instance(), "secret_not_synced")
        .await;
    assert!(sentence.contains("instance-secrets"), "{sentence}");
    let again = json!({"Name": entry, "SecretString": value});
    assert_eq!(vault.call("CreateSecret", &again).await.0, 200);
    scene.cluster.merge(&path, &sync("2")).await;
    scene.product.healthy(scene.instance()).await;
    scene.end().await;
}
