//! Changing one instance: its overrides, its release, its end. Each is a page of its own that says
//! what follows before it is done.

use leptos::prelude::*;
use model::view::{InstanceDetail, UpgradeChoice};

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Choice, Form, area, buttons, field, radios};
use crate::ui::layout::{callout, header, section};
use crate::ui::list::column;
use crate::ui::list::table;

fn under(page: Page, view: &InstanceDetail) -> Page {
    let one = &view.instance;
    page.under("Instances", "/instances")
        .under(one.name.clone(), format!("/instances/{}", one.id))
}

fn blocked(view: &InstanceDetail) -> Option<AnyView> {
    let active = view.instance.operation.as_ref()?;
    let text = view! {
        <p>"Another operation is under way: "<a href=format!("/operations/{}", active.id)>{active.summary.clone()}</a>". This one can be asked for when it has ended."</p>
    };
    Some(callout("degraded", text))
}

/// Editing overrides.
pub fn overrides(_: &Caller, view: &InstanceDetail, form: &Form) -> Page {
    let one = &view.instance;
    let mut form = form.clone();
    form.default_to("overrides", view.overrides.clone().unwrap_or_default());
    let rows = view
        .values
        .iter()
        .filter(|value| !value.path.is_empty())
        .map(|value| {
            view! {
                <tr>
                    <th scope="row"><code>{value.path.clone()}</code></th>
                    <td><code>{value.value.clone()}</code></td>
                    <td><span class="origin">{value.origin.clone()}</span></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let back = format!("/instances/{}", one.id);
    let body = view! {
        {header(format!("Overrides of {}", one.name), "Helm values that differ from the release. What is not here is as the release says.", None)}
        {form.summary()}
        {blocked(view)}
        <form class="form wide-form" method="post" action=format!("{back}/overrides") data-once>
            {area(&form, "overrides", "Overrides as YAML", "Images, registries and authentication cannot be set here, and secrets are referred to by name. A file in the override repository loses to what stands here.", 16)}
            {buttons("primary", "Apply overrides", back.clone())}
        </form>
        {section("effective", "Values that differ now, and where each comes from", table("Values and where each comes from", &[column("Value"), column("Is"), column("Comes from")], rows, "values"))}
    };
    let page = Page::new(
        Nav::Instances,
        format!("Overrides of {}", one.name),
        body.into_any(),
    );
    under(page, view).refused_if(form.is_refused())
}

/// Choosing a newer release.
pub fn upgrade(_: &Caller, view: &InstanceDetail, form: &Form) -> Page {
    let one = &view.instance;
    let mut form = form.clone();
    if let Some(first) = view
        .upgrades
        .iter()
        .find(|choice| choice.channel == "supported")
    {
        form.default_to("release", first.version.to_string());
    }
    let choices = view.upgrades.iter().map(choice).collect();
    let losses = view
        .upgrades
        .iter()
        .any(|choice| !choice.destroys.is_empty());
    let confirm = losses.then(|| {
        field(
            &form,
            "confirm",
            "Type the instance's name if the release destroys data",
        )
        .help("Not needed otherwise.")
        .optional()
        .max(60)
        .view()
    });
    let back = format!("/instances/{}", one.id);
    let way = if view.upgrades.is_empty() {
        view! { <p class="lead">"There is no newer release in the catalogue."</p> }.into_any()
    } else {
        view! {
            <form class="form" method="post" action=format!("{back}/upgrade") data-once>
                {radios(&form, "release", "Release", "", choices)}
                {confirm}
                {buttons("primary", "Upgrade instance", back.clone())}
            </form>
        }
        .into_any()
    };
    let body = view! {
        {header(format!("Upgrade {}", one.name), format!("It is at {}. Upgrades only go forward, because database migrations do.", one.release), None)}
        {form.summary()}
        {blocked(view)}
        {way}
    };
    let page = Page::new(
        Nav::Instances,
        format!("Upgrade {}", one.name),
        body.into_any(),
    );
    under(page, view).refused_if(form.is_refused())
}

fn choice(one: &UpgradeChoice) -> Choice {
    let detail = if one.destroys.is_empty() {
        format!("{}; nothing is lost on the way.", one.channel)
    } else {
        format!(
            "{}; destroys data: {}",
            one.channel,
            one.destroys.join("; ")
        )
    };
    Choice::new(one.version.to_string(), one.version.to_string()).meaning(detail)
}

/// Deleting it. `grace` says for how long that can be undone, such as "7 d".
pub fn delete(_: &Caller, view: &InstanceDetail, grace: &str, form: &Form) -> Page {
    let one = &view.instance;
    let id = one.id.to_string();
    let back = format!("/instances/{id}");
    let host = one
        .host
        .clone()
        .unwrap_or_else(|| "its host name".to_owned());
    let body = view! {
        {header(format!("Delete instance {}", one.name), format!("It can be undone for {grace}; after that nothing brings it back."), None)}
        {form.summary()}
        {blocked(view)}
        <ul class="consequences">
            <li>"At once: every request to "<code>{host}</code>" is refused."</li>
            <li>"For "{grace.to_owned()}": data, secrets and host name are kept, and the deletion can be undone."</li>
            <li>"Then: its pods, database, volumes, certificate and secrets are removed, and the absence is proven."</li>
            <li>"For ever: the wallet seed is gone, and with it the keys of the DIDs made here. The id is never given again."</li>
        </ul>
        <form class="form section" method="post" action=format!("{back}/delete") data-once>
            {field(form, "confirm", "Type the instance's id to go on").help("Or its name.").mono().max(60).view()}
            {buttons("destroy", format!("Delete instance {id}"), back.clone())}
        </form>
    };
    let page = Page::new(
        Nav::Instances,
        format!("Delete {}", one.name),
        body.into_any(),
    );
    under(page, view).refused_if(form.is_refused())
}
