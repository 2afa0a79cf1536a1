//! Clusters: the list, adding one after a check, and one of them with its settings.

use leptos::prelude::*;
use model::Timestamp;
use model::cluster::{ClusterAccess, ClusterName, Purpose};
use model::enforcement::Latency;
use model::health::HealthStatus;
use model::permission::Permission;
use model::view::{AccessOffer, CheckLine, ClusterView};

use crate::context::Caller;
use crate::pages::{Nav, Page, cluster_gateway};
use crate::ui::form::{Choice, Form, buttons, field, radios, select};
use crate::ui::health::{badge, cause};
use crate::ui::icon::{Icon, icon};
use crate::ui::layout::{count, empty, fact, grouped, header, primary, section};
use crate::ui::list::{column, number, table};
use crate::ui::time::ago;
use crate::ui::token;

const PATH: &str = "/clusters";

/// How a cluster is, in one of the five words.
#[must_use]
pub const fn status(one: &ClusterView) -> HealthStatus {
    match (one.reachable, one.cause.is_some()) {
        (Some(true), false) => HealthStatus::Healthy,
        (Some(true), true) => HealthStatus::Degraded,
        // Not reached is not known, never failed.
        (Some(false) | None, _) => HealthStatus::Unknown,
    }
}

/// How long a revocation takes, by cluster.
pub type Latencies = [(ClusterName, Latency)];

fn latency<'a>(one: &ClusterView, all: &'a Latencies) -> Option<&'a Latency> {
    all.iter()
        .find(|(name, _)| *name == one.settings.name)
        .map(|(_, latency)| latency)
}

/// The list.
pub fn list(caller: &Caller, clusters: &[ClusterView], latencies: &Latencies) -> Page {
    let add = caller
        .may(Permission::ChangeCluster, None)
        .then(|| primary("/clusters/new", "Add cluster", Icon::Plus));
    let lost = clusters
        .iter()
        .filter(|one| one.reachable == Some(false))
        .count();
    let body = if clusters.is_empty() {
        let text = "A cluster serves one region and one purpose, with its own Argo CD and gateway. Instances are placed on clusters by rule.";
        view! { {header("Clusters", "None yet.", None)}{empty("No clusters yet", text, add)} }
            .into_any()
    } else {
        let said = match lost {
            0 => format!(
                "{}, all reached.",
                count(
                    u32::try_from(clusters.len()).unwrap_or(0),
                    "cluster",
                    "clusters"
                )
            ),
            n => format!("{n} of {} cannot be reached.", clusters.len()),
        };
        let columns = [
            column("Cluster"),
            column("Health"),
            column("Purpose"),
            column("Region").wide(),
            number("Instances"),
            number("Capacity"),
            column("Revocation takes").wide(),
            column("Kubernetes").wide(),
            column("Seen").wide(),
        ];
        let rows = clusters
            .iter()
            .map(|one| row(one, latency(one, latencies), caller.now))
            .collect();
        view! { {header("Clusters", said, add)}{table("Clusters", &columns, rows, "clusters")} }
            .into_any()
    };
    Page::new(Nav::Clusters, "Clusters", body)
        .live("cluster:* instance:*")
        .wide()
}

fn row(one: &ClusterView, latency: Option<&Latency>, now: Timestamp) -> AnyView {
    let settings = &one.settings;
    let name = settings.name.to_string();
    let cordoned = settings
        .cordoned
        .then(|| view! { " "<span class="tag cordoned">"cordoned"</span> });
    view! {
        <tr data-live=format!("cluster-{name}")>
            <th scope="row"><a href=format!("{PATH}/{name}")>{name.clone()}</a>{cordoned}<span class="id">{settings.zone.to_string()}</span></th>
            <td>{badge(status(one))}</td>
            <td>{settings.purpose.as_str()}</td>
            <td class="wide-only">{settings.region.to_string()}</td>
            <td class="num">{grouped(u64::from(one.instances))}</td>
            <td class="num">{grouped(u64::from(settings.capacity))}</td>
            <td class="wide-only">{revocation(latency)}</td>
            <td class="wide-only">{one.kubernetes.clone()}</td>
            <td class="wide-only">{one.as_of.map(|seen| ago(seen, now))}</td>
        </tr>
    }
    .into_any()
}

/// How long a revocation takes, in a cell.
fn revocation(latency: Option<&Latency>) -> AnyView {
    match latency {
        Some(latency) => {
            let all = format!("Median of {} proofs of the last hour", latency.samples);
            view! { <span title=all>{token::seconds(latency.median_ms)}</span> }.into_any()
        }
        None => view! { <span class="muted">"not measured"</span> }.into_any(),
    }
}

/// Adding one; `checks` is what a check of the typed settings found, if it was made.
pub fn new(_: &Caller, offers: &[AccessOffer], checks: &[CheckLine], form: &Form) -> Page {
    let mut form = form.clone();
    for (name, value) in [
        ("purpose", "development"),
        ("argocd_namespace", "argocd"),
        ("application_namespace", "hosted-instances"),
        ("project", "hosted-instances"),
        ("chart_path", "deploy/charts/prism-instance"),
        ("overrides_revision", "main"),
        ("secrets_prefix", "hosted-instances"),
        ("capacity", "200"),
    ] {
        form.default_to(name, value);
    }
    if let Some(offer) = offers.first() {
        form.default_to("access", offer.value.clone());
    }
    let found =
        (!checks.is_empty()).then(|| section("checks", "What the check found", check_list(checks)));
    let body = view! {
        {header("Add cluster", "It is checked before it is accepted; nothing is written to it yet.", None)}
        {form.summary()}
        {found}
        <form class="form" method="post" action=PATH data-once>
            {identity(&form)}
            {access(&form, offers)}
            {placement(&form)}
            {sources(&form)}
            {gateway(&form)}
            <div class="buttons">
                <button class="button primary">"Add cluster"</button>
                <button class="button" formaction="/clusters/check">"Check only"</button>
                <a class="button quiet" href=PATH>"Cancel"</a>
            </div>
        </form>
    };
    Page::new(Nav::Clusters, "Add cluster", body.into_any())
        .under("Clusters", PATH)
        .refused_if(form.is_refused())
}

fn identity(form: &Form) -> AnyView {
    let purposes = vec![
        Choice::new("development", "Development")
            .meaning("Holds instances for building and trying."),
        Choice::new("production", "Production").meaning("Holds instances for real users."),
    ];
    view! {
        {field(form, "name", "Name").help("Lower-case letters, digits and dashes. Never changes.").mono().max(40).view()}
        {radios(form, "purpose", "Purpose", "Never changes.", purposes)}
        {field(form, "region", "Region").help("Such as eu-west-1. Never changes.").mono().max(40).view()}
        {field(form, "zone", "Zone").help("Host names of its instances end in this DNS zone. Never changes.").mono().max(200).view()}
    }
    .into_any()
}

fn access(form: &Form, offers: &[AccessOffer]) -> AnyView {
    let choices = offers
        .iter()
        .map(|offer| Choice::new(&offer.value, &offer.title))
        .collect();
    view! {
        {select(form, "access", "How its API is reached", "What this server offers: its configuration decides, nothing typed here can name a program.", choices)}
        <details class="folded" open=form.error("eks_name").is_some() || form.get("access") == "eks">
            <summary>"For EKS"</summary>
            <div class="form-part">
                {field(form, "eks_name", "Name of the EKS cluster").mono().optional().view()}
                {field(form, "eks_region", "AWS region of the EKS cluster").mono().optional().view()}
                {field(form, "eks_role_arn", "Role to assume first (ARN)").mono().optional().view()}
            </div>
        </details>
    }
    .into_any()
}

fn placement(form: &Form) -> AnyView {
    view! {
        {field(form, "capacity", "Capacity").help("Most instances it may hold.").kind("number").max(6).view()}
        {field(form, "argocd_namespace", "Namespace of Argo CD").mono().view()}
        {field(form, "application_namespace", "Namespace of the Applications").help("Not Argo CD's own: whoever may write there is Argo CD's administrator.").mono().view()}
        {field(form, "project", "AppProject").help("Fences instances into prism* namespaces.").mono().view()}
    }
    .into_any()
}

fn sources(form: &Form) -> AnyView {
    view! {
        {field(form, "chart_repo_url", "Chart repository").help("Git address as Argo CD knows it.").mono().view()}
        {field(form, "chart_path", "Folder of the chart").mono().view()}
        {field(form, "overrides_repo_url", "Override repository").help("Git address; files overrides/<id>.yaml in it are used where they exist.").mono().optional().view()}
        {field(form, "overrides_revision", "Revision of the override repository").mono().optional().view()}
        {field(form, "secrets_prefix", "Prefix in Secrets Manager").mono().view()}
        {field(form, "secrets_role", "Role for reading them").mono().help("An IAM role (ARN) that External Secrets takes to read one instance's entries. Empty where its own identity may read them.").view()}
    }
    .into_any()
}

fn gateway(form: &Form) -> AnyView {
    view! {
        <details class="folded" open=cluster_gateway::is_refused(form)>
            <summary>"Gateway and how it is asked"</summary>
            <div class="form-part">{cluster_gateway::fields(form)}</div>
        </details>
    }
    .into_any()
}

/// What a check found, line by line.
pub fn check_list(checks: &[CheckLine]) -> AnyView {
    let lines: Vec<_> = checks
        .iter()
        .map(|line| {
            let CheckLine { name, ok, detail } = line.clone();
            let (class, which, word) =
                if ok { ("check", Icon::Check, "ok") } else { ("check missing", Icon::Cross, "missing") };
            view! { <li class=class>{icon(which)}<strong><span class="sr">{word}": "</span>{name}</strong><span>{detail}</span></li> }
        })
        .collect();
    view! { <ul class="checks">{lines}</ul> }.into_any()
}

/// One cluster; `checks` is what a check that was just made found.
pub fn show(
    caller: &Caller,
    one: &ClusterView,
    latencies: &Latencies,
    checks: &[CheckLine],
    form: &Form,
) -> Page {
    let settings = &one.settings;
    let name = settings.name.to_string();
    let now = caller.now;
    let may = caller.may(Permission::ChangeCluster, None);
    let cordoned = settings
        .cordoned
        .then(|| view! { " "<span class="tag cordoned">"cordoned"</span> });
    let heading = view! { {name.clone()}" "<span class="title-badge" data-live="badge">{badge(status(one))}</span>{cordoned} };
    let room = settings.capacity.saturating_sub(one.instances);
    let purpose = match settings.purpose {
        Purpose::Development => "Development",
        Purpose::Production => "Production",
    };
    let said = format!(
        "{purpose} cluster in {} with {}, room for {} more.",
        settings.region,
        count(one.instances, "instance", "instances"),
        grouped(u64::from(room)),
    );
    let told = one
        .cause
        .as_ref()
        .map(|told| cause(status(one), one.since.unwrap_or(now), told, now));
    let found =
        (!checks.is_empty()).then(|| section("checks", "What the check found", check_list(checks)));
    let body = view! {
        {header(heading, said, None)}
        {form.summary()}
        <div class="causes" data-live="cause">{told}</div>
        {facts(one, now)}
        <p class="latency" data-live="latency">{token::latency(latency(one, latencies), now)}</p>
        {found}
        {may.then(|| change(one, form))}
    };
    Page::new(Nav::Clusters, name.clone(), body.into_any())
        .under("Clusters", PATH)
        .live(format!("cluster:{name} instance:*"))
        .lives_at(format!("{PATH}/{name}"))
        .refused_if(form.is_refused())
}

fn facts(one: &ClusterView, now: Timestamp) -> AnyView {
    let settings = &one.settings;
    let name = settings.name.to_string();
    let access = match &settings.access {
        ClusterAccess::Sandbox { name } => format!("embedded sandbox: {name}"),
        ClusterAccess::InCluster => "the cluster this server runs in".to_owned(),
        ClusterAccess::Kubeconfig { context } => format!("kubeconfig context {context}"),
        ClusterAccess::Eks { name, region, .. } => format!("EKS {name} in {region}"),
    };
    let overrides = settings.overrides.as_ref().map_or_else(
        || "none".to_owned(),
        |source| format!("{} at {}", source.repo_url, source.revision),
    );
    let seen = one
        .as_of
        .map_or_else(|| "not looked at yet".into_any(), |seen| ago(seen, now));
    view! {
        <dl class="facts" data-live="facts">
            {fact("Instances", view! { <a href=format!("/instances?cluster={name}")>{count(one.instances, "instance", "instances")}</a>" of "{grouped(u64::from(settings.capacity))} })}
            {fact("Zone", view! { <code>{settings.zone.to_string()}</code> })}
            {fact("Seen", seen)}
            {fact("Kubernetes", one.kubernetes.clone().unwrap_or_else(|| "not known yet".to_owned()))}
            {fact("API access", access)}
            {fact("Argo CD", format!("namespace {}, project {}", settings.argocd_namespace, settings.project))}
            {fact("Applications in", view! { <code>{settings.application_namespace.clone()}</code> })}
            {fact("Chart", view! { <code>{settings.chart.repo_url.clone()}</code>" "{settings.chart.path.clone()} })}
            {fact("Override files", overrides)}
            {fact("Gateway replicas", cluster_gateway::told(&settings.gateway.replicas))}
        </dl>
    }
    .into_any()
}

fn change(one: &ClusterView, form: &Form) -> AnyView {
    let settings = &one.settings;
    let here = format!("{PATH}/{}", settings.name);
    let (word, meaning, to) = if settings.cordoned {
        (
            "Uncordon cluster",
            "New instances may be placed here again.",
            "false",
        )
    } else {
        (
            "Cordon cluster",
            "No new instances are placed here; those that are here stay.",
            "true",
        )
    };
    let mut form = form.clone();
    form.default_to("capacity", settings.capacity.to_string());
    let remove = if one.instances == 0 {
        view! {
            <form class="inline" method="post" action=format!("{here}/remove") data-once>
                <label for="f-confirm">"Type the cluster's name to remove it"</label>
                <input id="f-confirm" name="confirm" required autocomplete="off" spellcheck="false" maxlength="40"/>
                <button class="button danger">"Remove cluster"</button>
            </form>
        }
        .into_any()
    } else {
        view! { <p class="muted">"It can be removed once it holds no instances."</p> }.into_any()
    };
    let zone = view! {
        <ul class="danger-zone">
            {gateway_form(one, &form)}
            <li>
                <div><p class="danger-what">"Check"</p><p class="muted">"Asks the cluster for its version, our rights and the custom resources we need."</p></div>
                <form method="post" action=format!("{here}/check")><button class="button">"Check cluster"</button></form>
            </li>
            <li>
                <form class="inline" method="post" action=format!("{here}/capacity") data-once>
                    <label for="f-capacity">"Capacity"</label>
                    <input id="f-capacity" name="capacity" type="number" min="0" max="100000" required value=form.get("capacity").to_owned()/>
                    <button class="button">"Change capacity"</button>
                </form>
            </li>
            <li>
                <div><p class="danger-what">{word}</p><p class="muted">{meaning}</p></div>
                <form method="post" action=format!("{here}/cordon")>
                    <input type="hidden" name="cordoned" value=to/>
                    <button class="button">{word}</button>
                </form>
            </li>
            <li>{remove}</li>
        </ul>
    };
    section("danger", "Change or remove", zone)
}

/// Changing how the gateway is reached and asked.
fn gateway_form(one: &ClusterView, form: &Form) -> AnyView {
    let refused = cluster_gateway::is_refused(form);
    let mut form = form.clone();
    if !refused {
        for (name, value) in cluster_gateway::filled(&one.settings.gateway) {
            form.set(name, value);
        }
    }
    view! {
        <li>
            <details class="folded" id="gateway" open=refused>
                <summary>"Change the gateway and how it is asked"</summary>
                <form class="form" method="post" action=format!("{PATH}/{}/gateway", one.settings.name) data-once>
                    {cluster_gateway::fields(&form)}
                    {buttons("", "Change gateway", "")}
                </form>
            </details>
        </li>
    }
    .into_any()
}
