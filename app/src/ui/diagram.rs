//! The parts of an instance in the order in which a request meets them: Internet, gateway, the three
//! components, database; certificate, secrets and Argo CD beside. Each carries its own health, and
//! the edge on which a request fails is drawn as failing. Narrow screens get the list below it alone.

use leptos::prelude::*;
use model::Timestamp;
use model::health::HealthStatus;
use model::view::{EventLine, Part, PartView};

use crate::ui::health::{badge, shape};
use crate::ui::time::ago;

const WIDTH: i32 = 226;
const HEIGHT: i32 = 58;

/// Where the upper left corner of a part's box lies.
const fn place(part: Part) -> (i32, i32) {
    match part {
        Part::Gateway => (130, 88),
        Part::Agent => (432, 8),
        Part::EnterpriseAgent => (432, 88),
        Part::RegistryNode => (432, 168),
        Part::Database => (734, 88),
        Part::Certificate => (130, 262),
        Part::Secrets => (432, 262),
        Part::Deployment => (734, 262),
    }
}

/// The word in `id`s: `part-gateway`.
#[must_use]
pub const fn anchor(part: Part) -> &'static str {
    match part {
        Part::Gateway => "part-gateway",
        Part::Agent => "part-agent",
        Part::EnterpriseAgent => "part-enterprise-agent",
        Part::RegistryNode => "part-registry-node",
        Part::Database => "part-database",
        Part::Certificate => "part-certificate",
        Part::Secrets => "part-secrets",
        Part::Deployment => "part-deployment",
    }
}

/// The drawing. `reachable` is what a real request from outside met.
pub fn diagram(parts: &[PartView], reachable: HealthStatus) -> AnyView {
    let of = |part: Part| parts.iter().find(|p| p.part == part);
    let status = |part: Part| of(part).map_or(HealthStatus::Unknown, |p| p.status);
    let mut edges = vec![edge((96, 117), (130, 117), reachable)];
    for part in [Part::Agent, Part::EnterpriseAgent, Part::RegistryNode] {
        let middle = place(part).1 + HEIGHT / 2;
        edges.push(edge((356, 117), (432, middle), status(part)));
        edges.push(edge((658, middle), (734, 117), status(Part::Database)));
    }
    for (part, top) in [
        (Part::Certificate, 146),
        (Part::Secrets, 226),
        (Part::Deployment, 146),
    ] {
        edges.push(beside(place(part).0 + WIDTH / 2, top, status(part)));
    }
    let nodes: Vec<_> = Part::ALL
        .iter()
        .map(|part| node(*part, of(*part)))
        .collect();
    let description = Part::ALL
        .iter()
        .map(|part| format!("{} {}", part.title(), status(*part)))
        .collect::<Vec<_>>()
        .join(", ");
    view! {
        <svg class="diagram" viewBox="0 0 964 328" role="group" aria-label=format!("Parts of the instance: {description}")>
            <g class="edges" aria-hidden="true">{edges}</g>
            <g class="internet" aria-hidden="true">
                <circle cx="58" cy="117" r="26"></circle>
                <path d="M32 117h52M58 91c-14 16-14 36 0 52M58 91c14 16 14 36 0 52M37 103h42M37 131h42"></path>
                <text x="58" y="162" text-anchor="middle">"Internet"</text>
            </g>
            {nodes}
        </svg>
    }
    .into_any()
}

fn node(part: Part, view: Option<&PartView>) -> AnyView {
    let (x, y) = place(part);
    let status = view.map_or(HealthStatus::Unknown, |v| v.status);
    let detail = view.map_or_else(|| "not seen yet".to_owned(), |v| v.detail.clone());
    let title = format!("{}: {status}. {detail}", part.title());
    #[expect(
        clippy::cast_precision_loss,
        reason = "coordinates of a drawing are small"
    )]
    let drawn = shape(status, (x + 20) as f32, (y + 22) as f32, 12.0);
    view! {
        <a class=format!("node {status}") href=format!("#{}", anchor(part))>
            <title>{title}</title>
            <rect class="box" x=x.to_string() y=y.to_string() width=WIDTH.to_string() height=HEIGHT.to_string() rx="6"></rect>
            <g inner_html=drawn></g>
            <text class="node-title" x=(x + 36).to_string() y=(y + 26).to_string()>{part.title()}</text>
            <text class="node-detail" x=(x + 14).to_string() y=(y + 46).to_string()>{short(status, &detail)}</text>
        </a>
    }
    .into_any()
}

/// Status and as much of the detail as fits into a box; the whole text stands in the list below.
fn short(status: HealthStatus, detail: &str) -> String {
    const ROOM: usize = 30;
    let text = format!("{status} · {detail}");
    if text.chars().count() <= ROOM {
        return text;
    }
    let cut: String = text.chars().take(ROOM - 1).collect();
    format!("{}…", cut.trim_end())
}

const fn fails(status: HealthStatus) -> bool {
    matches!(status, HealthStatus::Down | HealthStatus::Degraded)
}

fn edge((x1, y1): (i32, i32), (x2, y2): (i32, i32), status: HealthStatus) -> AnyView {
    let middle = i32::midpoint(x1, x2);
    let end = x2 - 7;
    let cross = fails(status).then(|| {
        let y = i32::midpoint(y1, y2);
        view! { <path class="edge-cross" d=format!("M{} {}l10 10m0-10l-10 10", middle - 5, y - 5)></path> }
    });
    view! {
        <g class=format!("edge {status}")>
            <path d=format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {end} {y2}")></path>
            <path class="tip" d=format!("M{x2} {y2}l-9-4.5v9z")></path>
            {cross}
        </g>
    }
    .into_any()
}

fn beside(x: i32, top: i32, status: HealthStatus) -> AnyView {
    view! { <g class=format!("edge beside {status}")><path d=format!("M{x} {top}V262")></path></g> }
        .into_any()
}

/// The same parts as a list, each with its events; the list is what a phone shows.
pub fn parts(parts: &[PartView], now: Timestamp) -> AnyView {
    let rows: Vec<_> = Part::ALL
        .iter()
        .filter_map(|part| parts.iter().find(|p| p.part == *part))
        .map(|part| row(part, now))
        .collect();
    view! { <ul class="parts">{rows}</ul> }.into_any()
}

fn row(part: &PartView, now: Timestamp) -> AnyView {
    let count = part.events.len();
    let told = match count {
        0 => String::new(),
        1 => " · 1 event".to_owned(),
        n => format!(" · {n} events"),
    };
    let head = view! {
        <span class="part-name">{part.part.title()}</span>
        {badge(part.status)}
        <span class="part-detail">{part.detail.clone()}{told}</span>
    };
    let events = if count == 0 {
        view! { <p class="muted">"No events lately."</p> }.into_any()
    } else {
        let lines: Vec<_> = part.events.iter().map(|line| event(line, now)).collect();
        view! { <ul class="events">{lines}</ul> }.into_any()
    };
    view! {
        <li>
            <details class=format!("part {}", part.status) id=anchor(part.part)>
                <summary>{head}</summary>
                {events}
            </details>
        </li>
    }
    .into_any()
}

fn event(line: &EventLine, now: Timestamp) -> AnyView {
    let EventLine {
        at,
        warning,
        object,
        reason,
        message,
        count,
    } = line.clone();
    let times = (count > 1).then(|| format!(" ({count} times)"));
    view! {
        <li class=if warning { "event warning" } else { "event" }>
            <span class="event-head">
                {if warning { "Warning · " } else { "" }}<b>{reason}</b>{times}" "<code>{object}</code>" "{ago(at, now)}
            </span>
            <span class="event-text">{message}</span>
        </li>
    }
    .into_any()
}
