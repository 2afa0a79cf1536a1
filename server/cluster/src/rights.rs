//! The rights that this crate uses, as one table: the check asks the API for each of them and the
//! printed role grants exactly them, so that neither can fall behind the code.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use model::cluster::Replicas;
use std::fmt::Write as _;

/// Where a right is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In every namespace, or for a kind without one.
    Everywhere,
    /// In the namespace of the Applications.
    Applications,
    /// In Argo CD's own namespace.
    ArgoCd,
    /// In the gateway's namespace, where its pods are reached through the Kubernetes API.
    Gateway,
}

/// One row: what may be done with which resource, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// API group; empty for the core.
    pub group: &'static str,
    /// Plural name.
    pub resource: &'static str,
    /// What is done with it.
    pub verbs: &'static [&'static str],
    /// Where.
    pub scope: Scope,
}

const fn rule(
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    scope: Scope,
) -> Rule {
    Rule {
        group,
        resource,
        verbs,
        scope,
    }
}

const SEE: &[&str] = &["list", "watch"];
const OWN: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];

/// Creating is named beside patching, since a server-side apply of what is not there creates.
const RULES: &[Rule] = &[
    rule("", "namespaces", OWN, Scope::Everywhere),
    rule(
        "",
        "resourcequotas",
        &["create", "patch"],
        Scope::Everywhere,
    ),
    rule(
        "",
        "secrets",
        &["create", "patch", "delete"],
        Scope::Everywhere,
    ),
    rule("", "pods", SEE, Scope::Everywhere),
    rule("", "persistentvolumeclaims", SEE, Scope::Everywhere),
    rule("", "events", SEE, Scope::Everywhere),
    rule("apps", "deployments", SEE, Scope::Everywhere),
    rule("apps", "statefulsets", SEE, Scope::Everywhere),
    rule(
        "apisix.apache.org",
        "apisixpluginconfigs",
        &["get", "list", "watch", "create", "patch"],
        Scope::Everywhere,
    ),
    rule(
        "apisix.apache.org",
        "apisixconsumers",
        &["list", "create", "patch", "delete"],
        Scope::Everywhere,
    ),
    rule(
        "apisix.apache.org",
        "apisixroutes",
        &["list"],
        Scope::Everywhere,
    ),
    rule(
        "apisix.apache.org",
        "apisixtlses",
        &["list"],
        Scope::Everywhere,
    ),
    rule(
        "external-secrets.io",
        "externalsecrets",
        &["list", "watch", "create", "patch", "delete"],
        Scope::Everywhere,
    ),
    rule("cert-manager.io", "certificates", SEE, Scope::Everywhere),
    rule("acid.zalan.do", "postgresqls", SEE, Scope::Everywhere),
    rule("argoproj.io", "applications", OWN, Scope::Applications),
    rule("argoproj.io", "appprojects", &["get"], Scope::ArgoCd),
    // A keyed route that takes no GET is asked by its own method, which the proxy calls creating.
    rule("", "pods/proxy", &["get", "create"], Scope::Gateway),
];

/// The rights that the control plane uses on a cluster.
#[must_use]
pub fn rules() -> Vec<Rule> {
    RULES.to_vec()
}

/// The questions that ask an API for the rights of one row, each with its verb.
pub fn reviews(
    rule: &Rule,
    namespace: Option<&str>,
) -> Vec<(&'static str, SelfSubjectAccessReview)> {
    let (resource, part) = match rule.resource.split_once('/') {
        Some((resource, part)) => (resource, Some(part)),
        None => (rule.resource, None),
    };
    let review = |verb: &'static str| {
        let resource = ResourceAttributes {
            group: Some(rule.group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource: part.map(str::to_owned),
            verb: Some(verb.to_owned()),
            namespace: namespace.map(str::to_owned),
            ..ResourceAttributes::default()
        };
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(resource),
            ..SelfSubjectAccessReviewSpec::default()
        };
        (
            verb,
            SelfSubjectAccessReview {
                spec,
                ..SelfSubjectAccessReview::default()
            },
        )
    };
    rule.verbs.iter().copied().map(review).collect()
}

/// The roles that grant exactly these rights, as YAML for `kubectl apply -f -`; they are bound to the
/// service account `hosted-instances` in the namespace of that name. The gateway's is taken to run in
/// its usual namespace; [`print_roles`] takes another.
#[must_use]
pub fn print_rbac(application_namespace: &str, argocd_namespace: &str) -> String {
    match Replicas::default() {
        Replicas::Pods { namespace, .. } => {
            print_roles(application_namespace, argocd_namespace, Some(&namespace))
        }
        Replicas::Addresses { .. } => print_roles(application_namespace, argocd_namespace, None),
    }
}

/// The same for a gateway in this namespace; none when its replicas are not reached through the
/// Kubernetes API.
#[must_use]
pub fn print_roles(
    application_namespace: &str,
    argocd_namespace: &str,
    gateway_namespace: Option<&str>,
) -> String {
    let inside = |name: &str, namespace: &str, scope: Scope| {
        let name = format!("hosted-instances-{name}");
        role("Role", &name, Some(namespace), scope)
    };
    let everywhere = role("ClusterRole", "hosted-instances", None, Scope::Everywhere);
    let applications = inside("applications", application_namespace, Scope::Applications);
    let argocd = inside("project", argocd_namespace, Scope::ArgoCd);
    let gateway = gateway_namespace.map(|it| inside("gateway", it, Scope::Gateway));
    [
        everywhere,
        applications,
        argocd,
        gateway.unwrap_or_default(),
    ]
    .concat()
}

fn role(kind: &str, name: &str, namespace: Option<&str>, scope: Scope) -> String {
    let mut text = String::new();
    let place = namespace.map_or_else(String::new, |n| format!("\n  namespace: {n}"));
    let head = "apiVersion: rbac.authorization.k8s.io/v1";
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "---\n{head}\nkind: {kind}\nmetadata:\n  name: {name}{place}\nrules:"
    );
    for rule in RULES.iter().filter(|rule| rule.scope == scope) {
        let verbs = rule.verbs.join(", ");
        let _ = writeln!(
            text,
            "- apiGroups: [\"{}\"]\n  resources: [{}]\n  verbs: [{verbs}]",
            rule.group, rule.resource
        );
    }
    let _ = writeln!(
        text,
        "---\n{head}\nkind: {kind}Binding\nmetadata:\n  name: {name}{place}\nroleRef:\n  apiGroup: \
         rbac.authorization.k8s.io\n  kind: {kind}\n  name: {name}\nsubjects:\n- kind: \
         ServiceAccount\n  name: hosted-instances\n  namespace: hosted-instances"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_read() {
        let secrets = RULES.iter().filter(|r| r.resource == "secrets");
        for verb in secrets.flat_map(|r| r.verbs) {
            assert!(!["get", "list", "watch", "*"].contains(verb), "{verb}");
        }
    }

    #[test]
    fn the_printed_roles_hold_every_rule_once() {
        let text = print_rbac("hosted-instances", "argocd");
        for rule in RULES {
            let line = format!(
                "resources: [{}]\n  verbs: [{}]",
                rule.resource,
                rule.verbs.join(", ")
            );
            assert_eq!(text.matches(&line).count(), 1, "{line}");
        }
        assert_eq!(text.matches("roleRef:").count(), 4);
        assert!(text.contains("name: hosted-instances-gateway\n  namespace: ingress-apisix\n"));
        let none = print_roles("hosted-instances", "argocd", None);
        assert!(!none.contains("pods/proxy"));
    }

    #[test]
    fn a_part_of_a_resource_is_asked_for_as_such() {
        let rule = RULES.iter().find(|r| r.resource == "pods/proxy").unwrap();
        let (verb, review) = reviews(rule, Some("edge")).remove(0);
        let asked = review.spec.resource_attributes.unwrap();
        assert_eq!(verb, "get");
        assert_eq!(asked.resource.as_deref(), Some("pods"));
        assert_eq!(asked.subresource.as_deref(), Some("proxy"));
        assert_eq!(asked.namespace.as_deref(), Some("edge"));
    }

    #[test]
    fn one_question_per_verb() {
        let asked: usize = RULES.iter().map(|r| reviews(r, None).len()).sum();
        assert_eq!(asked, RULES.iter().map(|r| r.verbs.len()).sum::<usize>());
    }
}
