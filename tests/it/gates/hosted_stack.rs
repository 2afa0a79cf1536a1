//! The map of the hosted stack holds against the tree: every component of the system's description is in it,
//! every file it names exists, every check it names is there to be run, every cause is in the catalogue.

use std::collections::BTreeSet;

use model::cause::CauseCode;

use super::tree;

/// The components, as the description of the system names them.
const COMPONENTS: [&str; 38] = [
    "EC2 Instances",
    "Elastic Block Storage",
    "Virtual Private Network",
    "Network Gateway",
    "Network Load Balancer",
    "Application Load Balancer",
    "Secrets Manager",
    "Route53 DNS",
    "Elastic Kubernetes Service",
    "Terraform",
    "Helm",
    "GitHub",
    "External DNS",
    "Cert Manager",
    "Let's Encrypt",
    "ArgoCD",
    "External Secrets",
    "Postgres Operator",
    "Cluster Autoscaler",
    "APISIX",
    "APISIX Ingress Controller",
    "Etcd",
    "Teleport",
    "CoreDNS",
    "Grafana",
    "Prometheus",
    "Loki",
    "Promtail",
    "Persistent volumes",
    "Relational storage",
    "Flyway",
    "pollux",
    "castor",
    "connect",
    "agent",
    "prism",
    "enterprise-services",
    "Cardano",
];

struct Row {
    name: String,
    configured: String,
    used: String,
    proven: String,
    breaks: String,
}

fn document() -> String {
    std::fs::read_to_string(tree::root().join("docs/hosted-stack.md"))
        .expect("docs/hosted-stack.md")
}

/// Rows of every table with five columns whose first is "Component".
fn rows() -> Vec<Row> {
    let (mut found, mut inside) = (Vec::new(), false);
    for line in document().lines() {
        let cells: Vec<&str> = line
            .trim()
            .trim_matches('|')
            .split(" | ")
            .map(str::trim)
            .collect();
        match cells.as_slice() {
            ["Component", _, _, _, _] => inside = true,
            [name, configured, used, proven, breaks] if inside && line.starts_with('|') => {
                let own = |cell: &str| cell.to_owned();
                found.push(Row {
                    name: own(name),
                    configured: own(configured),
                    used: own(used),
                    proven: own(proven),
                    breaks: own(breaks),
                });
            }
            _ if line.starts_with("|--") || line.starts_with("| -") => {}
            _ => inside = false,
        }
    }
    found
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_component_of_the_description_has_its_row() {
    let rows = rows();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    for component in COMPONENTS {
        assert!(names.contains(component), "{component} has no row");
    }
    assert_eq!(names.len(), rows.len(), "a component has two rows");
    for row in &rows {
        assert!(
            row.used.len() > 20,
            "{}: how an instance uses it is not said",
            row.name
        );
    }
}

#[test]
fn every_file_that_the_map_names_exists() {
    for row in rows() {
        let paths = quoted(&row.configured);
        assert!(
            !paths.is_empty(),
            "{}: where it is configured is not said",
            row.name
        );
        for path in paths {
            assert!(
                tree::root().join(&path).exists(),
                "{}: {path} does not exist",
                row.name
            );
        }
    }
    // Links of the text, the drawings among them.
    let text = document();
    for link in text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
    {
        let local = !link.starts_with("http") && !link.starts_with('#');
        assert!(
            !local || tree::root().join("docs").join(link).exists(),
            "{link} does not exist"
        );
    }
}

#[test]
fn every_check_that_the_map_names_is_there_to_be_run() {
    let code: Vec<tree::File> = tree::rust();
    for row in rows() {
        let checks = quoted(&row.proven);
        assert!(
            !checks.is_empty(),
            "{}: which check proves it is not said",
            row.name
        );
        for check in checks {
            // A command is one to be typed; everything else is the name of a test.
            if [
                "terraform ",
                "kubectl ",
                "hosted-instances ",
                "cargo ",
                "helm ",
            ]
            .iter()
            .any(|it| check.starts_with(it))
            {
                continue;
            }
            let needle = format!("fn {check}(");
            assert!(
                code.iter().any(|file| file.text.contains(&needle)),
                "{}: there is no test {check}",
                row.name
            );
        }
    }
}

#[test]
fn every_cause_that_the_map_names_is_in_the_catalogue() {
    let mut told = BTreeSet::new();
    for row in rows() {
        let causes = quoted(&row.breaks);
        assert!(
            !causes.is_empty() || row.breaks.starts_with("Nothing"),
            "{}: what the console shows is not said",
            row.name
        );
        for cause in causes {
            assert!(
                CauseCode::parse(&cause).is_some(),
                "{}: there is no cause {cause}",
                row.name
            );
            told.insert(cause);
        }
    }
    assert!(told.len() >= 10, "{told:?}");
}
