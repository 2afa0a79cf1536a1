//! Ninety days of health as one strip, today wider, with the incidents as a list beneath it. A time
//! for which nothing is known is drawn as such and left out of the share.

use std::fmt::Write as _;
use std::time::Duration;

use leptos::prelude::*;
use model::Timestamp;
use model::health::HealthStatus;
use model::view::HistorySpan;

use crate::ui::fleet_map::escaped;
use crate::ui::health::badge;
use crate::ui::time::{at, clock, duration};

const DAYS: u64 = 90;
const DAY: f64 = 86_400.0;
/// Width of the strip, and of the part of it that shows the last 24 hours.
const WIDTH: f64 = 900.0;
const TODAY: f64 = 150.0;
const HEIGHT: f64 = 34.0;

/// Where a point in time lies on the strip.
fn x(at: Timestamp, now: Timestamp) -> f64 {
    let ago = now.since(at).as_secs_f64();
    if ago <= DAY {
        WIDTH - TODAY * ago / DAY
    } else {
        let days = f64::from(u32::try_from(DAYS - 1).unwrap_or(89));
        ((WIDTH - TODAY) * (1.0 - (ago - DAY) / (days * DAY))).max(0.0)
    }
}

/// The strip, what it says in numbers, and the incidents.
pub fn strip(spans: &[HistorySpan], now: Timestamp) -> AnyView {
    let mut bars = String::new();
    for span in spans {
        bar(&mut bars, span, now);
    }
    let edge = WIDTH - TODAY;
    view! {
        <div class="history">
            <svg class="history-strip" viewBox="0 0 900 34" preserveAspectRatio="none" role="img" aria-label=share_text(spans)>
                <defs>
                    <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse">
                        <path class="hatch" d="M-1 7L7-1M-1 1L1-1M5 7L7 5"></path>
                    </pattern>
                </defs>
                <rect class="nothing" width="900" height="34"></rect>
                <g inner_html=bars></g>
                <path class="today" d=format!("M{edge} 0v34")></path>
            </svg>
            <p class="history-scale" aria-hidden="true"><span>"90 days ago"</span><span>"yesterday"</span><span>"now"</span></p>
            <p class="history-share">{share_text(spans)}" "<span class="muted">"Degraded counts as not available; unknown time is left out."</span></p>
            {incidents(spans, now)}
        </div>
    }
    .into_any()
}

fn bar(out: &mut String, span: &HistorySpan, now: Timestamp) {
    let (from, to) = (x(span.from, now), x(span.to, now));
    // A short incident must still be seen.
    let least = if span.status == HealthStatus::Healthy {
        0.0
    } else {
        2.0
    };
    let width = (to - from).max(least);
    let from = from.min(WIDTH - width);
    // Height tells apart what colour alone would not: the worse, the taller.
    let height = match span.status {
        HealthStatus::Progressing => HEIGHT * 0.3,
        HealthStatus::Degraded => HEIGHT * 0.6,
        HealthStatus::Healthy | HealthStatus::Down | HealthStatus::Unknown => HEIGHT,
    };
    let cause = span
        .cause
        .as_deref()
        .map(|text| format!(" {}", escaped(text)))
        .unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<g class=\"span {status}\"><title>{status} from {} to {}.{cause}</title>\
         <rect class=\"behind\" x=\"{from:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\"/>\
         <rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/></g>",
        clock(span.from, now),
        clock(span.to, now),
        HEIGHT - height,
        status = span.status,
    );
}

/// The share of the known time that was healthy, as hundredths of a percent; none when nothing is known.
#[must_use]
pub fn share(spans: &[HistorySpan]) -> Option<u64> {
    let sum = |wanted: fn(HealthStatus) -> bool| -> u128 {
        spans
            .iter()
            .filter(|s| wanted(s.status))
            .map(|s| s.to.since(s.from).as_micros())
            .sum()
    };
    let known = sum(|status| status != HealthStatus::Unknown);
    let good = sum(|status| matches!(status, HealthStatus::Healthy | HealthStatus::Progressing));
    // Rounded down: 99.99 must not become 100.
    (good * 10_000)
        .checked_div(known)
        .and_then(|share| u64::try_from(share).ok())
}

fn share_text(spans: &[HistorySpan]) -> String {
    match share(spans) {
        None => "Nothing is known about its health yet.".to_owned(),
        Some(share) => {
            let known: Duration = spans
                .iter()
                .filter(|s| s.status != HealthStatus::Unknown)
                .map(|s| s.to.since(s.from))
                .sum();
            format!(
                "Available {}.{:02} % of the {} that are known.",
                share / 100,
                share % 100,
                long(known)
            )
        }
    }
}

fn long(length: Duration) -> String {
    let days = length.as_secs() / 86_400;
    if days >= 2 {
        format!("{days} days")
    } else {
        duration(length)
    }
}

fn incidents(spans: &[HistorySpan], now: Timestamp) -> Option<AnyView> {
    let rows: Vec<_> = spans
        .iter()
        .rev()
        .filter(|span| match span.status {
            HealthStatus::Healthy | HealthStatus::Progressing => false,
            HealthStatus::Degraded | HealthStatus::Down => true,
            // Not having been looked at is no incident; having been lost is one.
            HealthStatus::Unknown => span.cause.is_some(),
        })
        .take(20)
        .map(|span| {
            let cause = span.cause.clone();
            view! {
                <li>
                    {badge(span.status)}
                    <span>{at(span.from, now)}" for "{duration(span.to.since(span.from))}</span>
                    <span class="muted">{cause}</span>
                </li>
            }
        })
        .collect();
    let number = rows.len();
    (number > 0).then(|| {
        let title = if number == 1 {
            "1 incident".to_owned()
        } else {
            format!("{number} latest incidents")
        };
        view! { <details class="incidents"><summary>{title}</summary><ul>{rows}</ul></details> }
            .into_any()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: u64, to: u64, status: HealthStatus) -> HistorySpan {
        let at = |hours: u64| Timestamp::from_micros(0) + Duration::from_secs(hours * 3_600);
        HistorySpan {
            from: at(from),
            to: at(to),
            status,
            cause: Some("a < b".to_owned()),
        }
    }

    #[test]
    fn unknown_time_is_left_out_and_degraded_counts_as_not_available() {
        let spans = [
            span(0, 97, HealthStatus::Healthy),
            span(97, 98, HealthStatus::Degraded),
            span(98, 100, HealthStatus::Down),
            span(100, 900, HealthStatus::Unknown),
        ];
        assert_eq!(share(&spans), Some(9_700));
        assert_eq!(share(&spans[3..]), None);
        assert!(share_text(&spans).starts_with("Available 97.00 %"));
    }

    #[test]
    fn the_strip_shows_a_short_incident() {
        let now = Timestamp::from_micros(0) + Duration::from_hours(90 * 24);
        let spans = [
            span(0, 2_000, HealthStatus::Healthy),
            span(2_000, 2_001, HealthStatus::Down),
            span(2_001, 2_160, HealthStatus::Healthy),
        ];
        let html = strip(&spans, now).to_html();
        assert!(
            html.contains("width=\"2.0\"") && html.contains("a &lt; b"),
            "{html}"
        );
        assert!(!html.contains("style="));
        insta::assert_snapshot!(html);
    }
}
