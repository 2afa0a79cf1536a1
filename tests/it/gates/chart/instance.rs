//! What must hold of every rendering of the instance chart: an API server takes all of it, it stays in its
//! namespace, its pods pass Pod Security, each service knows its own roles and no more, and no secret stands
//! in it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Value, json};

use super::super::tree;
use super::cases::{ID, NAMESPACE, Rendered, identity, rendered, with};
use super::helm::{Call, helm, of, title, values};
use super::{kinds, pods};

/// The kinds that the chart may render; the namespace, its quota, the gate and the consumers are the control
/// plane's, and Secrets are made on the cluster alone.
const KINDS: &[&str] = &[
    "ApisixRoute",
    "ApisixTls",
    "Certificate",
    "ConfigMap",
    "DNSEndpoint",
    "Deployment",
    "ExternalSecret",
    "LimitRange",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "PodMonitor",
    "PrometheusRule",
    "SecretStore",
    "Service",
    "postgresql",
];

const CREDENTIALS: &str = ".prism-postgres.credentials.postgresql.acid.zalan.do";

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn each(check: impl Fn(&Rendered) -> Vec<String>) {
    let wrong: Vec<String> = rendered()
        .iter()
        .flat_map(|it| {
            check(it)
                .into_iter()
                .map(|what| format!("{}: {what}", it.name()))
        })
        .take(20)
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_document_is_one_that_an_api_server_takes_whole() {
    // The same document comes in many cases and is looked at once.
    let mut seen = HashSet::new();
    let mut wrong = Vec::new();
    for it in rendered() {
        for document in &it.documents {
            if seen.insert(document.to_string()) {
                let found = kinds::wrong_with(document);
                wrong.extend(
                    found
                        .iter()
                        .map(|what| format!("{}: {}: {what}", it.name(), title(document))),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if helm().is_some() {
        let renderings = rendered().len();
        let documents: usize = rendered().iter().map(|it| it.documents.len()).sum();
        println!(
            "{renderings} renderings, {documents} documents, {} of them different",
            seen.len()
        );
        assert!(renderings > 200 && seen.len() > 100);
    }
}

#[test]
fn nothing_leaves_the_namespace_and_nothing_of_the_control_plane_is_rendered() {
    each(|it| {
        let mut wrong = Vec::new();
        let mut names = BTreeSet::new();
        for document in &it.documents {
            if !KINDS.contains(&text(document, "/kind")) {
                wrong.push(format!("{} is not the chart's to render", title(document)));
            }
            if !names.insert(title(document)) {
                wrong.push(format!("{} is there twice", title(document)));
            }
            if !matches!(text(document, "/metadata/namespace"), "" | NAMESPACE) {
                wrong.push(format!("{} is elsewhere", title(document)));
            }
            let labels = &document["metadata"]["labels"];
            for (label, value) in [
                ("app.kubernetes.io/instance", NAMESPACE),
                ("hosted-instances.io/instance", ID),
            ] {
                if labels[label] != value {
                    wrong.push(format!("{} lacks the label {label}", title(document)));
                }
            }
        }
        for tls in of(&it.documents, "ApisixTls") {
            if text(tls, "/spec/secret/namespace") != NAMESPACE {
                wrong.push("the certificate comes from another namespace".to_owned());
            }
        }
        wrong
    });
}

#[test]
fn every_pod_passes_pod_security_and_has_time_to_migrate() {
    each(|it| {
        let mut wrong = Vec::new();
        for deployment in of(&it.documents, "Deployment") {
            let pod = &deployment["spec"]["template"]["spec"];
            wrong.extend(
                pods::refusals(pod, false)
                    .iter()
                    .map(|what| format!("{}: {what}", title(deployment))),
            );
            if deployment["spec"]["strategy"] != json!({"type": "Recreate"}) {
                wrong.push(format!("{}: two migrators at a time", title(deployment)));
            }
            let deadline = deployment["spec"]["progressDeadlineSeconds"]
                .as_u64()
                .unwrap_or(0);
            for container in items(pod, "/containers") {
                let probe = &container["startupProbe"];
                let budget = probe["periodSeconds"].as_u64().unwrap_or(0)
                    * probe["failureThreshold"].as_u64().unwrap_or(0);
                if budget < 1800 || deadline <= budget {
                    wrong.push(format!(
                        "{}: {budget} s to start, {deadline} s to be done",
                        title(deployment)
                    ));
                }
            }
            let spread = text(pod, "/topologySpreadConstraints/0/topologyKey");
            if spread != "topology.kubernetes.io/zone" {
                wrong.push(format!("{}: is not spread over zones", title(deployment)));
            }
        }
        wrong
    });
}

/// The database roles whose Secrets each workload reads.
fn roles(it: &Rendered) -> BTreeMap<&str, BTreeSet<&str>> {
    of(&it.documents, "Deployment")
        .into_iter()
        .map(|deployment| {
            let of = items(deployment, "/spec/template/spec/containers/0/env")
                .filter_map(|variable| {
                    text(variable, "/valueFrom/secretKeyRef/name").strip_suffix(CREDENTIALS)
                })
                .collect();
            (text(deployment, "/metadata/name"), of)
        })
        .collect()
}

#[test]
fn each_service_knows_its_own_roles_and_no_more() {
    each(|it| {
        let mut wrong = Vec::new();
        let mut agent = BTreeSet::from([
            "pollux-admin",
            "pollux-application-user",
            "connect-admin",
            "connect-application-user",
            "agent-admin",
            "agent-application-user",
        ]);
        if it.release == "1.14.0" {
            agent.extend(["castor-admin", "castor-application-user"]);
        }
        let mut wished = BTreeMap::from([
            ("cloud-agent", agent),
            ("vdr-node", BTreeSet::from(["prism-admin"])),
            (
                "cloud-agent-enterprise",
                BTreeSet::from(["enterprise-services-admin", "enterprise-services-user"]),
            ),
        ]);
        if it.case == "enterpriseAgent.enabled=false" {
            wished.remove("cloud-agent-enterprise");
        }
        let found = roles(it);
        if found != wished {
            wrong.push(format!("{found:?}"));
        }
        let database = it.one("postgresql");
        let users = database["spec"]["users"].as_object().expect("users");
        if users.len() != 12
            || users
                .values()
                .any(|flags| flags.as_array().is_none_or(|flags| !flags.is_empty()))
        {
            wrong.push(format!("the roles are {users:?}"));
        }
        for role in found.values().flatten() {
            if !users.contains_key(*role) {
                wrong.push(format!("nobody makes {role}"));
            }
        }
        let databases = database["spec"]["databases"]
            .as_object()
            .expect("databases");
        let owned = databases
            .iter()
            .all(|(name, owner)| *owner == format!("{}-admin", name.replace('_', "-")));
        if databases.len() != 6 || !owned {
            wrong.push(format!("the databases are {databases:?}"));
        }
        wrong
    });
}

/// Variables that carry a word of a secret in their name and none in their value.
const HARMLESS: &[&str] = &[
    "SECRET_STORAGE_BACKEND",
    "API_KEY_ENABLED",
    "API_KEY_AUTHENTICATE_AS_DEFAULT_USER",
    "API_KEY_AUTO_PROVISIONING",
];

#[test]
fn no_secret_stands_in_any_document_and_every_one_that_is_named_arrives() {
    each(|it| {
        let mut wrong = Vec::new();
        let arriving: BTreeMap<&str, BTreeSet<&str>> = of(&it.documents, "ExternalSecret")
            .into_iter()
            .map(|secret| {
                let keys = items(secret, "/spec/data")
                    .map(|data| text(data, "/secretKey"))
                    .collect();
                (text(secret, "/spec/target/name"), keys)
            })
            .collect();
        for deployment in of(&it.documents, "Deployment") {
            let mut names = BTreeSet::new();
            for variable in items(deployment, "/spec/template/spec/containers/0/env") {
                let name = text(variable, "/name");
                if !names.insert(name) {
                    wrong.push(format!("{name} is set twice"));
                }
                let secret = [
                    "PASSWORD",
                    "SECRET",
                    "TOKEN",
                    "SALT",
                    "SEED",
                    "KEY",
                    "PASSPHRASE",
                ]
                .iter()
                .any(|word| name.contains(word));
                if secret && !variable["value"].is_null() && !HARMLESS.contains(&name) {
                    wrong.push(format!("{name} has a value"));
                }
                let from = text(variable, "/valueFrom/secretKeyRef/name");
                let key = text(variable, "/valueFrom/secretKeyRef/key");
                let made = from.is_empty()
                    || from.ends_with(CREDENTIALS)
                    || arriving.get(from).is_some_and(|keys| keys.contains(key));
                if !made {
                    wrong.push(format!("nobody brings {key} of {from}"));
                }
            }
        }
        let prefix = format!("hosted-instances/eu/{ID}/");
        for secret in of(&it.documents, "ExternalSecret") {
            for data in items(secret, "/spec/data") {
                let key = text(data, "/remoteRef/key");
                if !key.starts_with(&prefix) {
                    wrong.push(format!("{key} is not below {prefix}"));
                }
            }
            let kind = text(secret, "/spec/secretStoreRef/kind");
            let store = text(secret, "/spec/secretStoreRef/name");
            let there = of(&it.documents, "SecretStore")
                .iter()
                .any(|it| text(it, "/metadata/name") == store);
            if store != "secrets-manager" || there != (kind == "SecretStore") {
                wrong.push(format!("the store is {kind}/{store}"));
            }
        }
        wrong
    });
}

#[test]
fn selectors_budgets_and_monitors_find_the_pods_they_are_for() {
    each(|it| {
        let mut wrong = Vec::new();
        let deployments = of(&it.documents, "Deployment");
        let finds = |selector: &Value| {
            let wanted = selector.as_object().expect("a selector");
            deployments
                .iter()
                .filter(|deployment| {
                    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
                    wanted.iter().all(|(key, value)| labels[key] == *value)
                })
                .count()
        };
        let selecting = [
            ("Service", "/spec/selector"),
            ("PodDisruptionBudget", "/spec/selector/matchLabels"),
            ("Deployment", "/spec/selector/matchLabels"),
            ("PodMonitor", "/spec/selector/matchLabels"),
        ];
        for (kind, pointer) in selecting {
            for document in of(&it.documents, kind) {
                let Some(selector) = document.pointer(pointer) else {
                    continue;
                };
                // The operator's pods are none of the chart's.
                if selector["application"] == "spilo" {
                    continue;
                }
                if finds(selector) != 1 {
                    wrong.push(format!("{} finds {}", title(document), finds(selector)));
                }
            }
        }
        let budgets = of(&it.documents, "PodDisruptionBudget").len();
        if budgets != deployments.len() {
            wrong.push(format!(
                "{budgets} budgets for {} workloads",
                deployments.len()
            ));
        }
        wrong
    });
}

#[test]
fn a_hibernated_instance_runs_nothing_and_keeps_everything() {
    for it in with("hibernated=true") {
        for deployment in of(&it.documents, "Deployment") {
            assert_eq!(deployment["spec"]["replicas"], 0, "{}", title(deployment));
        }
        assert_eq!(it.one("postgresql")["spec"]["numberOfInstances"], 0);
        let awake = with("defaults")
            .find(|other| other.release == it.release)
            .expect("the defaults");
        let titles = |it: &Rendered| it.documents.iter().map(title).collect::<BTreeSet<_>>();
        assert_eq!(titles(it), titles(awake), "nothing goes but the pods");
    }
}

#[test]
fn policies_close_the_namespace_and_open_the_agent_to_the_gateway_alone() {
    for it in rendered()
        .iter()
        .filter(|it| it.case != "networkPolicy.enabled=false")
    {
        let policies = of(&it.documents, "NetworkPolicy");
        let named = |name: &str| {
            policies
                .iter()
                .find(|policy| text(policy, "/metadata/name") == name)
        };
        let closed = named("default-deny").expect("a policy that denies");
        assert_eq!(
            closed["spec"],
            json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
        );
        let agent = named("agent").expect("a policy of the agent");
        assert_eq!(
            agent["spec"]["ingress"][0]["from"][0]["namespaceSelector"]["matchLabels"],
            json!({"kubernetes.io/metadata.name": "ingress-apisix"})
        );
        for policy in &policies {
            for rule in items(policy, "/spec/ingress") {
                assert!(
                    rule["from"].as_array().is_some_and(|from| !from.is_empty()),
                    "{}: {} lets everybody in",
                    it.name(),
                    title(policy)
                );
            }
        }
    }
}

#[test]
fn what_an_instance_of_another_id_gets_is_disjoint() {
    let Some(helm) = helm() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let other = "q1w2e3r4t5y6";
    let render = |id: &str| {
        let mut all = json!({"dns": {"mode": "endpoint", "target": "lb.example.org"},
            "secrets": {"role": "arn:aws:iam::123456789012:role/readers"}, "monitoring": {"enabled": "always"}});
        super::merge(&mut all, &identity(id));
        let name = format!("prism{id}");
        let file = values(folder.path(), id, &all);
        let release = tree::root().join("deploy/charts/prism-instance/releases/2.2.0.yaml");
        Call {
            chart: "prism-instance",
            name: &name,
            namespace: &name,
            files: &[release, file],
            kinds: &[],
        }
        .template(helm)
        .expect("a rendering")
    };
    let (ours, theirs) = (
        json!(render(ID)).to_string(),
        json!(render(other)).to_string(),
    );
    assert!(!ours.contains(other) && !theirs.contains(ID));
    assert_eq!(
        ours.replace(ID, other),
        theirs,
        "nothing but the id tells two instances apart"
    );
    // Names in spaces that all instances share: hosts, entries, logs of databases, session tags.
    let shared = |documents: &str| {
        let documents: Value = serde_json::from_str(documents).expect("JSON");
        let documents = documents.as_array().expect("documents").clone();
        let mut names = BTreeSet::new();
        for document in &documents {
            names.extend(
                items(document, "/spec/http")
                    .flat_map(|rule| items(rule, "/match/hosts"))
                    .map(Value::to_string),
            );
            names.extend(
                items(document, "/spec/hosts")
                    .chain(items(document, "/spec/dnsNames"))
                    .map(Value::to_string),
            );
            names.extend(items(document, "/spec/endpoints").map(|it| it["dnsName"].to_string()));
            names
                .extend(items(document, "/spec/data").map(|it| it["remoteRef"]["key"].to_string()));
            names.extend(
                items(document, "/spec/provider/aws/sessionTags").map(|it| it["value"].to_string()),
            );
            names.extend(
                items(document, "/spec/env")
                    .filter(|it| it["name"] == "WAL_BUCKET_SCOPE_PREFIX")
                    .map(|it| it["value"].to_string()),
            );
        }
        names
    };
    let (ours, theirs) = (shared(&ours), shared(&theirs));
    assert!(ours.len() >= 6, "{ours:?}");
    assert!(ours.is_disjoint(&theirs), "{ours:?} {theirs:?}");
}

#[test]
fn values_that_cannot_be_carried_out_are_refused_in_words() {
    let Some(helm) = helm() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let releases = tree::root().join("deploy/charts/prism-instance/releases");
    let refused = |name: &str, release: &str, given: Value| {
        let mut all = given;
        super::merge(&mut all, &identity(ID));
        let file = values(folder.path(), "refused", &all);
        let files = [releases.join(format!("{release}.yaml")), file];
        Call {
            chart: "prism-instance",
            name,
            namespace: NAMESPACE,
            files: &files,
            kinds: &[],
        }
        .template(helm)
        .expect_err("a refusal")
    };
    for (name, release, given, says) in [
        (
            "instance",
            "2.2.0",
            json!({}),
            "The release must be called prismk7mq2x9dr4ht",
        ),
        (
            NAMESPACE,
            "2.1.0",
            json!({"release": {"registry": "neoprism"}}),
            "cannot speak to NeoPRISM",
        ),
        (
            NAMESPACE,
            "2.2.0",
            json!({"registryNode": {"ledger": "cardano"}}),
            "names the shared",
        ),
        (
            NAMESPACE,
            "2.2.0",
            json!({"release": {"secretStorage": "vault"}}),
            "names the Vault",
        ),
        (
            NAMESPACE,
            "2.2.0",
            json!({"dns": {"mode": "endpoint"}}),
            "names the load balancer",
        ),
        (
            NAMESPACE,
            "2.2.0",
            json!({"agent": {"replica": 2}}),
            "replica",
        ),
        (
            NAMESPACE,
            "2.2.0",
            json!({"agent": {"env": {"API_KEY_ENABLED": false}}}),
            "API_KEY_ENABLED",
        ),
        (NAMESPACE, "2.2.0", json!({"runAs": {"user": 0}}), "user"),
    ] {
        let why = refused(name, release, given);
        assert!(why.contains(says), "{says}: {why}");
    }
}

#[test]
fn helm_has_nothing_against_any_release() {
    let Some(helm) = helm() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = values(folder.path(), "identity", &identity(ID));
    for release in super::catalogue() {
        let path = format!(
            "deploy/charts/prism-instance/releases/{}.yaml",
            release.version
        );
        let files = [tree::root().join(path), file.clone()];
        let call = Call {
            chart: "prism-instance",
            name: NAMESPACE,
            namespace: NAMESPACE,
            files: &files,
            kinds: &[],
        };
        let said = call
            .lint(helm)
            .unwrap_or_else(|why| panic!("{}: {why}", release.version));
        assert!(
            said.contains("0 chart(s) failed") && !said.contains("[WARNING]"),
            "{said}"
        );
    }
}
