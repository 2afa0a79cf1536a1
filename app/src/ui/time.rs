//! Times for people: relative in the text, exact in the `<time>` element, so that "4 min ago" can
//! always be resolved to the second. The server says what was true when the page was made; an
//! island ticks the text from the same `datetime`, by the same rules.

use std::time::Duration;

use leptos::prelude::*;
use model::Timestamp;
use time::OffsetDateTime;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// How far `at` lies from `now`: "just now", "40 s ago", "in 3 h".
#[must_use]
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        let ahead = at.since(now);
        if ahead < Duration::from_secs(1) {
            "now".to_owned()
        } else {
            format!("in {}", span(ahead))
        }
    } else {
        let ago = now.since(at);
        if ago < Duration::from_secs(5) {
            "just now".to_owned()
        } else {
            format!("{} ago", span(ago))
        }
    }
}

/// A length of time in its largest fitting unit: "40 s", "4 min", "3 h", "12 d".
#[must_use]
pub fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0 => format!("{} ms", length.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A length of time as exactly as it matters for steps of operations: "40 ms", "1.4 s",
/// "2 min 5 s".
#[must_use]
pub fn duration(length: Duration) -> String {
    let (seconds, tenths) = (length.as_secs(), length.subsec_millis() / 100);
    match seconds {
        0 if length.as_millis() == 0 => "at once".to_owned(),
        0 => format!("{} ms", length.as_millis()),
        1..10 => format!("{seconds}.{tenths} s"),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

fn parts(at: Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.micros()) * 1_000).ok()
}

/// To the second, in UTC: "24 Nov 2026, 12:00:05 UTC".
#[must_use]
pub fn exact(at: Timestamp) -> String {
    parts(at).map_or_else(
        || at.to_string(),
        |t| {
            let month = MONTHS[usize::from(u8::from(t.month())) - 1];
            let (day, year) = (t.day(), t.year());
            format!(
                "{day} {month} {year}, {:02}:{:02}:{:02} UTC",
                t.hour(),
                t.minute(),
                t.second()
            )
        },
    )
}

/// The day: "24 Nov 2026".
#[must_use]
pub fn day(at: Timestamp) -> String {
    parts(at).map_or_else(
        || at.to_string(),
        |t| {
            format!(
                "{} {} {}",
                t.day(),
                MONTHS[usize::from(u8::from(t.month())) - 1],
                t.year()
            )
        },
    )
}

/// The time of day: "14:02", preceded by the day when that is not today's.
#[must_use]
pub fn clock(at: Timestamp, now: Timestamp) -> String {
    let (Some(t), Some(n)) = (parts(at), parts(now)) else {
        return at.to_string();
    };
    let clock = format!("{:02}:{:02}", t.hour(), t.minute());
    if t.date() == n.date() {
        clock
    } else {
        format!(
            "{} {} {clock}",
            t.day(),
            MONTHS[usize::from(u8::from(t.month())) - 1]
        )
    }
}

/// `<time>` with a relative text that an island keeps ticking.
pub fn ago(at: Timestamp, now: Timestamp) -> AnyView {
    element(at, relative(at, now), "ago")
}

/// `<time>` with the day, for things that happened long ago.
pub fn on(at: Timestamp) -> AnyView {
    element(at, day(at), "on")
}

/// `<time>` with the time of day.
pub fn at(at: Timestamp, now: Timestamp) -> AnyView {
    element(at, clock(at, now), "at")
}

fn element(at: Timestamp, text: String, kind: &'static str) -> AnyView {
    view! { <time datetime=at.to_string() title=exact(at) data-time=kind>{text}</time> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_times() {
        let now = Timestamp::from_micros(1_000_000_000_000);
        for (seconds, text) in [
            (0, "just now"),
            (4, "just now"),
            (5, "5 s ago"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (3_599, "59 min ago"),
            (3_600, "1 h ago"),
            (172_799, "47 h ago"),
            (172_800, "2 d ago"),
            (8_640_000, "100 d ago"),
        ] {
            assert_eq!(relative(now - Duration::from_secs(seconds), now), text);
        }
        assert_eq!(relative(now + Duration::from_mins(10), now), "in 10 min");
        assert_eq!(relative(now + Duration::from_millis(400), now), "now");
    }

    #[test]
    fn exact_times_and_durations() {
        let at = Timestamp::parse("2026-11-24T14:02:05.5Z").unwrap();
        assert_eq!(exact(at), "24 Nov 2026, 14:02:05 UTC");
        assert_eq!(clock(at, at), "14:02");
        assert_eq!(clock(at, at + Duration::from_hours(24)), "24 Nov 14:02");
        assert_eq!(duration(Duration::from_millis(1_449)), "1.4 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(duration(Duration::from_secs(3_725)), "1 h 2 min");
        assert_eq!(span(Duration::from_millis(20)), "20 ms");
    }

    #[test]
    fn the_element_carries_both() {
        let at = Timestamp::parse("2026-11-24T14:02:05Z").unwrap();
        let html = ago(at, at + Duration::from_secs(61)).to_html();
        assert!(html.contains("datetime=\"2026-11-24T14:02:05Z\""), "{html}");
        assert!(
            html.contains("title=\"24 Nov 2026, 14:02:05 UTC\""),
            "{html}"
        );
        assert!(html.contains("1 min ago"), "{html}");
    }
}
