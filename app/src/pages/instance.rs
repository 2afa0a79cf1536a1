//! One instance: how it is and why, its address, its parts, what is being done to it, what it runs
//! and where each value comes from, its past, and what can be done about it.

use std::time::Duration;

use leptos::prelude::*;
use model::Timestamp;
use model::instance::InstanceState;
use model::permission::Permission;
use model::view::{InstanceDetail, InstanceView, OperationView, ValueOrigin};

use crate::context::Caller;
use crate::pages::tokens::{self, Newest};
use crate::pages::{Nav, Page};
use crate::ui::icon::Icon;
use crate::ui::layout::{
    callout, copyable, fact, header, primary, secondary, section, section_with,
};
use crate::ui::time::{ago, at, relative};
use crate::ui::{diagram, health, history, operation};

/// The page.
pub fn page(caller: &Caller, view: &InstanceDetail, tokens: &Newest) -> Page {
    let one = &view.instance;
    let now = caller.now;
    let body = view! {
        {header(title(one), state(one, now), action(caller, view))}
        {cause(one, now)}
        {grace(caller, view)}
        {active(caller, view)}
        {facts(caller, view)}
        {section_with("parts", "Parts", Some(opinions_age(one, now)), parts(view, now))}
        {tokens::section_of(caller, one, tokens)}
        {section("opinions", "Three opinions", opinions(one, now))}
        {section("history", "Health over 90 days", history(view, now))}
        {overrides(caller, view)}
        {section("operations", "Operations", operation::list(&view.operations, "None yet.", now))}
        {danger(caller, view)}
    };
    let mut page = Page::new(Nav::Instances, one.name.clone(), body.into_any())
        .live(format!("instance:{0} operation:* token:in:{0}", one.id));
    if caller.is_staff() {
        page = page.under(
            one.tenant_name.clone(),
            format!("/tenants/{}", one.tenant_id),
        );
    }
    page.under("Instances", format!("/instances?tenant={}", one.tenant_id))
}

fn title(one: &InstanceView) -> AnyView {
    view! { {one.name.clone()}" "<span class="title-badge" data-live="badge">{health::badge(one.health.status)}</span> }
        .into_any()
}

fn state(one: &InstanceView, now: Timestamp) -> AnyView {
    let purpose = match one.purpose {
        model::cluster::Purpose::Development => "Development",
        model::cluster::Purpose::Production => "Production",
    };
    view! {
        {purpose}" instance of "{one.tenant_name.clone()}" in "{one.region.to_string()}"; "
        {one.state.as_str()}", "{one.health.status.as_str()}" since "{at(one.health.since, now)}" UTC."
    }
    .into_any()
}

fn action(caller: &Caller, view: &InstanceDetail) -> Option<AnyView> {
    let one = &view.instance;
    let newer = view
        .upgrades
        .iter()
        .find(|choice| choice.channel == "supported")?;
    let may = caller.may(Permission::ChangeInstance, Some(one.tenant_id));
    (may && one.operation.is_none() && one.state == InstanceState::Running).then(|| {
        let href = format!("/instances/{}/upgrade?release={}", one.id, newer.version);
        primary(href, "Upgrade instance", Icon::Releases)
    })
}

fn cause(one: &InstanceView, now: Timestamp) -> AnyView {
    let told = match &one.health.cause {
        Some(cause) => health::cause(one.health.status, one.health.since, cause, now),
        None if one.state == InstanceState::Deleting => ().into_any(),
        None => health::no_cause(one.health.status, one.health.since, now),
    };
    let stale = one.health.stale.then(|| {
        callout("unknown", view! {
            <p>"What is shown here was true "{ago(one.health.as_of, now)}". Nothing newer has been heard from its cluster."</p>
        })
    });
    view! { <div class="causes" data-live="cause">{told}{stale}</div> }.into_any()
}

/// Its region is there without a deletion as well, so that a page that is open shows the beginning
/// and the end of one.
fn grace(caller: &Caller, view: &InstanceDetail) -> AnyView {
    let told = view
        .grace_until
        .map(|until| being_deleted(caller, &view.instance, until));
    view! { <div data-live="grace">{told}</div> }.into_any()
}

fn being_deleted(caller: &Caller, one: &InstanceView, until: Timestamp) -> AnyView {
    let undo = caller
        .may(Permission::DeleteInstance, Some(one.tenant_id))
        .then(|| {
            view! {
                <form method="post" action=format!("/instances/{}/undelete", one.id)>
                    <button class="button primary">"Undo deletion"</button>
                </form>
            }
        });
    let text = view! {
        <p>
            <strong>"This instance is being deleted."</strong>
            " Its door is closed; its data is kept until "{at(until, caller.now)}" UTC ("{relative(until, caller.now)}"). Until then the deletion can be undone."
        </p>
        {undo}
    };
    callout("down", text)
}

/// The active operation; one that ended a moment ago stays, so that its end is seen and nothing jumps.
fn shown_operation(view: &InstanceDetail, now: Timestamp) -> Option<&OperationView> {
    const MOMENT: Duration = Duration::from_mins(10);
    let recent = |one: &&OperationView| {
        one.finished_at
            .is_some_and(|ended| now.since(ended) < MOMENT)
    };
    view.instance
        .operation
        .as_ref()
        .or_else(|| view.operations.first().filter(recent))
}

fn active(caller: &Caller, view: &InstanceDetail) -> AnyView {
    let one = &view.instance;
    let shown = shown_operation(view, caller.now).map(|active| {
        let control = caller
            .may(Permission::ControlOperation, Some(one.tenant_id))
            .then(|| operation::controls(active));
        view! {
            <section class="section active-operation" aria-labelledby="active-title">
                <div class="section-head">
                    <h2 id="active-title">
                        <a href=format!("/operations/{}", active.id)>{operation::kind(active.kind)}</a>
                        " "{operation::state(active)}
                    </h2>
                    {operation::progress(active)}
                </div>
                <p class="muted">{active.summary.clone()}". "{operation::asked(active, caller.now)}"."</p>
                {operation::trouble(active)}
                {operation::timeline(active, caller.now)}
                {control}
            </section>
        }
    });
    view! { <div data-live="active">{shown}</div> }.into_any()
}

fn facts(caller: &Caller, view: &InstanceDetail) -> AnyView {
    let one = &view.instance;
    let address = match &one.url {
        Some(url) => {
            let href = url.clone();
            view! { <a href=href rel="noreferrer">{url.clone()}</a>" "{copyable_button(url, "address")} }.into_any()
        }
        None => view! { <span class="muted">"given when a cluster is chosen"</span> }.into_any(),
    };
    let running = view.running_version.clone().map_or_else(
        || view! { <span class="muted">"no answer yet"</span> }.into_any(),
        |version| {
            let same = version == one.release.to_string();
            let note = (!same).then(|| view! { " "<small class="warn-text">"wished: "{one.release.to_string()}</small> });
            view! { {version}{note} }.into_any()
        },
    );
    let cluster = one.cluster.as_ref().map(|name| {
        let text = name.to_string();
        if caller.is_staff() {
            view! { <a href=format!("/clusters/{name}")>{text}</a> }.into_any()
        } else {
            text.into_any()
        }
    });
    view! {
        <dl class="facts" data-live="facts">
            {fact("Address", address)}
            {fact("Id", copyable(one.id.as_str(), "id"))}
            {fact("Release", view! { {one.release.to_string()}<small class="muted">" wished"</small> })}
            {fact("Version that answers", running)}
            {cluster.map(|cluster| fact("Cluster", cluster))}
            {caller.is_staff().then(|| fact("Namespace", copyable(&one.id.namespace(), "namespace")))}
            {fact("Created", ago(one.created_at, caller.now))}
        </dl>
    }
    .into_any()
}

fn copyable_button(text: &str, what: &'static str) -> AnyView {
    let label = format!("Copy {what}");
    view! {
        <button type="button" class="copy" data-copy=text.to_owned() aria-label=label>
            {crate::ui::icon::icon(Icon::Copy)}
        </button>
    }
    .into_any()
}

fn opinions_age(one: &InstanceView, now: Timestamp) -> AnyView {
    view! { <small class="age" data-live="seen">"seen "{ago(one.health.as_of, now)}</small> }
        .into_any()
}

fn parts(view: &InstanceDetail, now: Timestamp) -> AnyView {
    let reachable = view.instance.health.opinions.reachability.status;
    view! {
        <div class="diagram-box" data-live="diagram">{diagram::diagram(&view.parts, reachable)}</div>
        <div data-live="parts">{diagram::parts(&view.parts, now)}</div>
    }
    .into_any()
}

fn opinions(one: &InstanceView, now: Timestamp) -> AnyView {
    let three = &one.health.opinions;
    view! {
        <dl class="opinions" data-live="opinions">
            {health::opinion("Deployment", "what Argo CD says", &three.deployment, now)}
            {health::opinion("Runtime", "what Kubernetes says", &three.runtime, now)}
            {health::opinion("Reachability", "what a real request says", &three.reachability, now)}
        </dl>
    }
    .into_any()
}

fn history(view: &InstanceDetail, now: Timestamp) -> AnyView {
    view! { <div data-live="history">{history::strip(&view.history, now)}</div> }.into_any()
}

fn overrides(caller: &Caller, view: &InstanceDetail) -> Option<AnyView> {
    let text = view.overrides.clone()?;
    let one = &view.instance;
    let edit = caller
        .may(Permission::ChangeInstance, Some(one.tenant_id))
        .then(|| secondary(format!("/instances/{}/overrides", one.id), "Edit overrides"));
    let own = if text.trim().is_empty() {
        view! { <p class="muted">"No overrides: everything is as the release says."</p> }.into_any()
    } else {
        view! { <details><summary>"Overrides as YAML"</summary><pre class="code" tabindex="0"><code>{text}</code></pre></details> }
            .into_any()
    };
    let changes = (!view.outside_changes.is_empty()).then(|| {
        let lines: Vec<_> = view.outside_changes.iter().map(|l| view! { <li>{l.clone()}</li> }).collect();
        callout("degraded", view! { <p><strong>"Changed by somebody else on the cluster"</strong></p><ul>{lines}</ul> })
    });
    let body = view! { <div data-live="overrides">{changes}{values(&view.values)}{own}</div> };
    Some(section_with(
        "overrides",
        "Values that differ from the chart",
        edit,
        body,
    ))
}

fn values(values: &[ValueOrigin]) -> Option<AnyView> {
    if values.is_empty() {
        return None;
    }
    let rows: Vec<_> = values
        .iter()
        .filter(|value| !value.path.is_empty())
        .map(|value| {
            let ValueOrigin { path, value, origin } = value.clone();
            view! {
                <tr><th scope="row"><code>{path}</code></th><td><code>{value}</code></td><td><span class="origin">{origin}</span></td></tr>
            }
        })
        .collect();
    let table = view! {
        <div class="table-box" role="region" tabindex="0" aria-label="Values, scrolls sideways">
            <table class="values">
                <caption class="sr">"Values and where each comes from"</caption>
                <thead><tr><th scope="col">"Value"</th><th scope="col">"Is"</th><th scope="col">"Comes from"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    };
    Some(table.into_any())
}

fn danger(caller: &Caller, view: &InstanceDetail) -> Option<AnyView> {
    let one = &view.instance;
    let may = caller.may(Permission::ChangeInstance, Some(one.tenant_id));
    if !may || matches!(one.state, InstanceState::Deleted | InstanceState::Deleting) {
        return None;
    }
    let upgrade = (!view.upgrades.is_empty()).then(|| {
        view! {
            <li>
                <div><p class="danger-what">"Upgrade"</p><p class="muted">"To a newer release. Database migrations only go forward."</p></div>
                <a class="button" href=format!("/instances/{}/upgrade", one.id)>"Choose a release"</a>
            </li>
        }
    });
    let delete = caller.may(Permission::DeleteInstance, Some(one.tenant_id)).then(|| {
        view! {
            <li>
                <div><p class="danger-what">"Delete"</p><p class="muted">"Closes the door at once; the data is kept for the grace period, in which it can be undone."</p></div>
                <a class="button danger" data-dialog href=format!("/instances/{}/delete", one.id)>"Delete instance"</a>
            </li>
        }
    });
    let rename = view! {
        <li>
            <form class="inline" method="post" action=format!("/instances/{}/rename", one.id)>
                <label for="f-name">"Name"</label>
                <input id="f-name" name="name" value=one.name.clone() required maxlength="60" autocomplete="off"/>
                <button class="button">"Rename instance"</button>
            </form>
        </li>
    };
    Some(section(
        "danger",
        "Change or remove",
        view! { <ul class="danger-zone">{rename}{upgrade}{delete}</ul> },
    ))
}
