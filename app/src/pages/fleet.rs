//! The fleet on one page, for Atala's staff: five numbers, what needs attention, the map, and what is
//! under way. Whoever opens it at three in the morning finds the worst thing first.

use leptos::prelude::*;
use model::Timestamp;
use model::health::HealthStatus;
use model::permission::Permission;
use model::view::{FleetView, InstanceView};

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::health::{dot, title};
use crate::ui::icon::Icon;
use crate::ui::layout::{count, empty, grouped, header, primary, section, section_with};
use crate::ui::time::{ago, at, span};
use crate::ui::{fleet_map, operation};

/// The page; `only` is the status that the legend has chosen.
pub fn page(caller: &Caller, view: &FleetView, only: Option<HealthStatus>) -> Page {
    let create = caller
        .may(Permission::CreateInstance, None)
        .then(|| primary("/instances/new", "Create instance", Icon::Plus));
    let body = if view.instances == 0 {
        nothing(caller, view)
    } else {
        view! {
            {header("Fleet", state(view), create)}
            {numbers(view, caller.now)}
            <div class="fleet-grid">
                {attention(view, caller.now)}
                {section_with(
                    "map",
                    "Map",
                    Some(fleet_map::legend(&view.by_status, only)),
                    fleet_map::map(&view.map, only),
                )}
                {section("operations", "Under way", operation::list(&view.operations, "Nothing is under way.", caller.now))}
            </div>
        }
        .into_any()
    };
    Page::new(Nav::Fleet, "Fleet", body)
        .live("instance:* operation:* cluster:*")
        .wide()
}

fn state(view: &FleetView) -> String {
    let all = count(view.instances, "instance", "instances");
    let healthy = match view.instances {
        1 => "The one instance is healthy".to_owned(),
        _ => format!("All {all} are healthy"),
    };
    let (bad, moving) = (view.not_healthy, of(view, HealthStatus::Progressing));
    let moving_too = match moving {
        0 => String::new(),
        n => format!("; {} progressing", grouped(u64::from(n))),
    };
    match (bad, moving, view.operations_running) {
        (0, 0, 0) => format!("{healthy}, nothing is under way."),
        (0, 0, n) => format!(
            "{healthy}; {} under way.",
            count(n, "operation", "operations")
        ),
        (0, moving, _) if moving == view.instances => format!("{all} on the way, none in trouble."),
        (0, moving, _) => format!(
            "{} healthy, {} progressing; none in trouble.",
            grouped(u64::from(view.instances - moving)),
            grouped(u64::from(moving))
        ),
        (bad, _, _) => format!(
            "{} of {all} not healthy{moving_too}.",
            grouped(u64::from(bad))
        ),
    }
}

/// Instances with that status.
fn of(view: &FleetView, wanted: HealthStatus) -> u32 {
    let found = view.by_status.iter().find(|(status, _)| *status == wanted);
    found.map_or(0, |(_, number)| *number)
}

fn nothing(caller: &Caller, view: &FleetView) -> AnyView {
    let action = caller.may(Permission::CreateTenant, None).then(|| {
        view! {
            <p class="buttons">
                {primary("/tenants/new", "Create tenant", Icon::Plus)}
                <a class="button" href="/instances/new">"Create instance"</a>
            </p>
        }
        .into_any()
    });
    let clusters = u32::try_from(view.map.iter().filter(|c| c.name.is_some()).count()).unwrap_or(0);
    let state = if clusters == 0 {
        "No instances and no clusters yet.".to_owned()
    } else {
        format!(
            "No instances yet; {} ready to hold some.",
            count(clusters, "cluster", "clusters")
        )
    };
    view! {
        {header("Fleet", state, None)}
        {empty(
            "The first instance",
            "A tenant is an organisation; an instance is its own deployment of PRISM with its own host name and database. Create a tenant, then give it an instance: the rest is done by itself.",
            action,
        )}
        {(clusters > 0).then(|| section("map", "Clusters", fleet_map::map(&view.map, None)))}
    }
    .into_any()
}

fn numbers(view: &FleetView, now: Timestamp) -> AnyView {
    let unknown = match view.oldest_unknown {
        Some(since) => view! { <time datetime=since.to_string() data-time="span">{span(now.since(since))}</time> }.into_any(),
        None => "–".into_any(),
    };
    let (bad, moving) = (view.not_healthy, of(view, HealthStatus::Progressing));
    let class = |number: u32, marked: &'static str| if number > 0 { marked } else { "figure" };
    view! {
        <dl class="figures" data-live="figures">
            <div class="figure"><dt>"Instances"</dt><dd>{grouped(u64::from(view.instances))}</dd></div>
            <div class=class(bad, "figure bad")><dt>"Not healthy"</dt><dd>{grouped(u64::from(bad))}</dd></div>
            <div class=class(moving, "figure moving")><dt>"Progressing"</dt><dd>{grouped(u64::from(moving))}</dd></div>
            <div class="figure"><dt>"Operations running"</dt><dd>{grouped(u64::from(view.operations_running))}</dd></div>
            <div class="figure"><dt>"Oldest unknown"</dt><dd>{unknown}</dd></div>
        </dl>
        <p class="as-of" data-live="as-of">"True at "{at(view.as_of, now)}" UTC, "{ago(view.as_of, now)}"."</p>
    }
    .into_any()
}

/// The fleet's read model names at most so many.
const MOST: usize = 20;

fn attention(view: &FleetView, now: Timestamp) -> AnyView {
    let rows: Vec<_> = view
        .attention
        .iter()
        .map(|one| attention_row(one, now))
        .collect();
    let more = (view.attention.len() >= MOST).then(
        || view! { <p class="muted">"The worst ones are shown; the map holds all of them."</p> },
    );
    let body = view! {
        <div class="live-list">
            <ul class="attention" data-live-rows="attention">
                <li class="nothing">{dot(HealthStatus::Healthy)}"Nothing needs attention."</li>
                {rows}
            </ul>
        </div>
        {more}
    };
    section("attention", "Needs attention", body)
}

fn attention_row(one: &InstanceView, now: Timestamp) -> AnyView {
    let health = &one.health;
    let why = health.cause.as_ref().map_or_else(
        || "No cause is known yet.".to_owned(),
        |cause| cause.sentence.clone(),
    );
    let who = health.cause.as_ref().map(|cause| cause.who.acts());
    view! {
        <li class=format!("attention-row {}", health.status) data-live=format!("attention-{}", one.id)>
            {dot(health.status)}
            <div>
                <p class="attention-what">
                    <a href=format!("/instances/{}", one.id)>{one.name.clone()}</a>
                    <span class="muted">{one.tenant_name.clone()}</span>
                </p>
                <p class="attention-why">{why}" "<span class="cause-who">{who}</span></p>
            </div>
            <p class="attention-since">{title(health.status)}<small>"since "{at(health.since, now)}", "{ago(health.since, now)}</small></p>
        </li>
    }
    .into_any()
}
