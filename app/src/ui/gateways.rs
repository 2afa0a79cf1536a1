//! The replicas of a gateway while a gate moves: one small turnstile each, which stands across the way
//! when that replica is proven to refuse and along it when it lets the token pass, with the words for
//! it beside. A replica that has not shown anything is drawn as what it was before.

use leptos::prelude::*;
use model::enforcement::{Progress, Receipt, ReplicaProgress};

use crate::ui::layout::count;

/// What the gate is moved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// So that a token passes.
    Opens,
    /// So that it does not.
    Closes,
}

impl Turn {
    /// What a replica does once it is proven.
    const fn done(self) -> &'static str {
        match self {
            Self::Opens => "knows the token",
            Self::Closes => "refuses it",
        }
    }
}

/// "2 of 3 gateways refuse it".
#[must_use]
pub fn so_far(progress: &Progress, turn: Turn) -> String {
    let all = progress.replicas.len();
    let done = progress.replicas.iter().filter(|it| it.proven).count();
    let what = match turn {
        Turn::Opens => "know the token",
        Turn::Closes => "refuse it",
    };
    let noun = if all == 1 { "gateway" } else { "gateways" };
    format!("{done} of {all} {noun} {what}")
}

/// Every replica, one by one.
pub fn replicas(progress: &Progress, turn: Turn, unproven: bool) -> AnyView {
    let lines: Vec<_> = progress
        .replicas
        .iter()
        .map(|replica| line(replica, turn, unproven))
        .collect();
    view! { <ul class="gateways" aria-label="Replicas of the gateway">{lines}</ul> }.into_any()
}

fn line(replica: &ReplicaProgress, turn: Turn, unproven: bool) -> AnyView {
    let ReplicaProgress {
        name,
        proven,
        workers_proven,
        workers_seen,
        why,
    } = replica.clone();
    let class = match (proven, unproven) {
        (true, _) => "gateway proven",
        (false, false) => "gateway waiting",
        (false, true) => "gateway overdue",
    };
    let words = if proven {
        turn.done().to_owned()
    } else if why.is_empty() {
        "not asked yet".to_owned()
    } else {
        why
    };
    let workers = (workers_seen > 0).then(|| {
        format!(
            "{workers_proven} of {}",
            count(workers_seen, "worker", "workers")
        )
    });
    view! {
        <li class=class>
            {turnstile(proven, turn)}
            <span class="gateway-name">{name}</span>
            <span class="gateway-words">{words}</span>
            <small class="age">{workers}</small>
        </li>
    }
    .into_any()
}

/// The same for a proof that is complete: as many as were asked, all of them turned.
pub fn all_refuse(receipt: &Receipt) -> AnyView {
    // More than a handful says no more than the number that stands above.
    let shown = receipt.replicas.min(24);
    let lines: Vec<_> = (1..=shown)
        .map(|number| {
            view! {
                <li class="gateway proven">
                    {turnstile(true, Turn::Closes)}
                    <span class="gateway-name">"Gateway "{number}</span>
                    <span class="gateway-words">{Turn::Closes.done()}</span>
                </li>
            }
        })
        .collect();
    view! { <ul class="gateways" aria-label="Replicas of the gateway">{lines}</ul> }.into_any()
}

/// Two posts and an arm: across the way when closed, along it when open.
fn turnstile(proven: bool, turn: Turn) -> AnyView {
    let closed = proven == (turn == Turn::Closes);
    let inside = if closed {
        "<path class=\"post\" d=\"M5 6v20M27 6v20\"/><path class=\"arm\" d=\"M8 16h16\"/><circle class=\"hub\" cx=\"16\" cy=\"16\" r=\"3.2\"/>"
    } else {
        "<path class=\"post\" d=\"M5 6v20M27 6v20\"/><path class=\"arm\" d=\"M16 8v16\"/><circle class=\"hub\" cx=\"16\" cy=\"16\" r=\"3.2\"/>"
    };
    view! {
        <svg class="turnstile" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false" inner_html=inside></svg>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    fn replica(name: &str, proven: bool, why: &str) -> ReplicaProgress {
        ReplicaProgress {
            name: name.to_owned(),
            proven,
            workers_proven: 1,
            workers_seen: 2,
            why: why.to_owned(),
        }
    }

    #[test]
    fn only_what_was_shown_is_drawn_as_closed() {
        let progress = Progress {
            generation: 14,
            replicas: vec![
                replica("apisix-0", true, ""),
                replica("apisix-1", false, "1 of 2 workers have shown it"),
            ],
            at: Timestamp::from_micros(0),
        };
        assert_eq!(so_far(&progress, Turn::Closes), "1 of 2 gateways refuse it");
        let html = replicas(&progress, Turn::Closes, false).to_html();
        assert_eq!(html.matches("M8 16h16").count(), 1, "{html}");
        assert_eq!(html.matches("M16 8v16").count(), 1, "{html}");
        assert!(html.contains("1 of 2 workers have shown it"), "{html}");
        let opening = replicas(&progress, Turn::Opens, false).to_html();
        assert!(opening.contains("knows the token"), "{opening}");
    }
}
