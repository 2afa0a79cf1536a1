//! Creating an instance, on one page: for whom, for what, where, at which release; beside it what
//! will happen. Every choice has a default that says where it comes from, and a choice that cannot
//! be made says why.

use std::time::Duration;

use leptos::prelude::*;
use model::cluster::Purpose;
use model::operation::OperationKind;
use model::release::{Channel, default_release};
use model::view::{RegionChoice, ReleaseView};

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Choice, Form, area, field, radios, select};
use crate::ui::layout::{callout, header};
use crate::ui::time::span;

const PATH: &str = "/instances/new";

/// What can be chosen.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Tenants: id and name.
    pub tenants: Vec<(String, String)>,
    /// Regions by purpose, with the cluster that would be chosen or why there is none.
    pub regions: Vec<RegionChoice>,
    /// The catalogue.
    pub releases: Vec<ReleaseView>,
}

impl Choices {
    fn release(&self) -> Option<String> {
        let catalogue: Vec<_> = self
            .releases
            .iter()
            .map(|one| one.release.clone())
            .collect();
        default_release(&catalogue).map(|release| release.version.to_string())
    }

    /// Fills in what the form does not say yet.
    fn defaults(&self, form: &mut Form) {
        form.default_to("purpose", Purpose::Development.as_str());
        if let Some((id, _)) = self.tenants.first() {
            form.default_to("tenant", id.clone());
        }
        let purpose = form.get("purpose").to_owned();
        let mut possible = self
            .regions
            .iter()
            .filter(|r| r.purpose.as_str() == purpose && r.cluster.is_some());
        let named = form.get("region").to_owned();
        if !possible.clone().any(|r| r.region.as_str() == named)
            && !form.is_refused()
            && let Some(first) = possible.next()
        {
            form.set("region", first.region.to_string());
        }
        if let Some(release) = self.release() {
            form.default_to("release", release);
        }
    }
}

/// The page. `form` carries what is chosen so far, from the address or from a refused post.
pub fn page(_: &Caller, choices: &Choices, form: &Form) -> Page {
    let mut form = form.clone();
    choices.defaults(&mut form);
    let missing = missing(choices);
    let body = view! {
        {header("Create instance", "An organisation's own deployment of PRISM. With the defaults nothing else is needed.", None)}
        {form.summary()}
        {missing}
        <div class="beside">
            <form class="form" method="post" action="/instances" data-once data-preview=PATH>
                {fields(choices, &form)}
                <div class="buttons">
                    <button class="button primary">"Create instance"</button>
                    <button class="button" formmethod="get" formaction=PATH formnovalidate data-preview-button>"Show what will happen"</button>
                    <a class="button quiet" href="/instances">"Cancel"</a>
                </div>
            </form>
            <aside class="preview" aria-labelledby="preview-title" data-live="preview">{preview(choices, &form)}</aside>
        </div>
    };
    Page::new(Nav::Instances, "Create instance", body.into_any())
        .under("Instances", "/instances")
        .refused_if(form.is_refused())
}

fn missing(choices: &Choices) -> Option<AnyView> {
    if choices.tenants.is_empty() {
        let text = view! { <p>"There is no tenant to give an instance to. "<a href="/tenants/new">"Create a tenant"</a>" first."</p> };
        return Some(callout("degraded", text));
    }
    if choices.regions.is_empty() {
        let text = view! { <p>"There is no cluster to hold an instance. "<a href="/clusters/new">"Add a cluster"</a>" first."</p> };
        return Some(callout("degraded", text));
    }
    None
}

fn fields(choices: &Choices, form: &Form) -> AnyView {
    let tenants = choices
        .tenants
        .iter()
        .map(|(id, name)| Choice::new(id, name))
        .collect();
    view! {
        {select(form, "tenant", "Tenant", "", tenants)}
        {field(form, "name", "Name").help("What people call it; one is made up when this is left out. Id and host name are drawn at random and never change.").optional().max(60).view()}
        {radios(form, "purpose", "Purpose", "", purposes())}
        <div data-live="regions">{radios(form, "region", "Region", "Only regions that have room for this purpose can be chosen.", regions(choices, form.get("purpose")))}</div>
        {select(form, "release", "Release", "The newest supported one, unless you choose otherwise.", releases(choices))}
        <details class="folded" open=form.error("overrides").is_some() || !form.get("overrides").trim().is_empty()>
            <summary>"Overrides"</summary>
            <div class="form-part">
                {area(form, "overrides", "Values that differ from the chart's defaults", "YAML; none are needed. Secrets are referred to by name, never written here.", 8)}
            </div>
        </details>
    }
    .into_any()
}

fn purposes() -> Vec<Choice> {
    vec![
        Choice::new("development", "Development")
            .meaning("For building and trying. Placed on a development cluster."),
        Choice::new("production", "Production")
            .meaning("For real users. Placed on a production cluster."),
    ]
}

fn regions(choices: &Choices, purpose: &str) -> Vec<Choice> {
    choices
        .regions
        .iter()
        .filter(|one| one.purpose.as_str() == purpose)
        .map(|one| {
            let detail = one
                .cluster
                .as_ref()
                .map(|cluster| format!("on {cluster}"))
                .unwrap_or_default();
            let mut choice =
                Choice::new(one.region.to_string(), one.region.to_string()).meaning(detail);
            choice.refused.clone_from(&one.refused);
            choice
        })
        .collect()
}

fn releases(choices: &Choices) -> Vec<Choice> {
    let mut all: Vec<&ReleaseView> = choices
        .releases
        .iter()
        .filter(|one| one.release.channel != Channel::Expired)
        .collect();
    // Supported ones first, the newest of each first.
    all.sort_by_key(|one| {
        (
            one.release.channel != Channel::Supported,
            std::cmp::Reverse(one.release.version),
        )
    });
    all.into_iter()
        .map(|one| {
            let release = &one.release;
            let mark = match release.channel {
                Channel::Supported => String::new(),
                other => format!(" – {}", other.as_str()),
            };
            Choice::new(
                release.version.to_string(),
                format!("{}{mark}", release.version),
            )
        })
        .collect()
}

fn preview(choices: &Choices, form: &Form) -> AnyView {
    let chosen = choices.regions.iter().find(|one| {
        one.purpose.as_str() == form.get("purpose") && one.region.as_str() == form.get("region")
    });
    let (cluster, host) = match chosen {
        Some(RegionChoice {
            cluster: Some(cluster),
            zone,
            ..
        }) => (
            cluster.to_string(),
            zone.as_ref().map_or_else(
                || "given when it is placed".to_owned(),
                |zone| format!("<12 random characters>.{zone}"),
            ),
        ),
        Some(RegionChoice {
            refused: Some(why), ..
        }) => (format!("none: {why}"), "none".to_owned()),
        _ => ("none for this choice".to_owned(), "none".to_owned()),
    };
    let release = choices
        .releases
        .iter()
        .find(|one| one.release.version.to_string() == form.get("release"));
    let chart = release
        .map(|one| one.release.chart_revision.clone())
        .unwrap_or_default();
    let steps: Vec<_> = OperationKind::Create
        .steps()
        .iter()
        .map(|step| view! { <li><span>{step.title()}</span><small class="age">"about "{span(step.usual())}</small></li> })
        .collect();
    let total: Duration = OperationKind::Create
        .steps()
        .iter()
        .map(|step| step.usual())
        .sum();
    let overrides = if form.get("overrides").trim().is_empty() {
        "none: everything as the release says"
    } else {
        "as typed, on top of the release"
    };
    view! {
        <h2 id="preview-title">"What will happen"</h2>
        <dl>
            <div><dt>"Cluster"</dt><dd>{cluster}</dd></div>
            <div><dt>"Host name"</dt><dd><code>{host}</code></dd></div>
            <div><dt>"Chart revision"</dt><dd><code>{chart}</code></dd></div>
            <div><dt>"Overrides"</dt><dd>{overrides}</dd></div>
        </dl>
        <h3>"Steps, about "{span(total)}" in all"</h3>
        <ol class="preview-steps">{steps}</ol>
    }
    .into_any()
}
