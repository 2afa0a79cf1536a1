//! The timeline of an operation: steps as a vertical line, each with what it did and how long, what
//! it waits for and until when, or why it failed and the way on. The same on every page.

use std::time::Duration;

use leptos::prelude::*;
use model::Timestamp;
use model::operation::{OperationKind, OperationState, StepName, StepState};
use model::view::{OperationView, StepView};

use crate::ui::icon::{Icon, icon};
use crate::ui::time::{ago, at, duration, relative, span};

/// "Create", "Upgrade" and so on, at the beginning of a sentence.
#[must_use]
pub const fn kind(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Create => "Create",
        OperationKind::Upgrade => "Upgrade",
        OperationKind::Reconfigure => "Reconfigure",
        OperationKind::Delete => "Delete",
    }
}

/// State as shape and word.
pub fn state(operation: &OperationView) -> AnyView {
    let word = if operation.cancelling {
        "cancelling"
    } else {
        operation.state.as_str()
    };
    view! { <span class=format!("op-state {word}")>{mark(state_mark(operation.state))}<span>{word}</span></span> }
        .into_any()
}

const fn state_mark(state: OperationState) -> StepState {
    match state {
        OperationState::Queued => StepState::Pending,
        OperationState::Running => StepState::Running,
        OperationState::Waiting => StepState::Waiting,
        OperationState::Stuck | OperationState::Failed => StepState::Failed,
        OperationState::Succeeded => StepState::Succeeded,
        OperationState::Cancelled => StepState::Skipped,
    }
}

/// The drawing that stands for a step's state.
fn mark(state: StepState) -> AnyView {
    let inside = match state {
        StepState::Pending => "<circle class=\"line\" cx=\"8\" cy=\"8\" r=\"5\"/>",
        StepState::Running => {
            "<circle class=\"line\" cx=\"8\" cy=\"8\" r=\"6\"/><path class=\"fill\" d=\"M8 2a6 6 0 0 1 0 12z\"/>"
        }
        StepState::Waiting => {
            "<circle class=\"line\" cx=\"8\" cy=\"8\" r=\"6\"/><path class=\"line\" d=\"M8 4.5V8l2.4 1.6\"/>"
        }
        StepState::Succeeded => {
            "<circle class=\"fill\" cx=\"8\" cy=\"8\" r=\"7\"/><path class=\"cut\" d=\"M4.8 8.3l2.2 2.2 4.2-4.6\"/>"
        }
        StepState::Failed => {
            "<rect class=\"fill\" x=\"1.5\" y=\"1.5\" width=\"13\" height=\"13\" rx=\"1\"/><path class=\"cut\" d=\"M8 4.5V9M8 11.5v0\"/>"
        }
        StepState::Skipped => {
            "<circle class=\"line\" cx=\"8\" cy=\"8\" r=\"6\"/><path class=\"line\" d=\"M4.5 11.5l7-7\"/>"
        }
    };
    view! {
        <svg
            class=format!("step-mark {}", state.as_str())
            viewBox="0 0 16 16"
            width="16"
            height="16"
            aria-hidden="true"
            focusable="false"
            inner_html=inside
        ></svg>
    }
    .into_any()
}

/// How far it is: a bar, the number, and the time left as far as history tells.
pub fn progress(operation: &OperationView) -> AnyView {
    let percent = operation.percent;
    let left = operation
        .remaining_ms
        .filter(|_| operation.state.is_active())
        .map(|ms| {
            format!(
                " · about {} left",
                span(Duration::from_millis(ms.max(1_000)))
            )
        });
    view! {
        <span class="progress">
            <progress value=percent.to_string() max="100" aria-label=format!("{} in progress", kind(operation.kind))>
                {percent}" %"
            </progress>
            <span class="progress-text">{percent}" %"{left}</span>
        </span>
    }
    .into_any()
}

/// The whole timeline.
pub fn timeline(operation: &OperationView, now: Timestamp) -> AnyView {
    let steps: Vec<_> = operation.steps.iter().map(|one| step(one, now)).collect();
    view! { <ol class="timeline" aria-label="Steps">{steps}</ol> }.into_any()
}

fn step(step: &StepView, now: Timestamp) -> AnyView {
    let message = step
        .message
        .clone()
        .map(|text| view! { <p class="step-message">{text}</p> });
    let word = (step.state != StepState::Succeeded)
        .then(|| view! { <span class="step-word">{step.state.as_str()}</span> });
    view! {
        <li class=format!("step {}", step.state.as_str())>
            {mark(step.state)}
            <div>
                <p class="step-title">{step.name.title()}{word}<span class="step-time">{timing(step, now)}</span></p>
                {message}
            </div>
        </li>
    }
    .into_any()
}

fn timing(step: &StepView, now: Timestamp) -> AnyView {
    let usual = span(Duration::from_millis(step.usual_ms.max(1)));
    match (step.started_at, step.finished_at, step.deadline_at) {
        (Some(begun), Some(ended), _) => duration(ended.since(begun)).into_any(),
        // The grace period has a date instead of a usual length.
        (Some(_), None, Some(end)) if step.name == StepName::Grace => {
            view! { "until "{at(end, now)} }.into_any()
        }
        (Some(begun), None, Some(end)) => {
            view! { {duration(now.since(begun))}", usually "{usual}", until "{at(end, now)}" at the latest" }
                .into_any()
        }
        (Some(begun), None, None) => {
            view! { {duration(now.since(begun))}", usually "{usual} }.into_any()
        }
        (None, _, _) if step.state == StepState::Pending && step.name != StepName::Grace => {
            view! { "usually "{usual} }.into_any()
        }
        (None, _, _) => "".into_any(),
    }
}

/// Why it is stuck or failed, and what to do.
pub fn trouble(operation: &OperationView) -> Option<AnyView> {
    let error = operation.error.clone()?;
    let word = if operation.state == OperationState::Stuck {
        "Stuck."
    } else {
        "Failed."
    };
    let view = view! {
        <div class="cause down" data-cause=error.code>
            <p class="cause-what">{icon(Icon::Alert)}<strong>{word}</strong>" "{error.sentence}</p>
            <p class="cause-next">{error.next}" "<span class="cause-who">{error.who.acts()}</span></p>
        </div>
    };
    Some(view.into_any())
}

/// What can be done about it: cancel while it is active, retry when it has failed.
pub fn controls(operation: &OperationView) -> Option<AnyView> {
    let id = operation.id;
    if operation.kind == OperationKind::Delete && operation.state == OperationState::Waiting {
        // While it waits it is undone as a whole, by the button beside the date.
        return None;
    }
    if operation.state.is_active() {
        let cancel = match (&operation.cancel_refused, operation.cancelling) {
            (_, true) => {
                view! { <p class="muted">"Stopping: it ends after the step that is under way."</p> }
                    .into_any()
            }
            (Some(why), _) => view! { <p class="muted">{why.clone()}</p> }.into_any(),
            (None, false) => view! {
                <form method="post" action=format!("/operations/{id}/cancel")>
                    <button class="button">"Cancel operation"</button>
                </form>
            }
            .into_any(),
        };
        let retry = (operation.state == OperationState::Stuck).then(|| retry(operation));
        return Some(view! { <div class="controls">{retry}{cancel}</div> }.into_any());
    }
    matches!(
        operation.state,
        OperationState::Failed | OperationState::Cancelled
    )
    .then(|| view! { <div class="controls">{retry(operation)}</div> }.into_any())
}

fn retry(operation: &OperationView) -> AnyView {
    let from = operation
        .steps
        .iter()
        .find(|step| !matches!(step.state, StepState::Succeeded | StepState::Skipped))
        .map(|step| format!(" from “{}”", step.name.title()));
    view! {
        <form method="post" action=format!("/operations/{}/retry", operation.id)>
            <button class="button">"Retry"{from}</button>
        </form>
    }
    .into_any()
}

/// Who asked and when, in a sentence.
pub fn asked(operation: &OperationView, now: Timestamp) -> AnyView {
    let by = operation.requested_by.clone();
    let ended = operation.finished_at.map(|ended| {
        let took = duration(ended.since(operation.created_at));
        view! { ", ended "{ago(ended, now)}" after "{took} }
    });
    view! { "Asked by "{by}" "{ago(operation.created_at, now)}{ended} }.into_any()
}

/// Operations as a list whose lines are kept up to date; `none` is said while there are none.
pub fn list(operations: &[OperationView], none: &'static str, now: Timestamp) -> AnyView {
    let rows: Vec<_> = operations.iter().map(|one| line(one, now)).collect();
    view! {
        <div class="live-list">
            <ul class="op-list" data-live-rows="operations"><li class="nothing">{none}</li>{rows}</ul>
        </div>
    }
    .into_any()
}

/// One line for lists: what, to what, how far.
fn line(operation: &OperationView, now: Timestamp) -> AnyView {
    let current = operation
        .steps
        .iter()
        .find(|step| {
            matches!(
                step.state,
                StepState::Running | StepState::Waiting | StepState::Failed
            )
        })
        .map(|step| step.name.title());
    view! {
        <li class="op-line" data-live=format!("operation-{}", operation.id)>
            <a href=format!("/operations/{}", operation.id)>
                {kind(operation.kind)}" "<b>{operation.instance_name.clone()}</b>
            </a>
            {state(operation)}
            <span class="op-current">{current}</span>
            {progress(operation)}
            <small class="age">"asked "{relative(operation.created_at, now)}</small>
        </li>
    }
    .into_any()
}
