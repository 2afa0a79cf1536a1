//! HTTP: one router in front of pages, REST, events, static files and the checks of an orchestrator.
//! Layers decide who asks and refuse what must not come in; handlers decode, call one use case and
//! encode. Invariant: every error leaves as problem+json for programs and as a page for people, and
//! every answer carries its request id.

pub mod answer;
pub mod assets;
pub mod caller;
pub mod client_address;
pub mod compression;
pub mod csrf;
pub mod extract;
pub mod failure_page;
pub mod idempotency;
pub mod limits;
pub mod metrics;
pub mod openapi;
pub mod page_caller;
pub mod panic;
pub mod problem;
pub mod readiness;
pub mod reference;
pub mod request_id;
pub mod router;
pub mod security_headers;
pub mod session;
pub mod state;
pub mod trace;
#[expect(
    unused_qualifications,
    reason = "the macro that describes parameters writes its trait out"
)]
pub mod v1;

pub use self::metrics::Metrics;
pub use self::openapi::openapi;
pub use self::router::{metrics_router, router};
pub use self::state::{AppState, HttpSettings};
