//! What a person may set about a cluster, field by field. The types of `model` have checked names,
//! region and zone; here are the texts that go to Kubernetes, Argo CD and Secrets Manager.

use model::cluster::{ClusterAccess, ClusterSettings, Gateway};
use model::name::single_line;

use crate::Result;
use crate::error::Fields;

/// Most instances one cluster may be said to hold.
const MOST: u32 = 100_000;

/// Checks and trims every text of the settings.
pub(super) fn checked(mut settings: ClusterSettings) -> Result<ClusterSettings> {
    let mut fields = Fields::default();
    for (field, text) in [
        ("argocd_namespace", &mut settings.argocd_namespace),
        ("application_namespace", &mut settings.application_namespace),
        ("project", &mut settings.project),
    ] {
        label(&mut fields, field, text);
    }
    repository(&mut fields, "chart.repo_url", &mut settings.chart.repo_url);
    line(&mut fields, "chart.path", &mut settings.chart.path, 200);
    if settings.chart.path.split('/').any(|part| part == "..") {
        fields.add("chart.path", "Use a path within the repository.");
    }
    if let Some(overrides) = &mut settings.overrides {
        repository(&mut fields, "overrides.repo_url", &mut overrides.repo_url);
        line(
            &mut fields,
            "overrides.revision",
            &mut overrides.revision,
            200,
        );
    }
    gateway(&mut fields, &mut settings.gateway);
    prefix(&mut fields, &mut settings.secrets_prefix);
    role(&mut fields, "secrets_role", settings.secrets_role.as_mut());
    if settings.capacity > MOST {
        fields.add("capacity", format!("Use at most {MOST}."));
    }
    access(&mut fields, &mut settings.access);
    fields.done()?;
    Ok(settings)
}

fn gateway(fields: &mut Fields, gateway: &mut Gateway) {
    if !matches!(gateway.scheme.as_str(), "https" | "http") {
        fields.add("gateway.scheme", "Use https or http.");
    }
    if gateway.port == Some(0) {
        fields.add("gateway.port", "Use a port from 1 to 65535.");
    }
    if let Some(address) = &mut gateway.address {
        line(fields, "gateway.address", address, 200);
        if address
            .rsplit_once(':')
            .is_none_or(|(_, port)| port.parse::<u16>().is_err())
        {
            fields.add(
                "gateway.address",
                "Use host and port, such as 10.0.0.5:443.",
            );
        }
    }
}

fn access(fields: &mut Fields, access: &mut ClusterAccess) {
    match access {
        ClusterAccess::InCluster => {}
        ClusterAccess::Sandbox { name: text } | ClusterAccess::Kubeconfig { context: text } => {
            line(fields, "access", text, 200);
        }
        ClusterAccess::Eks {
            name,
            region,
            role_arn,
        } => {
            line(fields, "access.name", name, 100);
            line(fields, "access.region", region, 40);
            role(fields, "access.role_arn", role_arn.as_mut());
        }
    }
}

fn role(fields: &mut Fields, field: &str, arn: Option<&mut String>) {
    if let Some(arn) = arn {
        line(fields, field, arn, 300);
        if !arn.starts_with("arn:") {
            fields.add(field, "Use the ARN of a role, starting with arn:.");
        }
    }
}

fn line(fields: &mut Fields, field: &str, text: &mut String, max: usize) {
    match single_line(text, max) {
        Ok(checked) => *text = checked,
        Err(why) => fields.add(field, why),
    }
}

fn label(fields: &mut Fields, field: &str, text: &mut String) {
    let trimmed = text.trim();
    let bytes = trimmed.as_bytes();
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    let edge = |b: Option<&u8>| b.is_some_and(|b| *b != b'-');
    if (1..=63).contains(&bytes.len())
        && bytes.iter().all(inner)
        && edge(bytes.first())
        && edge(bytes.last())
    {
        *text = trimmed.to_owned();
    } else {
        fields.add(field, "Use 1 to 63 lower-case letters, digits and dashes.");
    }
}

fn repository(fields: &mut Fields, field: &str, text: &mut String) {
    line(fields, field, text, 500);
    let known = ["https://", "http://", "ssh://", "git@", "file://", "oci://"];
    if !known.iter().any(|start| text.starts_with(start)) {
        fields.add(
            field,
            "Use the address of a Git repository, such as https://git.example.org/charts.",
        );
    }
    if let Ok(url) = url::Url::parse(text)
        && url.password().is_some()
    {
        fields.add(
            field,
            "Leave the password out; Argo CD has credentials of its own for repositories.",
        );
    }
}

fn prefix(fields: &mut Fields, text: &mut String) {
    let trimmed = text.trim().trim_end_matches('/').to_owned();
    let fit = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    if trimmed.is_empty() || trimmed.len() > 200 || !trimmed.chars().all(fit) {
        let hint = "Use up to 200 letters, digits and the characters / _ + = . @ -.";
        fields.add("secrets_prefix", hint);
    }
    *text = trimmed;
}
