//! From an Application's sources to the values that the chart is rendered with.
//!
//! Values win as in Helm: the chart's own, value files in their order (among them the release's file of
//! the chart, `releases/<version>.yaml`), `values`, `valuesObject`, `parameters`.
//! A file that is missing is passed over where the Application says so; one that cannot be read or is
//! not a map is an error of the comparison.

use super::chart;
use crate::cluster::Cluster;
use crate::fault::{ClusterFault, Fault};
use crate::object;
use serde_json::{Value, json};
use std::path::{Component, Path, PathBuf};

/// What an Application deploys.
pub struct Plan {
    pub application: String,
    pub application_namespace: String,
    pub namespace: String,
    /// Of the release, as the values have it.
    pub version: String,
    /// The effective values, the chart's defaults among them.
    pub values: Value,
    pub revisions: Vec<String>,
    /// Changes whenever anything that is rendered could.
    pub hash: u64,
}

impl Plan {
    /// A text of the effective values.
    pub fn text(&self, pointer: &str) -> &str {
        object::text_or_empty(&self.values, pointer)
    }

    /// One of the effective values; null where there is none.
    pub fn at(&self, pointer: &str) -> &Value {
        self.values.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// Whether a switch of the effective values is on.
    pub fn is(&self, pointer: &str) -> bool {
        *self.at(pointer) == Value::Bool(true)
    }

    /// The first two numbers of the release's version.
    pub fn minor(&self) -> (u64, u64) {
        let mut numbers = self
            .version
            .split('.')
            .map(|part| part.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }

    /// What an instance gets whose Application says no more than a release and some values.
    pub fn of_values(version: &str, values: &Value) -> Self {
        let mut all = chart::defaults().clone();
        merge(&mut all, chart::release(version).unwrap_or(&Value::Null));
        merge(&mut all, values);
        let namespace = format!("prism{}", object::text_or_empty(&all, "/instance/id"));
        Self {
            application: namespace.clone(),
            application_namespace: crate::cluster::APPLICATIONS.to_owned(),
            namespace,
            version: version.to_owned(),
            values: all,
            revisions: Vec::new(),
            hash: 0,
        }
    }
}

/// Reads the sources; the error is the message of a `ComparisonError`.
pub fn plan(cluster: &Cluster, application: &Value) -> Result<Plan, String> {
    let namespace = object::text_or_empty(application, "/spec/destination/namespace").to_owned();
    let sources = sources(application);
    let count = sources.len();
    let chart = sources
        .iter()
        .position(|source| source.get("helm").is_some() || source.get("path").is_some())
        .unwrap_or(0);
    let broken = |why: &str| {
        format!(
            "Failed to load target state: failed to generate manifest for source {} of {count}: rpc \
             error: code = Unknown desc = {why}",
            chart + 1
        )
    };
    let empty = Value::Null;
    let helm = sources.get(chart).map_or(&empty, |source| &source["helm"]);
    let name = object::text(helm, "/releaseName").unwrap_or(object::name(application));
    let Effective { values, content } =
        effective(cluster, &sources, helm, name).map_err(|why| broken(&why))?;
    if cluster.faults.has(&namespace, Fault::ChartBroken) {
        return Err(broken(&template(
            name,
            "template: prism-instance/templates/agent.yaml:42:18: executing \
             \"prism-instance/templates/agent.yaml\" at <.Values.agent.resources.limits>: nil pointer \
             evaluating interface {}.limits",
        )));
    }
    let version = object::text_or_empty(&values, "/release/version").to_owned();
    if let Some(why) = wanting(&values, &version) {
        let line = format!("execution error at (prism-instance/templates/{why}");
        return Err(broken(&template(name, &line)));
    }
    let revisions = revisions(&sources, chart, &content);
    let text = format!("{}{values}{revisions:?}{version}", application["spec"]);
    Ok(Plan {
        application: object::name(application).to_owned(),
        application_namespace: object::namespace(application).to_owned(),
        namespace,
        version,
        values,
        revisions,
        hash: crate::store::digest(&text, 6),
    })
}

/// What the value files and the values of an Application come to.
struct Effective {
    values: Value,
    /// The text of every override file.
    content: String,
}

fn effective(
    cluster: &Cluster,
    sources: &[Value],
    helm: &Value,
    name: &str,
) -> Result<Effective, String> {
    let mut made = Effective {
        values: chart::defaults().clone(),
        content: String::new(),
    };
    let files = helm["valueFiles"].as_array().into_iter().flatten();
    for file in files.filter_map(Value::as_str) {
        let Some(path) = file.strip_prefix('$') else {
            let found = match release(file) {
                Some(version) => released(cluster, version, file)?,
                None => None,
            };
            match found {
                Some(values) => merge(&mut made.values, &values),
                None if helm["ignoreMissingValueFiles"] == true => {}
                None => {
                    let why = format!("open {file}: no such file or directory");
                    return Err(template(name, &why));
                }
            }
            continue;
        };
        match referenced(cluster, sources, path)? {
            Some(text) => {
                merge(&mut made.values, &parsed(&text, file)?);
                made.content.push_str(&text);
            }
            None if helm["ignoreMissingValueFiles"] == true => {}
            None => {
                let why = format!("open {file}: no such file or directory");
                return Err(template(name, &why));
            }
        }
    }
    if let Some(text) = object::text(helm, "/values") {
        merge(&mut made.values, &parsed(text, "values")?);
    }
    merge(&mut made.values, &helm["valuesObject"]);
    parameters(&mut made.values, helm);
    Ok(made)
}

fn template(name: &str, why: &str) -> String {
    format!(
        "Manifest generation error (cached): failed to execute helm template command: `helm template \
         . --name-template {name} --include-crds` failed exit status 1: Error: {why}"
    )
}

fn sources(application: &Value) -> Vec<Value> {
    match application["spec"]["sources"].as_array() {
        Some(list) if !list.is_empty() => list.clone(),
        _ => application["spec"]
            .get("source")
            .cloned()
            .into_iter()
            .collect(),
    }
}

/// A file of a referenced source, read from the cluster's own folder.
fn referenced(cluster: &Cluster, sources: &[Value], path: &str) -> Result<Option<String>, String> {
    let (reference, file) = path.split_once('/').unwrap_or((path, ""));
    let source = sources
        .iter()
        .find(|source| source["ref"] == reference)
        .ok_or_else(|| {
            format!("source referenced \"{reference}\", which is not one of the available sources")
        })?;
    if cluster
        .faults
        .cluster()
        .contains(&ClusterFault::OverridesUnreachable)
    {
        let url = object::text_or_empty(source, "/repoURL");
        return Err(format!(
            "failed to get git client for repo {url}: failed to list refs: Get \
             \"{url}/info/refs?service=git-upload-pack\": dial tcp: i/o timeout"
        ));
    }
    let inside: PathBuf = Path::new(file)
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect();
    match std::fs::read_to_string(cluster.dir.join(inside)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("failed to read {file}: {error}")),
    }
}

fn parsed(text: &str, file: &str) -> Result<Value, String> {
    let value: Value = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.to_string();
        format!(
            "failed to parse {file}: error converting YAML to JSON: {}",
            line.lines().next().unwrap_or("")
        )
    })?;
    if value.is_object() || value.is_null() {
        return Ok(value);
    }
    let found = if value.is_array() { "array" } else { "string" };
    Err(format!(
        "failed to parse {file}: error unmarshaling JSON: json: cannot unmarshal {found} into Go value \
         of type map[string]interface {{}}"
    ))
}

/// The version that a value file names.
fn release(file: &str) -> Option<&str> {
    let (folder, name) = file.rsplit_once('/')?;
    folder
        .ends_with("releases")
        .then(|| name.strip_suffix(".yaml"))
        .flatten()
}

/// What the chart sets for a release; a cluster's folder may hold releases that the chart does not.
fn released(cluster: &Cluster, version: &str, file: &str) -> Result<Option<Value>, String> {
    if let Some(values) = chart::release(version) {
        return Ok(Some(values.clone()));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    if !version.chars().all(plain) {
        return Ok(None);
    }
    let folder = cluster.dir.join("releases");
    match std::fs::read_to_string(folder.join(format!("{version}.yaml"))) {
        Ok(text) => parsed(&text, file).map(Some),
        Err(_) => Ok(None),
    }
}

/// What the templates require and the values do not have, and where they say so.
fn wanting(values: &Value, version: &str) -> Option<String> {
    if version.is_empty() {
        return Some("agent.yaml:1:4): release.version comes from the release".to_owned());
    }
    let images = [
        ("agent", "agent"),
        ("enterprise-agent", "enterpriseAgent"),
        ("registry-node", "registryNode"),
    ];
    let (template, key) = images.into_iter().find(|(_, key)| {
        let wished = *key != "enterpriseAgent" || values["enterpriseAgent"]["enabled"] == true;
        wished && values["images"][key].as_str().is_none_or(str::is_empty)
    })?;
    Some(format!(
        "{template}.yaml:20:20): images.{key} comes from the release"
    ))
}

/// Lays values over others as Helm does: maps are merged, null removes.
fn merge(into: &mut Value, from: &Value) {
    if from.is_object() {
        json_patch::merge(into, from);
    }
}

fn parameters(values: &mut Value, helm: &Value) {
    for parameter in helm["parameters"].as_array().into_iter().flatten() {
        let path: Vec<&str> = object::text_or_empty(parameter, "/name")
            .split('.')
            .collect();
        let text = object::text_or_empty(parameter, "/value");
        let value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
        if parameter["forceString"] == true {
            object::set(values, &path, json!(text));
        } else {
            object::set(values, &path, value);
        }
    }
}

/// A commit per source; the overrides' commit changes with their content.
fn revisions(sources: &[Value], chart: usize, content: &str) -> Vec<String> {
    sources
        .iter()
        .enumerate()
        .map(|(index, source)| {
            let mut text = format!("{}{}", source["repoURL"], source["targetRevision"]);
            if index != chart {
                text.push_str(content);
            }
            let part = |salt| crate::store::digest(&text, salt);
            format!(
                "{:016x}{:016x}{:08x}",
                part(7),
                part(8),
                part(9) & 0xffff_ffff
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_the_name_of_its_value_file() {
        assert_eq!(release("releases/2.1.0.yaml"), Some("2.1.0"));
        assert_eq!(release("chart/releases/2.1.0.yaml"), Some("2.1.0"));
        assert_eq!(release("$overrides/overrides/x.yaml"), None);
    }

    #[test]
    fn values_lie_over_the_release_and_the_release_over_the_chart() {
        let given = json!({"instance": {"id": "x"}, "agent": {"replicas": 3}});
        let plan = Plan::of_values("1.14.0", &given);
        assert_eq!(plan.at("/agent/replicas"), 3);
        assert_eq!(plan.at("/enterpriseAgent/replicas"), 1);
        assert_eq!(plan.at("/release/databases/1"), "castor");
        assert!(plan.is("/networkPolicy/enabled") && !plan.is("/hibernated"));
        assert_eq!((plan.minor(), plan.namespace.as_str()), ((1, 14), "prismx"));
        assert_eq!(wanting(&plan.values, &plan.version), None);
        let mut bare = plan.values;
        bare["images"]["agent"] = json!("");
        assert!(wanting(&bare, "1.14.0").unwrap().contains("images.agent"));
        assert!(wanting(&bare, "").unwrap().contains("release.version"));
    }

    #[test]
    fn an_override_file_is_a_map_or_nothing() {
        assert_eq!(
            parsed("agent:\n  replicas: 3\n", "f").unwrap()["agent"]["replicas"],
            3
        );
        assert!(parsed("", "f").unwrap().is_null());
        assert!(
            parsed("- a\n", "f")
                .unwrap_err()
                .contains("cannot unmarshal array")
        );
        assert!(
            parsed("a: [", "f")
                .unwrap_err()
                .contains("error converting YAML")
        );
    }
}
