//! Operations as the API shows them: what is being done to an instance, step by step.

pub mod cancel;
pub mod go_on_unproven;
pub mod list;
pub mod read;
pub mod retry;

use model::operation::{OperationKind, OperationState, StepName, StepState};
use model::view::{OperationView, StepView};
use model::{InstanceId, OperationId, TenantId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::health::Cause;
use super::words;
use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(read::read))
        .routes(routes!(cancel::cancel))
        .routes(routes!(retry::retry))
        .routes(routes!(go_on_unproven::go_on_unproven))
}

/// Where an operation is to be found.
#[must_use]
pub fn address(id: OperationId) -> String {
    format!("/api/v1/operations/{id}")
}

/// A step of an operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    /// Which.
    #[schema(schema_with = words::step_name)]
    pub name: StepName,
    /// What people read.
    pub title: &'static str,
    /// Where it is.
    #[schema(schema_with = words::step_state)]
    pub state: StepState,
    /// When it was begun.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// What it waits for, or why it failed.
    pub message: Option<String>,
    /// Until when it may take, while it runs or waits.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline_at: Option<Timestamp>,
    /// How long it usually takes, in milliseconds.
    pub usual_ms: u64,
}

impl From<StepView> for Step {
    fn from(view: StepView) -> Self {
        Self {
            name: view.name,
            title: view.name.title(),
            state: view.state,
            started_at: view.started_at,
            finished_at: view.finished_at,
            message: view.message,
            deadline_at: view.deadline_at,
            usual_ms: view.usual_ms,
        }
    }
}

/// A change to an instance that somebody asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Operation {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: OperationId,
    /// The instance.
    #[schema(value_type = String)]
    pub instance_id: InstanceId,
    /// What the instance is called.
    pub instance_name: String,
    /// The tenant.
    #[schema(value_type = String, format = "uuid")]
    pub tenant_id: TenantId,
    /// What is done.
    #[schema(schema_with = words::operation_kind)]
    pub kind: OperationKind,
    /// Where it is.
    #[schema(schema_with = words::operation_state)]
    pub state: OperationState,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    pub percent: u8,
    /// Time left in milliseconds as far as history tells, while it is active.
    pub remaining_ms: Option<u64>,
    /// Why it is stuck or failed.
    pub error: Option<Cause>,
    /// In words.
    pub summary: String,
    /// Who asked.
    pub requested_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// Whether somebody asked for it to be cancelled and it has not stopped yet.
    pub cancelling: bool,
    /// Why it cannot be cancelled now; null when it can.
    pub cancel_refused: Option<String>,
}

impl From<OperationView> for Operation {
    fn from(view: OperationView) -> Self {
        Self {
            id: view.id,
            instance_id: view.instance_id,
            instance_name: view.instance_name,
            tenant_id: view.tenant_id,
            kind: view.kind,
            state: view.state,
            steps: view.steps.into_iter().map(Into::into).collect(),
            percent: view.percent,
            remaining_ms: view.remaining_ms,
            error: view.error.map(Into::into),
            summary: view.summary,
            requested_by: view.requested_by,
            created_at: view.created_at,
            finished_at: view.finished_at,
            cancelling: view.cancelling,
            cancel_refused: view.cancel_refused,
        }
    }
}
