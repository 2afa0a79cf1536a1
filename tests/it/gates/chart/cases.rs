//! Every way the instance chart is rendered for the tests: each release of the catalogue with the defaults,
//! with every switch of the schema thrown, with every other word of every choice, and with what a list of
//! switches cannot say. Rendered once for all tests, two at a time.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::super::tree;
use super::helm::{Call, helm, values};
use super::{catalogue, merge, read};

/// The instance of the tests.
pub const ID: &str = "k7mq2x9dr4ht";
/// Its namespace, release and Application.
pub const NAMESPACE: &str = "prismk7mq2x9dr4ht";
const PROMETHEUS: &[&str] = &[
    "monitoring.coreos.com/v1",
    "monitoring.coreos.com/v1/PodMonitor",
];

/// One rendering of the chart.
pub struct Rendered {
    /// Version of the release.
    pub release: String,
    /// What was set.
    pub case: String,
    /// The values that were laid over those of the release.
    pub values: Value,
    pub documents: Vec<Value>,
}

impl Rendered {
    pub fn name(&self) -> String {
        format!("{} with {}", self.release, self.case)
    }

    /// The one document of a kind.
    pub fn one(&self, kind: &str) -> &Value {
        let found = super::helm::of(&self.documents, kind);
        assert_eq!(found.len(), 1, "{}: {kind}", self.name());
        found[0]
    }
}

/// What the control plane puts into the values of every instance.
pub fn identity(id: &str) -> Value {
    json!({
        "instance": {
            "id": id, "host": format!("{id}.eu.example.org"), "purpose": "production",
            "tenant": "018f3f1e-0000-7000-8000-000000000001",
        },
        "secrets": {"prefix": "hosted-instances/eu"},
    })
}

/// What other values ask for once they are set, and nothing reads until then.
fn companions() -> Value {
    json!({
        "vault": {"address": "https://vault.example.org:8200"},
        "dns": {"target": "lb.eu.example.org"},
        "registryNode": {"cardano": {"walletHost": "wallet.cardano", "dbSyncHost": "sync.cardano:5432"}},
        "networkPolicy": {"cardanoCidr": "10.9.0.0/24"},
    })
}

/// A value at a dotted path.
fn at(path: &str, value: Value) -> Value {
    path.rsplit('.')
        .fold(value, |below, key| json!({key: below}))
}

/// Every switch of a schema thrown, and every other word of every choice.
pub fn switches(schema: &Value, path: &str, into: &mut Vec<(String, Value)>) {
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if below["type"] == "boolean" {
            let usual = below["default"].as_bool().unwrap_or(false);
            into.push((format!("{path}={}", !usual), at(&path, json!(!usual))));
        }
        let words = below["enum"].as_array().into_iter().flatten();
        for word in words.filter(|word| **word != below["default"]) {
            into.push((format!("{path}={word}"), at(&path, word.clone())));
        }
        switches(below, &path, into);
    }
}

fn by_hand() -> Vec<(String, Value)> {
    let with = |name: &str, values: Value| (name.to_owned(), values);
    vec![
        with(
            "a role for its secrets",
            json!({"secrets": {"role": "arn:aws:iam::123456789012:role/readers"}}),
        ),
        with(
            "networks of nodes",
            json!({"networkPolicy": {"probeCidrs": ["10.0.0.0/16"]}}),
        ),
        with(
            "a bucket",
            json!({"database": {"backup": {"wal": {"bucket": "copies", "region": "eu-west-1"}}}}),
        ),
        with(
            "labels for monitors",
            json!({"monitoring": {"enabled": "always", "labels": {"release": "prometheus"}}}),
        ),
        with(
            "environment",
            json!({"agent": {
                "env": {"AGENT_LOG_LEVEL": "DEBUG", "DEFAULT_WALLET_WEBHOOK_URL": "https://hooks.example.org"},
                "secretEnv": {"DEFAULT_WALLET_WEBHOOK_API_KEY": {"entry": "webhook-key"}},
            }}),
        ),
        with(
            "cardano over neoprism",
            json!({"release": {"registry": "neoprism"}, "registryNode": {"ledger": "cardano"}}),
        ),
    ]
}

/// Whether a release cannot do what a case asks for.
fn impossible(release: &str, values: &Value) -> bool {
    values["release"]["registry"] == "neoprism" && release != "2.2.0"
}

fn render(helm: &std::path::Path) -> Vec<Rendered> {
    let folder = tempfile::tempdir().expect("a folder");
    let schema: Value = serde_json::from_str(&read("charts/prism-instance/values.schema.json"))
        .expect("the schema");
    let mut cases = vec![("defaults".to_owned(), json!({}))];
    switches(&schema, "", &mut cases);
    cases.extend(by_hand());
    // The identity is laid over everything, so a purpose of its own is none of the cases.
    cases.retain(|(name, _)| !name.starts_with("instance."));
    assert!(cases.len() > 30, "only {} cases", cases.len());
    let mut work = Vec::new();
    for release in catalogue() {
        let release = release.version.to_string();
        for (name, values) in &cases {
            if !impossible(&release, values) {
                work.push((release.clone(), name.clone(), values.clone()));
            }
        }
    }
    let half = work.len().div_ceil(2);
    std::thread::scope(|scope| {
        let halves: Vec<_> = work
            .chunks(half)
            .enumerate()
            .map(|(thread, chunk)| {
                let folder = folder.path();
                scope.spawn(move || {
                    let one = |(at, (release, case, given)): (usize, &(String, String, Value))| {
                        let mut all = if case == "defaults" {
                            json!({})
                        } else {
                            companions()
                        };
                        merge(&mut all, given);
                        merge(&mut all, &identity(ID));
                        let file = values(folder, &format!("{thread}-{at}"), &all);
                        let chart = tree::root().join("deploy/charts/prism-instance/releases");
                        let call = Call {
                            chart: "prism-instance",
                            name: NAMESPACE,
                            namespace: NAMESPACE,
                            files: &[chart.join(format!("{release}.yaml")), file],
                            kinds: PROMETHEUS,
                        };
                        let documents = call
                            .template(helm)
                            .unwrap_or_else(|why| panic!("{release} with {case}: {why}"));
                        Rendered {
                            release: release.clone(),
                            case: case.clone(),
                            values: all,
                            documents,
                        }
                    };
                    chunk.iter().enumerate().map(one).collect::<Vec<_>>()
                })
            })
            .collect();
        halves
            .into_iter()
            .flat_map(|half| half.join().expect("a rendering thread"))
            .collect()
    })
}

/// Everything rendered; nothing without Helm.
pub fn rendered() -> &'static [Rendered] {
    static ALL: OnceLock<Vec<Rendered>> = OnceLock::new();
    let Some(helm) = helm() else { return &[] };
    ALL.get_or_init(|| render(helm))
}

/// The renderings of one case, one for each release that has it.
pub fn with(case: &str) -> impl Iterator<Item = &'static Rendered> + use<'_> {
    rendered().iter().filter(move |it| it.case == case)
}
