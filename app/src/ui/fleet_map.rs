//! The fleet as a map: one cell per instance, grouped by cluster and ordered by id, so that a place
//! keeps its meaning. The size of the cells adapts from a handful to ten thousand; each is a link
//! with a title, and a legend filters by plain links.

use std::fmt::Write as _;

use leptos::prelude::*;
use model::health::HealthStatus;
use model::view::{FleetCell, FleetCluster};

use crate::ui::health::{dot, shape};
use crate::ui::icon::{Icon, icon};
use crate::ui::layout::{count, grouped};

/// Side of a cell's field in a map of that many instances.
#[must_use]
pub const fn pitch(instances: usize) -> usize {
    match instances {
        0..=60 => 28,
        61..=300 => 22,
        301..=2_000 => 16,
        _ => 11,
    }
}

/// Columns for `cells` cells on a card of that width: few cells stand in one or two rows, many fill
/// the width.
const fn columns(cells: usize, pitch: usize, width: usize) -> usize {
    let most = width / pitch;
    if cells > most { most } else { cells }
}

/// The map. `only` shows one status and mutes the others.
pub fn map(clusters: &[FleetCluster], only: Option<HealthStatus>) -> AnyView {
    let instances = clusters.iter().map(|c| c.cells.len()).sum();
    let pitch = pitch(instances);
    let width = match clusters.len() {
        1 => 1_100,
        2 => 560,
        _ => 448,
    };
    let cards: Vec<_> = clusters
        .iter()
        .map(|cluster| card(cluster, pitch, width, only))
        .collect();
    let class = if clusters.len() < 3 {
        "fleet-map few"
    } else {
        "fleet-map"
    };
    view! { <ul class=class>{cards}</ul> }.into_any()
}

fn card(cluster: &FleetCluster, pitch: usize, width: usize, only: Option<HealthStatus>) -> AnyView {
    let held = u32::try_from(cluster.cells.len()).unwrap_or(u32::MAX);
    let name = match &cluster.name {
        Some(name) => {
            let text = name.to_string();
            view! { <a href=format!("/clusters/{name}")>{text}</a> }.into_any()
        }
        None => "Not placed yet".into_any(),
    };
    let place = match (cluster.purpose, &cluster.region) {
        (Some(purpose), Some(region)) => format!("{purpose} · {region}"),
        _ => "waiting for a cluster".to_owned(),
    };
    let lost = (!cluster.reachable && cluster.name.is_some())
        .then(|| view! { <p class="lost">{icon(Icon::Alert)}"Cannot be reached"</p> });
    let room = cluster.name.is_some().then(|| {
        let text = format!("{} of {}", grouped(u64::from(held)), grouped(u64::from(cluster.capacity)));
        view! {
            <span class="room" title=format!("{} of {} places taken", held, cluster.capacity)>
                <meter min="0" max=cluster.capacity.max(1).to_string() value=held.to_string() aria-label="Places taken">{text.clone()}</meter>
                {text}
            </span>
        }
    });
    let key = cluster
        .name
        .as_ref()
        .map_or_else(|| "unplaced".to_owned(), ToString::to_string);
    view! {
        <li class="fleet-cluster" data-live=format!("map-{key}")>
            <div class="fleet-cluster-head">
                <h3>{name}</h3>
                <p>{place}</p>
                {room}
            </div>
            {lost}
            {drawing(cluster, pitch, width, only)}
        </li>
    }
    .into_any()
}

fn drawing(
    cluster: &FleetCluster,
    pitch: usize,
    width: usize,
    only: Option<HealthStatus>,
) -> AnyView {
    if cluster.cells.is_empty() {
        return view! { <p class="muted">"No instances yet."</p> }.into_any();
    }
    let columns = columns(cluster.cells.len(), pitch, width);
    let rows = cluster.cells.len().div_ceil(columns);
    let (w, h) = (columns * pitch, rows * pitch);
    let mut cells = String::with_capacity(cluster.cells.len() * 220);
    for (at, one) in cluster.cells.iter().enumerate() {
        cell(
            &mut cells,
            one,
            (at % columns * pitch, at / columns * pitch),
            pitch,
            only,
        );
    }
    let held = u32::try_from(cluster.cells.len()).unwrap_or(u32::MAX);
    let name = cluster
        .name
        .as_ref()
        .map_or_else(|| "no cluster yet".to_owned(), ToString::to_string);
    let label = format!("{} on {name}", count(held, "instance", "instances"));
    view! {
        <svg
            class="cells"
            viewBox=format!("0 0 {w} {h}")
            width=w.to_string()
            height=h.to_string()
            role="group"
            aria-label=label
            inner_html=cells
        ></svg>
    }
    .into_any()
}

fn cell(
    out: &mut String,
    cell: &FleetCell,
    (x, y): (usize, usize),
    pitch: usize,
    only: Option<HealthStatus>,
) {
    let FleetCell {
        id,
        name,
        tenant,
        status,
    } = cell;
    let class = if only.is_some_and(|wanted| wanted != *status) {
        "cell off"
    } else {
        "cell"
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "coordinates of a drawing are small"
    )]
    let (left, top, side) = (x as f32, y as f32, pitch as f32);
    let mark = shape(*status, left + side / 2.0, top + side / 2.0, side * 0.62);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<a class=\"{class}\" href=\"/instances/{id}\"><title>{}, {}: {status} ({id})</title>\
         <rect class=\"field {status}\" x=\"{}\" y=\"{}\" width=\"{w}\" height=\"{w}\" rx=\"{}\"/>{mark}</a>",
        escaped(name),
        escaped(tenant),
        left + 1.0,
        top + 1.0,
        if pitch > 14 { 4 } else { 1 },
        w = side - 2.0,
    );
}

/// Text for markup that is put together by hand.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The five words with their counts; each filters the map, and the chosen one leads back.
pub fn legend(counts: &[(HealthStatus, u32)], only: Option<HealthStatus>) -> AnyView {
    let entries: Vec<_> = counts
        .iter()
        .map(|(status, number)| {
            let chosen = only == Some(*status);
            let href = if chosen { "/".to_owned() } else { format!("/?health={status}") };
            view! {
                <li>
                    <a href=href aria-current=chosen.then_some("true") class=format!("legend-entry {status}")>
                        {dot(*status)}<span>{status.as_str()}</span><b>{grouped(u64::from(*number))}</b>
                    </a>
                </li>
            }
        })
        .collect();
    view! { <ul class="legend" aria-label="Health, filters the map" data-live="legend">{entries}</ul> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(cells: usize) -> FleetCluster {
        FleetCluster {
            name: Some("eu-dev".parse().unwrap()),
            purpose: Some(model::cluster::Purpose::Development),
            region: Some("eu-west-1".parse().unwrap()),
            capacity: 10_000,
            reachable: true,
            cells: (0..cells)
                .map(|at| FleetCell {
                    id: format!("a{at:011}").parse().unwrap(),
                    name: "<i>x</i>".to_owned(),
                    tenant: "\"Söhne\" & Co".to_owned(),
                    status: HealthStatus::ALL[at % 5],
                })
                .collect(),
        }
    }

    #[test]
    fn cells_shrink_as_the_fleet_grows() {
        let sizes: Vec<usize> = [5, 100, 1_000, 10_000].into_iter().map(pitch).collect();
        assert!(sizes.windows(2).all(|pair| pair[0] > pair[1]), "{sizes:?}");
    }

    #[test]
    fn every_instance_is_a_link_and_names_are_escaped() {
        let html = map(&[cluster(1_000)], None).to_html();
        assert_eq!(html.matches("<a class=\"cell\"").count(), 1_000);
        assert!(
            html.contains("&lt;i&gt;x&lt;/i&gt;, &quot;Söhne&quot; &amp; Co: healthy"),
            "{}",
            &html[..600]
        );
        assert!(!html.contains("<i>") && !html.contains("style="));
        let muted = map(&[cluster(10)], Some(HealthStatus::Down)).to_html();
        assert_eq!(muted.matches("class=\"cell off\"").count(), 8);
    }

    #[test]
    fn a_map_is_drawn_the_same_way_every_time() {
        insta::assert_snapshot!(map(&[cluster(5)], None).to_html());
    }
}
