//! Health as people see it: shape, word and colour together, the same five everywhere, also inside
//! larger drawings. A status that is not known never looks like one that is.

use std::fmt::Write as _;

use leptos::prelude::*;
use model::Timestamp;
use model::health::{HealthStatus, Opinion};
use model::view::{CauseView, HealthView};

use crate::ui::time::{ago, at};

/// The shape of a status as SVG text, centred at `x`, `y`, with the size of a square's side.
/// Text and not a view, because a fleet map holds thousands.
#[must_use]
pub fn shape(status: HealthStatus, x: f32, y: f32, size: f32) -> String {
    let r = size / 2.0;
    let class = status.as_str();
    let mut out = String::with_capacity(120);
    // Writing to a String cannot fail.
    let _ = match status {
        HealthStatus::Healthy => write!(
            out,
            "<circle class=\"s {class}\" cx=\"{x}\" cy=\"{y}\" r=\"{}\"/>",
            round(r)
        ),
        HealthStatus::Progressing => write!(
            out,
            "<g class=\"s {class}\"><circle class=\"ring\" cx=\"{x}\" cy=\"{y}\" r=\"{ring}\"/><path d=\"M{x} {top}a{ring} {ring} 0 0 1 0 {both}z\"/></g>",
            ring = round(r * 0.86),
            top = round(y - r * 0.86),
            both = round(r * 1.72),
        ),
        HealthStatus::Degraded => write!(
            out,
            "<path class=\"s {class}\" d=\"M{x} {}L{} {bottom}H{}z\"/>",
            round(y - r),
            round(x + r * 1.1),
            round(x - r * 1.1),
            bottom = round(y + r * 0.9),
        ),
        HealthStatus::Down => write!(
            out,
            "<rect class=\"s {class}\" x=\"{}\" y=\"{}\" width=\"{w}\" height=\"{w}\"/>",
            round(x - r * 0.92),
            round(y - r * 0.92),
            w = round(size * 0.92),
        ),
        HealthStatus::Unknown => write!(
            out,
            "<circle class=\"s {class} ring\" cx=\"{x}\" cy=\"{y}\" r=\"{}\"/>",
            round(r * 0.82)
        ),
    };
    out
}

/// One decimal is enough for a drawing, and keeps a large map small.
fn round(value: f32) -> f32 {
    (value * 10.0).round() / 10.0
}

/// The shape alone, as an inline drawing for use beside its word.
pub fn dot(status: HealthStatus) -> AnyView {
    view! {
        <svg
            class="dot"
            viewBox="0 0 12 12"
            width="12"
            height="12"
            aria-hidden="true"
            focusable="false"
            inner_html=shape(status, 6.0, 6.0, 10.0)
        ></svg>
    }
    .into_any()
}

/// Shape and word.
pub fn badge(status: HealthStatus) -> AnyView {
    view! { <span class=format!("health {status}")>{dot(status)}<span>{status.as_str()}</span></span> }
        .into_any()
}

/// Shape and word of an instance, with the age of what is known when it is old or unknown.
pub fn of_instance(health: &HealthView, now: Timestamp) -> AnyView {
    let old = health.stale || health.status == HealthStatus::Unknown;
    let seen = if health.status == HealthStatus::Unknown {
        health.since
    } else {
        health.as_of
    };
    let word = if health.status == HealthStatus::Unknown {
        "since "
    } else {
        "seen "
    };
    let age = old.then(|| view! { <small class="age">{word}{ago(seen, now)}</small> });
    let class = if health.stale {
        "health-cell stale"
    } else {
        "health-cell"
    };
    view! { <span class=class>{badge(health.status)}{age}</span> }.into_any()
}

/// What is so, why, what to do, who: the one way in which a cause is told.
pub fn cause(status: HealthStatus, since: Timestamp, cause: &CauseView, now: Timestamp) -> AnyView {
    let CauseView {
        sentence,
        next,
        who,
        code,
    } = cause.clone();
    view! {
        <div class=format!("cause {status}") data-cause=code>
            <p class="cause-what">{dot(status)}<strong>{title(status)}" since "{at(since, now)}"."</strong>" "{sentence}</p>
            <p class="cause-next">{next}" "<span class="cause-who">{who.acts()}</span></p>
        </div>
    }
    .into_any()
}

/// The same box while there is no cause to tell, so that one that appears moves nothing.
pub fn no_cause(status: HealthStatus, since: Timestamp, now: Timestamp) -> AnyView {
    let (what, next) = match status {
        HealthStatus::Healthy => (
            "Deployment, runtime and a real request agree.",
            "Nothing to do.",
        ),
        HealthStatus::Progressing => (
            "It is on its way, and no trouble is known.",
            "Wait; what takes too long is named here.",
        ),
        HealthStatus::Degraded | HealthStatus::Down => (
            "No cause has been found yet.",
            "Compare the three opinions below.",
        ),
        HealthStatus::Unknown => (
            "Nobody has seen it yet, or not for a while.",
            "It is looked at again by itself.",
        ),
    };
    view! {
        <div class=format!("cause {status}")>
            <p class="cause-what">{dot(status)}<strong>{title(status)}" since "{at(since, now)}"."</strong>" "{what}</p>
            <p class="cause-next">{next}</p>
        </div>
    }
    .into_any()
}

/// The word at the beginning of a sentence.
#[must_use]
pub const fn title(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Healthy => "Healthy",
        HealthStatus::Progressing => "Progressing",
        HealthStatus::Degraded => "Degraded",
        HealthStatus::Down => "Down",
        HealthStatus::Unknown => "Unknown",
    }
}

/// One of the three opinions: who says it, what, and when that was true.
pub fn opinion(
    name: &'static str,
    source: &'static str,
    opinion: &Opinion,
    now: Timestamp,
) -> AnyView {
    let summary = opinion.summary.clone();
    let when = match opinion.as_of {
        Some(seen) => view! { "seen "{ago(seen, now)} }.into_any(),
        None => "never seen".into_any(),
    };
    view! {
        <div class="opinion">
            <dt>{name}<small>{source}</small></dt>
            <dd>{badge(opinion.status)}<span class="opinion-why">{summary}</span><small class="age">{when}</small></dd>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_shapes_five_words() {
        let mut shapes: Vec<String> = HealthStatus::ALL
            .iter()
            .map(|status| {
                assert!(
                    badge(*status)
                        .to_html()
                        .contains(&format!("<span>{status}</span>"))
                );
                let drawn = shape(*status, 6.0, 6.0, 10.0);
                assert!(drawn.contains(status.as_str()) && !drawn.contains("style="));
                drawn.replace(status.as_str(), "")
            })
            .collect();
        shapes.sort();
        shapes.dedup();
        assert_eq!(shapes.len(), 5, "each word has a shape of its own");
    }
}
