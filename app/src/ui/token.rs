//! How tokens are told: their state as shape and word, the proof that one is refused, when it ends,
//! and what is known of its use. Nothing here claims more than was seen: an unknown use is unknown,
//! and a gateway that has not shown that it refuses is never drawn as one that does.

use std::time::Duration;

use leptos::prelude::*;
use model::Timestamp;
use model::enforcement::{Latency, Receipt};
use model::token::{EndReason, OnLeak, TokenState, TokenView, UsageView};

use crate::ui::layout::{count, grouped};
use crate::ui::time::{ago, at, day, duration, on, relative};

/// A token that ends sooner than this is marked.
pub const SOON: Duration = Duration::from_hours(14 * 24);

/// State as shape and word.
pub fn state(state: TokenState, unproven: bool) -> AnyView {
    let class = if unproven {
        "token-state unproven".to_owned()
    } else {
        format!("token-state {state}")
    };
    let word = if unproven {
        "revoking, unproven"
    } else {
        state.as_str()
    };
    view! { <span class=class>{mark(state)}<span>{word}</span></span> }.into_any()
}

/// The drawing that stands for a state.
fn mark(state: TokenState) -> AnyView {
    let inside = match state {
        TokenState::Issuing => {
            "<circle class=\"line\" cx=\"8\" cy=\"8\" r=\"6\"/><path class=\"fill\" d=\"M8 2a6 6 0 0 1 0 12z\"/>"
        }
        TokenState::Active => "<circle class=\"fill\" cx=\"8\" cy=\"8\" r=\"6.5\"/>",
        TokenState::Revoking => {
            "<circle class=\"line\" cx=\"8\" cy=\"8\" r=\"6\"/><path class=\"fill\" d=\"M2 8a6 6 0 0 0 12 0z\"/>"
        }
        TokenState::Revoked => {
            "<circle class=\"line\" cx=\"8\" cy=\"8\" r=\"6\"/><path class=\"line bar\" d=\"M4.8 8h6.4\"/>"
        }
        TokenState::Failed => {
            "<rect class=\"fill\" x=\"2\" y=\"2\" width=\"12\" height=\"12\" rx=\"1\"/><path class=\"cut\" d=\"M5.5 5.5l5 5M10.5 5.5l-5 5\"/>"
        }
    };
    view! {
        <svg class="token-mark" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false" inner_html=inside></svg>
    }
    .into_any()
}

/// The state of a row: the word and, below it, its proof or what it waits for.
pub fn state_cell(token: &TokenView, now: Timestamp) -> AnyView {
    let below = match token.state {
        TokenState::Revoked => Some(ended_in_short(token)),
        TokenState::Active => {
            let end = token.retires_at.unwrap_or(token.expires_at);
            let word = if token.retires_at.is_some() {
                "retires"
            } else {
                "ends"
            };
            (end.since(now) < SOON).then(|| format!("{word} {}", relative(end, now)))
        }
        TokenState::Issuing | TokenState::Revoking | TokenState::Failed => token.waiting.clone(),
    };
    let class = if token.state == TokenState::Active {
        "token-why warn-text"
    } else {
        "token-why"
    };
    let below = below.map(|text| view! { <span class=class>{text}</span> });
    view! { <span class="token-cell">{state(token.state, token.unproven)}{below}</span> }.into_any()
}

/// "expired, refused by 3 of 3 gateways, 0.8 s".
fn ended_in_short(token: &TokenView) -> String {
    let proof = token.receipt.as_ref().map_or_else(
        || "without a proof".to_owned(),
        |receipt| format!("{}, {}", refused_by(receipt), seconds(receipt.millis)),
    );
    match token.reason {
        Some(reason) if reason != EndReason::Revoked => format!("{reason}, {proof}"),
        _ => proof,
    }
}

/// "refused by 3 of 3 gateways".
#[must_use]
pub fn refused_by(receipt: &Receipt) -> String {
    let Receipt { replicas, .. } = receipt;
    let noun = if *replicas == 1 {
        "gateway"
    } else {
        "gateways"
    };
    format!("refused by {replicas} of {replicas} {noun}")
}

/// A short length of time as it is read at a glance: "80 ms", "0.8 s", "12 s".
#[must_use]
pub fn seconds(millis: u64) -> String {
    match millis {
        0..100 => format!("{millis} ms"),
        100..10_000 => {
            let tenths = (millis + 50) / 100;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        _ => duration(Duration::from_millis(millis)),
    }
}

/// What a receipt says, to whoever has to show it to somebody else.
#[must_use]
pub fn receipt(receipt: &Receipt) -> String {
    let known = if receipt.workers_known {
        ""
    } else {
        " How many workers there are was not known: each replica was asked until no new one appeared."
    };
    format!(
        "{} asked at {}, without a key: {} answered 401 and showed generation {} of the gate or a later one.{known}",
        count(receipt.routes, "route was", "routes were"),
        count(receipt.replicas, "gateway", "gateways"),
        count(receipt.workers, "worker", "workers"),
        receipt.generation,
    )
}

/// Why a token ended or ends, as a sentence.
#[must_use]
pub const fn reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Revoked => "Somebody revoked it.",
        EndReason::Expired => "Its time was over.",
        EndReason::Rotated => "Another token took its place.",
        EndReason::Leaked => "Its text was found where it does not belong.",
        EndReason::Deleted => "Its instance was deleted.",
    }
}

/// What a reported leak does, as the end of a sentence.
#[must_use]
pub const fn on_leak(what: OnLeak) -> &'static str {
    match what {
        OnLeak::Revoke => "a token that is reported as leaked is revoked at once",
        OnLeak::Tell => {
            "whoever answers for a token that is reported as leaked is told, and decides"
        }
    }
}

/// When a token ends; amber when that is soon.
pub fn ends(token: &TokenView, now: Timestamp) -> AnyView {
    if !token.state.is_open() {
        return view! { <span class="muted">{on(token.expires_at)}</span> }.into_any();
    }
    let (word, end) = match token.retires_at {
        Some(retires) => ("retires ", retires),
        None => ("", token.expires_at),
    };
    if end.since(now) >= SOON {
        return view! { {word}{on(end)} }.into_any();
    }
    view! { <span class="warn-text">{word}{ago(end, now)}</span>", "{on(end)} }.into_any()
}

/// When it was last used, with the age of that knowledge; never claimed when unknown.
pub fn last_used(usage: Option<UsageView>, now: Timestamp) -> AnyView {
    let Some(usage) = usage else {
        return view! { <span class="muted">"not known"</span> }.into_any();
    };
    let last = match usage.last_used_at {
        Some(last) => ago(last, now),
        None => "never seen used".into_any(),
    };
    view! { {last}<small class="age known">"known "{ago(usage.as_of, now)}</small> }.into_any()
}

/// The same within a sentence.
pub fn used(usage: Option<UsageView>, now: Timestamp) -> AnyView {
    let Some(usage) = usage else {
        return "not known".into_any();
    };
    let last = match usage.last_used_at {
        Some(last) => ago(last, now),
        None => "never seen used".into_any(),
    };
    view! { {last}" (known "{ago(usage.as_of, now)}")" }.into_any()
}

/// Requests counted, with the age of that knowledge.
pub fn uses(usage: Option<UsageView>, now: Timestamp) -> AnyView {
    match usage {
        Some(usage) => view! { {grouped(usage.uses)}<small class="age known">"counted "{ago(usage.as_of, now)}</small> }.into_any(),
        None => view! { <span class="muted">"not known yet"</span> }.into_any(),
    }
}

/// How long a revocation takes on a cluster, and how that is known.
pub fn latency(latency: Option<&Latency>, now: Timestamp) -> AnyView {
    let Some(latency) = latency else {
        return "How long a revocation takes here has not been measured in the last hour."
            .into_any();
    };
    let Latency {
        median_ms,
        p99_ms,
        samples,
        as_of,
    } = *latency;
    view! {
        "Revocation takes "<b>{seconds(median_ms)}</b>" here (median of the last hour, measured "
        {count(samples, "time", "times")}", 99 of 100 within "{seconds(p99_ms)}"; latest at "{at(as_of, now)}" UTC)."
    }
    .into_any()
}

/// The choices of how long a token lives: the usual ones within the policy, its default and its limit,
/// each with the day on which it would end.
#[must_use]
pub fn lives(default_days: u32, max_days: u32, now: Timestamp) -> Vec<(u32, String)> {
    let mut days: Vec<u32> = [1, 7, 30, 90, 180, 365, default_days, max_days]
        .into_iter()
        .filter(|days| (1..=max_days).contains(days))
        .collect();
    days.sort_unstable();
    days.dedup();
    days.into_iter()
        .map(|days| {
            let end = now + Duration::from_hours(24 * u64::from(days));
            let mark = if days == default_days {
                ", the default"
            } else if days == max_days {
                ", the most"
            } else {
                ""
            };
            (
                days,
                format!("{}, until {}{mark}", count(days, "day", "days"), day(end)),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_states_have_five_shapes() {
        let mut shapes: Vec<String> = TokenState::ALL
            .iter()
            .map(|it| {
                let drawn = state(*it, false).to_html();
                assert!(drawn.contains(&format!("<span>{it}</span>")), "{drawn}");
                drawn.replace(it.as_str(), "")
            })
            .collect();
        shapes.sort();
        shapes.dedup();
        assert_eq!(shapes.len(), 5);
    }

    #[test]
    fn times_are_read_at_a_glance() {
        for (millis, text) in [
            (0, "0 ms"),
            (99, "99 ms"),
            (812, "0.8 s"),
            (1_449, "1.4 s"),
            (61_000, "1 min 1 s"),
        ] {
            assert_eq!(seconds(millis), text);
        }
    }

    #[test]
    fn lives_stay_within_the_policy_and_name_its_limits() {
        let now = Timestamp::parse("2026-11-24T00:00:00Z").unwrap();
        let days: Vec<u32> = lives(14, 60, now)
            .into_iter()
            .map(|(days, _)| days)
            .collect();
        assert_eq!(days, [1, 7, 14, 30, 60]);
        let texts: Vec<String> = lives(1, 1, now).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["1 day, until 25 Nov 2026, the default"]);
    }

    #[test]
    fn what_is_not_known_is_not_claimed() {
        let now = Timestamp::parse("2026-11-24T00:00:00Z").unwrap();
        assert!(last_used(None, now).to_html().contains("not known"));
        let usage = UsageView {
            last_used_at: None,
            uses: 0,
            as_of: now,
        };
        let html = last_used(Some(usage), now).to_html();
        assert!(
            html.contains("never seen used") && html.contains("known "),
            "{html}"
        );
    }
}
