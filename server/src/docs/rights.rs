//! The rights on a cluster, for the chart: one list of RBAC rules for each place where they hold, from the
//! same table that the check of a cluster asks about. The chart makes roles of them.

use std::fmt::Write as _;

use cluster::Scope;

/// The lists and the places they are for.
const PLACES: [(&str, Scope, &str); 4] = [
    (
        "everywhere",
        Scope::Everywhere,
        "In every namespace, or for a kind without one.",
    ),
    (
        "applications",
        Scope::Applications,
        "In the namespace of the Applications.",
    ),
    ("argocd", Scope::ArgoCd, "In Argo CD's own namespace."),
    ("gateway", Scope::Gateway, "In the gateway's namespace."),
];

/// Every right, as `deploy/charts/control-plane/files/rights.yaml`.
#[must_use]
pub fn rights() -> String {
    let mut out = String::from("# Printed by `hosted-instances docs rights`; do not edit.\n");
    let rules = cluster::rules();
    for (name, scope, meaning) in PLACES {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n# {meaning}\n{name}:\n");
        for rule in rules.iter().filter(|rule| rule.scope == scope) {
            let _ = writeln!(
                out,
                "  - apiGroups: [\"{}\"]\n    resources: [{}]\n    verbs: [{}]",
                rule.group,
                rule.resource,
                rule.verbs.join(", ")
            );
        }
    }
    out
}
