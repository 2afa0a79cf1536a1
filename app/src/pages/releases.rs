//! Releases: the catalogue, changing where one is in its life, and adding one.

use leptos::prelude::*;
use model::permission::Permission;
use model::release::Channel;
use model::view::ReleaseView;

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Choice, Form, area, buttons, field, select};
use crate::ui::layout::{count, empty, header, section};

const PATH: &str = "/releases";

/// The page; `form` is the one for adding a release.
pub fn page(caller: &Caller, releases: &[ReleaseView], form: &Form) -> Page {
    let may = caller.may(Permission::ChangeRelease, None);
    let supported = releases
        .iter()
        .filter(|r| r.release.channel == Channel::Supported)
        .count();
    let said = format!(
        "{} in the catalogue, {supported} supported.",
        count(
            u32::try_from(releases.len()).unwrap_or(u32::MAX),
            "release",
            "releases"
        )
    );
    let list = if releases.is_empty() {
        empty(
            "No releases yet",
            "A release is a version that instances can be created at: a chart revision, the image of each component, and what its databases need.",
            None,
        )
    } else {
        let rows: Vec<_> = releases.iter().map(|one| release(one, may)).collect();
        view! { <ul class="releases">{rows}</ul> }.into_any()
    };
    let body = view! {
        {header("Releases", said, None)}
        {form.summary()}
        {list}
        {may.then(|| section("add", "Add a release", add(form)))}
    };
    Page::new(Nav::Releases, "Releases", body.into_any())
        .live("release:*")
        .refused_if(form.is_refused())
}

fn release(one: &ReleaseView, may: bool) -> AnyView {
    let release = &one.release;
    let channel = release.channel.as_str();
    let version = release.version.to_string();
    let on = match one.instances {
        0 => view! { <span class="muted">"no instances"</span> }.into_any(),
        n => {
            view! { <a href=format!("/instances?release={version}")>{count(n, "instance", "instances")}</a> }.into_any()
        }
    };
    let destroys = release
        .destroys
        .clone()
        .map(|what| view! { <p class="warn-text">"Reaching it from an older release destroys data: "{what}</p> });
    let notes =
        (!release.notes.is_empty()).then(|| view! { <p class="muted">{release.notes.clone()}</p> });
    view! {
        <li class="release" data-live=format!("release-{version}")>
            <div class="release-head">
                <h2>{version.clone()}</h2>
                <span class=format!("tag {channel}")>{channel}</span>
                {on}
                {may.then(|| change(&version, release.channel))}
            </div>
            {notes}
            {destroys}
            {contents(one)}
        </li>
    }
    .into_any()
}

fn contents(one: &ReleaseView) -> AnyView {
    let release = &one.release;
    let images: Vec<_> = release
        .images
        .iter()
        .map(|(part, image)| view! { <tr><th scope="row">{part.clone()}</th><td><code>{image.clone()}</code></td></tr> })
        .collect();
    let schema = release
        .schema
        .iter()
        .map(|(name, level)| format!("{name} {level}"))
        .collect::<Vec<_>>()
        .join(", ");
    view! {
        <details>
            <summary>"Chart, images and schema levels"</summary>
            <div class="table-box">
                <table>
                    <caption class="sr">"Contents of the release"</caption>
                    <tbody>
                        <tr><th scope="row">"chart revision"</th><td><code>{release.chart_revision.clone()}</code></td></tr>
                        {images}
                        <tr><th scope="row">"schema levels"</th><td>{schema}</td></tr>
                    </tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}

fn channels(without_expired: bool) -> Vec<Choice> {
    Channel::ALL
        .iter()
        .filter(|channel| !(without_expired && **channel == Channel::Expired))
        .map(|channel| Choice::new(channel.as_str(), channel.as_str()))
        .collect()
}

fn change(version: &str, channel: Channel) -> AnyView {
    let options: Vec<_> = channels(false)
        .into_iter()
        .map(|one| view! { <option value=one.value.clone() selected=one.value == channel.as_str()>{one.text}</option> })
        .collect();
    view! {
        <form class="inline channel" method="post" action=format!("/releases/{version}/channel")>
            <label class="sr" for=format!("c-{version}")>"Channel of "{version.to_owned()}</label>
            <select id=format!("c-{version}") name="channel">{options}</select>
            <button class="button">"Change channel"</button>
        </form>
    }
    .into_any()
}

fn add(form: &Form) -> AnyView {
    let mut form = form.clone();
    form.default_to("channel", "preview");
    view! {
        <details class="folded" open=form.is_refused()>
            <summary>"Add a release to the catalogue"</summary>
            <form class="form" method="post" action=PATH data-once>
                {field(&form, "version", "Version").help("The agent reports the same text when it runs, such as 2.2.0.").mono().max(20).view()}
                {select(&form, "channel", "Channel", "Preview releases are never a default.", channels(true))}
                {field(&form, "chart_revision", "Chart revision").help("Branch, tag or commit of the chart's repository. A tag or commit does not move.").mono().view()}
                {area(&form, "images", "Images", "One per line: component, colon, image. Components are agent, enterprise-agent, registry-node and database.", 5)}
                {area(&form, "schema", "Schema levels", "One per line: database, colon, highest migration.", 4)}
                {field(&form, "destroys", "What reaching it destroys").help("Only when data is lost on the way: a sentence that says what.").optional().view()}
                {field(&form, "notes", "Notes").help("What a person should know, in a sentence or two.").optional().view()}
                {buttons("primary", "Add release", "")}
            </form>
        </details>
    }
    .into_any()
}
