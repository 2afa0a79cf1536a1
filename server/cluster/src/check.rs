//! The check of a cluster before it is accepted, and in `doctor`: one line per question, each with what
//! was found and, where it is not as needed, what to do. It never fails itself.

use aws_sdk_secretsmanager::Client as Vault;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, PostParams};
use model::cluster::{ClusterSettings, Replicas};
use model::view::CheckLine;
use service::ports::ClusterError;

use crate::client::{call, find};
use crate::failure::Failure;
use crate::resource::{AppProject, AppProjectSpec};
use crate::rights::{Rule, Scope, reviews, rules};
use crate::secrets;
use crate::{metrics, prove};

/// Kinds that must be served: API version, plural, and what is missing without it.
const SERVED: &[(&str, &str, &str)] = &[
    ("argoproj.io/v1alpha1", "applications", "Argo CD"),
    ("argoproj.io/v1alpha1", "appprojects", "Argo CD"),
    (
        "apisix.apache.org/v2",
        "apisixpluginconfigs",
        "the APISIX ingress controller",
    ),
    (
        "apisix.apache.org/v2",
        "apisixconsumers",
        "the APISIX ingress controller",
    ),
    (
        "apisix.apache.org/v2",
        "apisixroutes",
        "the APISIX ingress controller",
    ),
    (
        "apisix.apache.org/v2",
        "apisixtlses",
        "the APISIX ingress controller",
    ),
    (
        "external-secrets.io/v1",
        "externalsecrets",
        "External Secrets 0.17 or later",
    ),
    ("cert-manager.io/v1", "certificates", "cert-manager"),
    (
        "acid.zalan.do/v1",
        "postgresqls",
        "the Zalando Postgres operator",
    ),
];

fn line(name: &str, ok: bool, detail: impl Into<String>) -> CheckLine {
    CheckLine {
        name: name.to_owned(),
        ok,
        detail: detail.into(),
    }
}

/// Everything about the cluster itself; one line when it cannot be reached at all.
pub async fn cluster(
    client: Result<&Client, &ClusterError>,
    settings: &ClusterSettings,
) -> Vec<CheckLine> {
    let client = match client {
        Ok(client) => client,
        Err(error) => return vec![line("Kubernetes API", false, format!("{error}."))],
    };
    let version = match call(|| client.apiserver_version()).await {
        Ok(version) => version.git_version,
        Err(failure) => {
            let detail = format!("Not reachable: {}.", failure.why());
            return vec![line("Kubernetes API", false, detail)];
        }
    };
    let mut lines = vec![line("Kubernetes API", true, format!("Answers, {version}."))];
    let (rights, kinds, space, project, replicas) = futures::join!(
        rights(client, settings),
        kinds(client),
        application_namespace(client, settings),
        project(client, settings),
        replicas(client, settings),
    );
    lines.extend(rights);
    lines.extend(kinds);
    lines.extend([space, project, replicas]);
    lines
}

async fn rights(client: &Client, settings: &ClusterSettings) -> Vec<CheckLine> {
    let rules = rules();
    let asked = rules
        .iter()
        .filter(|rule| rule.scope != Scope::Gateway || proxied(settings).is_some());
    futures::future::join_all(asked.map(|rule| right(client, settings, rule))).await
}

/// The namespace of the gateway's pods, when they are reached through the Kubernetes API.
fn proxied(settings: &ClusterSettings) -> Option<&str> {
    match &settings.gateway.replicas {
        Replicas::Pods {
            namespace,
            direct: false,
            ..
        } => Some(namespace),
        _ => None,
    }
}

async fn right(client: &Client, settings: &ClusterSettings, rule: &Rule) -> CheckLine {
    let namespace = match rule.scope {
        Scope::Everywhere => None,
        Scope::Applications => Some(settings.application_namespace.as_str()),
        Scope::ArgoCd => Some(settings.argocd_namespace.as_str()),
        Scope::Gateway => proxied(settings),
    };
    let group = if rule.group.is_empty() {
        String::new()
    } else {
        format!(".{}", rule.group)
    };
    let name = format!("Rights on {}{group}", rule.resource);
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let mut missing = Vec::new();
    for (verb, review) in reviews(rule, namespace) {
        let params = PostParams::default();
        match call(|| api.create(&params, &review)).await {
            Ok(answer) if answer.status.as_ref().is_some_and(|s| s.allowed) => {}
            Ok(_) => missing.push(verb),
            Err(failure) => {
                return line(
                    &name,
                    false,
                    format!("Could not be asked: {}.", failure.why()),
                );
            }
        }
    }
    if missing.is_empty() {
        return line(&name, true, format!("{}.", rule.verbs.join(", ")));
    }
    let place = namespace.map_or_else(String::new, |n| format!(" in {n}"));
    line(
        &name,
        false,
        format!(
            "Missing{place}: {}. Apply what `hosted-instances doctor --print-rbac` prints.",
            missing.join(", ")
        ),
    )
}

async fn kinds(client: &Client) -> Vec<CheckLine> {
    let mut versions: Vec<&str> = SERVED.iter().map(|(version, _, _)| *version).collect();
    versions.dedup();
    let asked = versions.iter().map(|version| async move {
        (
            *version,
            find(|| client.list_api_group_resources(version)).await,
        )
    });
    let answers = futures::future::join_all(asked).await;
    SERVED
        .iter()
        .map(|(version, plural, product)| {
            let name = format!("{plural}.{version}");
            let answer = answers
                .iter()
                .find(|(v, _)| v == version)
                .map(|(_, answer)| answer);
            match answer {
                Some(Ok(Some(list))) if list.resources.iter().any(|r| r.name == *plural) => {
                    line(&name, true, "Served.")
                }
                Some(Err(failure)) => line(
                    &name,
                    false,
                    format!("Could not be asked: {}.", failure.why()),
                ),
                _ => line(
                    &name,
                    false,
                    format!("Not served. Install {product} on the cluster."),
                ),
            }
        })
        .collect()
}

async fn application_namespace(client: &Client, settings: &ClusterSettings) -> CheckLine {
    let name = "Namespace of Applications";
    let wished = &settings.application_namespace;
    let api: Api<Namespace> = Api::all(client.clone());
    match find(|| api.get_metadata(wished)).await {
        Ok(Some(_)) => line(name, true, format!("{wished} exists.")),
        Ok(None) => line(name, false, format!("{wished} does not exist. Make it.")),
        Err(failure) => line(name, false, unclear(&failure)),
    }
}

async fn project(client: &Client, settings: &ClusterSettings) -> CheckLine {
    let name = "Argo CD project";
    let (wished, space) = (&settings.project, &settings.argocd_namespace);
    let api: Api<AppProject> = Api::namespaced(client.clone(), space);
    let project = match find(|| api.get(wished)).await {
        Ok(Some(project)) => project.spec,
        Ok(None) => {
            return line(
                name,
                false,
                format!("There is no AppProject {space}/{wished}. Make it."),
            );
        }
        Err(failure) => return line(name, false, unclear(&failure)),
    };
    let wrong = faults_of(&project, settings);
    if wrong.is_empty() {
        line(
            name,
            true,
            format!("{space}/{wished} admits our Applications and nothing wider."),
        )
    } else {
        line(
            name,
            false,
            format!(
                "{space}/{wished}: {}. Correct the AppProject.",
                wrong.join("; ")
            ),
        )
    }
}

/// Why a project does not serve us, or serves too much.
fn faults_of(project: &AppProjectSpec, settings: &ClusterSettings) -> Vec<String> {
    let mut wrong = Vec::new();
    let from = &settings.application_namespace;
    if !project
        .source_namespaces
        .iter()
        .any(|pattern| fits(pattern, from))
    {
        wrong.push(format!("sourceNamespaces does not admit {from}"));
    }
    if !project
        .destinations
        .iter()
        .any(|d| fits(&d.namespace, "prismk7mq2x9dr4ht"))
    {
        wrong.push("destinations does not admit namespaces prism*".to_owned());
    }
    let repositories = std::iter::once(&settings.chart.repo_url)
        .chain(settings.overrides.as_ref().map(|from| &from.repo_url));
    for repository in repositories {
        if !project
            .source_repos
            .iter()
            .any(|pattern| fits(pattern, repository))
        {
            wrong.push(format!("sourceRepos does not admit {repository}"));
        }
    }
    if let Some(open) = project
        .destinations
        .iter()
        .find(|d| fits(&d.namespace, "kube-system"))
    {
        wrong.push(format!(
            "the destination {} is wider than prism*",
            open.namespace
        ));
    }
    wrong
}

/// Whether Secrets Manager can be spoken to.
pub async fn secrets_manager(
    client: Result<&Vault, &ClusterError>,
    settings: &ClusterSettings,
) -> CheckLine {
    let name = "Secrets Manager";
    let asked = match client {
        Ok(client) => secrets::reachable(client, &settings.secrets_prefix).await,
        Err(error) => Err(error.clone()),
    };
    match asked {
        Ok(()) => line(name, true, format!("Answers in {}.", settings.region)),
        Err(error) => line(name, false, format!("{error}.")),
    }
}

/// Whether the replicas of the gateway are found and answer one by one, without which nothing can be
/// proven of a token.
async fn replicas(client: &Client, settings: &ClusterSettings) -> CheckLine {
    let name = "Replicas of the gateway";
    let asked = match prove::greet(client, settings).await {
        Ok(asked) => asked,
        Err(failure) => {
            return line(
                name,
                false,
                format!("Could not be listed: {}.", failure.why()),
            );
        }
    };
    let silent: Vec<String> = asked
        .iter()
        .filter_map(|(replica, why)| Some(format!("{replica}: {}", why.as_ref()?)))
        .collect();
    let found = asked.len();
    let answered = found - silent.len();
    if found == 0 {
        let detail = "None found. Correct the namespace and label of its pods in the settings, or name \
                      their addresses.";
        return line(name, false, detail);
    }
    if silent.is_empty() {
        return line(name, true, format!("{found} found, all of them answer."));
    }
    line(
        name,
        false,
        format!("{answered} of {found} answer. {}.", silent.join("; ")),
    )
}

/// Whether the use of tokens can be told.
pub async fn prometheus(settings: &ClusterSettings) -> CheckLine {
    let name = "Prometheus";
    let Some(url) = &settings.gateway.prometheus_url else {
        return line(
            name,
            true,
            "Not set; how often tokens are used is not shown.",
        );
    };
    match metrics::usage(url).await {
        Ok(usage) => line(
            name,
            true,
            format!("Answers, {} consumers counted.", usage.len()),
        ),
        Err(error) => line(name, false, format!("{error}.")),
    }
}

fn unclear(failure: &Failure) -> String {
    format!("Could not be read: {}.", failure.why())
}

/// Whether a text fits a pattern with `*`, as Argo CD's projects use it.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(head) else {
        return false;
    };
    (0..=rest.len())
        .filter(|at| rest.is_char_boundary(*at))
        .any(|at| fits(tail, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_globs() {
        for (pattern, text, fit) in [
            ("prism*", "prismk7", true),
            ("prism*", "argocd", false),
            ("*", "anything", true),
            ("https://*.org/*", "https://git.example.org/chart.git", true),
            ("a", "ab", false),
            ("*b", "ab", true),
            ("*b", "abc", false),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
        }
    }
}
