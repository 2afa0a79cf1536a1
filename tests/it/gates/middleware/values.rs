//! Values that something else relies on: the control plane on how the gateway runs and what Argo CD says, the
//! tenants on what lies encrypted, the operators on what survives a mistake.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::files::{text, yaml};

/// One value of a component's base.
fn value(component: &str, path: &str) -> Value {
    yaml(&format!("values/base/{component}.yaml"))
        .pointer(path)
        .cloned()
        .unwrap_or_default()
}

fn apisix(path: &str) -> Value {
    value("apisix", &format!("/apisix/fullCustomConfig/config{path}"))
}

#[test]
fn the_gateway_is_as_the_proof_of_a_revocation_needs_it() {
    // Counted by the proof, and so a number.
    assert!(apisix("/nginx_config/worker_processes").is_u64());
    // Found by label and namespace; the label is the chart's as long as nothing renames it.
    assert_eq!(value("apisix", "/nameOverride"), Value::Null);
    assert_eq!(
        yaml("applications/templates/apisix.yaml")["spec"]["destination"]["namespace"],
        "ingress-apisix"
    );
    assert!(value("apisix", "/replicaCount").as_u64() >= Some(2));
    let plugins = apisix("/plugins");
    let plugins: BTreeSet<&str> = plugins
        .as_array()
        .expect("plugins")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    // Of the gate, of the routes of an instance, and of the metrics.
    for needed in [
        "key-auth",
        "consumer-restriction",
        "response-rewrite",
        "proxy-rewrite",
        "request-id",
        "uri-blocker",
        "cors",
        "redirect",
        "prometheus",
    ] {
        assert!(plugins.contains(needed), "{needed}");
    }
    // A route that could run code could read every key.
    for refused in [
        "serverless-pre-function",
        "serverless-post-function",
        "ext-plugin-pre-req",
        "inspect",
    ] {
        assert!(!plugins.contains(refused), "{refused}");
    }
}

#[test]
fn routes_of_the_chart_use_plugins_that_the_gateway_has() {
    let plugins = apisix("/plugins");
    let has = |name: &str| {
        plugins
            .as_array()
            .expect("plugins")
            .iter()
            .any(|it| it == name)
    };
    let mut used = BTreeSet::new();
    for file in super::super::tree::files() {
        if file
            .path
            .starts_with("deploy/charts/prism-instance/templates/")
        {
            for rest in file.text.split("- {name: ").skip(1) {
                let (name, rest) = rest.split_at(rest.find([',', '}']).unwrap_or(0));
                if rest.starts_with(", enable: true") {
                    used.insert(name.to_owned());
                }
            }
        }
    }
    assert!(!used.is_empty());
    let missing: Vec<&String> = used.iter().filter(|name| !has(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn no_key_of_the_gateway_is_public_knowledge() {
    assert_eq!(
        apisix("/apisix/data_encryption/keyring"),
        json!(["${{APISIX_KEYRING}}"])
    );
    assert_eq!(
        apisix("/apisix/data_encryption/enable_encrypt_fields"),
        true
    );
    assert_eq!(apisix("/deployment/admin/admin_key_required"), true);
    let keys = apisix("/deployment/admin/admin_key");
    assert_eq!(
        keys,
        json!([{"name": "admin", "role": "admin", "key": "${{APISIX_ADMIN_KEY}}"}])
    );
    for variable in value("apisix", "/extraEnvVars")
        .as_array()
        .expect("variables")
    {
        assert!(
            variable["valueFrom"]["secretKeyRef"]["name"].is_string(),
            "{variable}"
        );
    }
    // The chart's defaults are taken out by name: a value that is left out is filled in with them.
    for path in [
        "/apisix/admin/credentials/admin",
        "/apisix/admin/credentials/viewer",
    ] {
        assert!(
            text("values/base/apisix.yaml").contains("admin: null, viewer: null"),
            "{path}"
        );
        assert_eq!(value("apisix", path), Value::Null);
    }
    let auth = value(
        "apisix-ingress-controller",
        "/gatewayProxy/provider/controlPlane/auth/adminKey",
    );
    assert_eq!(auth["value"], Value::Null);
    assert_eq!(auth["valueFrom"]["secretKeyRef"]["name"], "apisix-admin");
    assert!(text("values/base/apisix-ingress-controller.yaml").contains("value: null"));
}

#[test]
fn tls_is_strong_on_every_leg() {
    let protocols = apisix("/apisix/ssl/ssl_protocols");
    assert_eq!(protocols, "TLSv1.2 TLSv1.3");
    for cipher in apisix("/apisix/ssl/ssl_ciphers")
        .as_str()
        .expect("ciphers")
        .split(':')
    {
        let authenticated = cipher.contains("GCM") || cipher.contains("POLY1305");
        assert!(cipher.starts_with("ECDHE-") && authenticated, "{cipher}");
    }
    assert_eq!(apisix("/apisix/ssl/ssl_session_tickets"), false);
    for host in apisix("/deployment/etcd/host").as_array().expect("hosts") {
        assert!(
            host.as_str().is_some_and(|it| it.starts_with("https://")),
            "{host}"
        );
    }
    assert_eq!(apisix("/deployment/etcd/tls/verify"), true);
    let members = text("config/apisix-etcd/templates/members.yaml");
    for flag in [
        "--client-cert-auth",
        "--peer-client-cert-auth",
        "--listen-client-urls=https://",
    ] {
        assert!(members.contains(flag), "{flag}");
    }
}

#[test]
fn argo_cd_is_as_the_control_plane_needs_it() {
    let parameter =
        |name: &str| yaml("values/base/argo-cd.yaml")["configs"]["params"][name].clone();
    assert_eq!(parameter("application.namespaces"), "hosted-instances");
    assert_eq!(parameter("controller.resource.health.persist"), "true");
    // A thousand instances.
    assert_eq!(parameter("controller.status.processors"), "50");
    assert_eq!(parameter("controller.operation.processors"), "25");
    let env = value("argo-cd", "/controller/env");
    assert_eq!(
        env[0],
        json!({"name": "ARGOCD_K8S_CLIENT_QPS", "value": "150"})
    );
    assert_eq!(
        env[1],
        json!({"name": "ARGOCD_K8S_CLIENT_BURST", "value": "300"})
    );
    assert_eq!(
        value("argo-cd", "/configs/cm/timeout.reconciliation"),
        "120s"
    );
    assert_eq!(value("argo-cd", "/configs/cm/admin.enabled"), "false");
}

#[test]
fn argo_cd_knows_the_health_of_every_kind_that_the_chart_renders() {
    let settings = yaml("values/base/argo-cd.yaml")["configs"]["cm"].clone();
    let check = |kind: &str| {
        settings[format!("resource.customizations.health.{kind}")]
            .as_str()
            .map(str::to_owned)
    };
    let route = check("apisix.apache.org_ApisixRoute").expect("a check of routes");
    for condition in ["Accepted", "ResourcesAvailable", "observedGeneration"] {
        assert!(route.contains(condition), "{condition}");
    }
    for kind in [
        "ApisixTls",
        "ApisixConsumer",
        "ApisixUpstream",
        "ApisixGlobalRule",
    ] {
        assert_eq!(
            check(&format!("apisix.apache.org_{kind}")).as_ref(),
            Some(&route),
            "{kind}"
        );
    }
    for kind in [
        "apisix.apache.org_ApisixPluginConfig",
        "externaldns.k8s.io_DNSEndpoint",
        "argoproj.io_Application",
    ] {
        assert!(
            check(kind).is_some_and(|lua| lua.contains("return")),
            "{kind}"
        );
    }
}

#[test]
fn instances_read_their_own_entries_and_the_middleware_none_of_them() {
    let stores: Vec<Value> = serde_saphyr::from_multiple(&text(
        "config/external-secrets-stores/templates/stores.yaml",
    ))
    .expect("stores");
    let of = |name: &str| {
        let found = stores.iter().find(|it| it["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no store {name}"))["spec"].clone()
    };
    let instances = of("aws-secrets-manager");
    assert_eq!(instances["provider"]["aws"]["sessionTagsPolicy"], "Simple");
    assert_eq!(
        instances["provider"]["aws"]["role"],
        "{{ .Values.instanceRole }}"
    );
    assert_eq!(
        instances["conditions"],
        json!([{"namespaceRegexes": ["^prism[a-z][a-z0-9]{11}$"]}])
    );
    let middleware = of("middleware-secrets");
    assert!(middleware["provider"]["aws"]["role"].is_null());
    let namespaces = middleware["conditions"][0]["namespaces"]
        .as_array()
        .expect("namespaces")
        .clone();
    assert!(
        namespaces
            .iter()
            .all(|it| !it.as_str().expect("a name").starts_with("prism"))
    );
}

#[test]
fn data_survives_the_mistakes_that_are_easily_made() {
    assert_eq!(
        value(
            "postgres-operator",
            "/configKubernetes/enable_persistent_volume_claim_deletion"
        ),
        false
    );
    assert_eq!(
        value(
            "postgres-operator",
            "/configKubernetes/pod_antiaffinity_topology_key"
        ),
        "topology.kubernetes.io/zone"
    );
    assert_eq!(value("cert-manager", "/crds/keep"), true);
    assert_eq!(value("argo-cd", "/crds/keep"), true);
    assert_eq!(
        yaml("bootstrap/templates/root.yaml")["spec"]["syncPolicy"]["automated"]["prune"],
        false
    );
    let classes: Vec<Value> =
        serde_saphyr::from_multiple(&text("config/storage/templates/classes.yaml"))
            .expect("classes");
    for class in &classes {
        assert_eq!(class["parameters"]["encrypted"], "true");
        assert_eq!(class["parameters"]["type"], "gp3");
        assert_eq!(class["volumeBindingMode"], "WaitForFirstConsumer");
    }
    let members = text("config/apisix-etcd/templates/members.yaml");
    assert!(
        members.contains("replicas: 3") && members.contains("whenUnsatisfiable: DoNotSchedule")
    );
}

#[test]
fn names_of_instances_keep_the_prefix_that_external_dns_reads() {
    let prefix = value("external-dns", "/annotationPrefix");
    let prefix = prefix.as_str().expect("a prefix");
    let address = text("config/gateway/templates/address.yaml");
    for annotation in ["hostname", "target"] {
        assert!(
            address.contains(&format!("{prefix}{annotation}:")),
            "{annotation}"
        );
    }
    assert_eq!(value("external-dns", "/sources"), json!(["service", "crd"]));
    assert_eq!(value("external-dns", "/policy"), "sync");
}

#[test]
fn logs_are_shipped_without_tokens_and_found_by_instance() {
    let shipper = value("alloy", "/alloy/configMap/content");
    let shipper = shipper.as_str().expect("a configuration");
    for part in [
        "prism([a-z][a-z0-9]{11})",
        "target_label  = \"instance\"",
        "hiat)_[0-9A-Za-z]{49}",
        "loki.source.journal",
    ] {
        assert!(shipper.contains(part), "{part}");
    }
}
