//! Use cases. Four front doors (page, REST, worker, command line) call the same methods here, and
//! each does the same things in the same order: authorise, parse, one transaction, write, audit row,
//! event, commit. Ports are traits only where the process ends.

pub mod audit;
pub mod context;
pub mod cursor;
pub mod error;
pub mod event;
pub mod limit;
pub mod origin;
pub mod ports;
pub mod tenant;

pub use self::audit::AuditService;
pub use self::context::{Context, PasswordCost, ServerKey, Settings, SignInLimits};
pub use self::error::{Error, FieldError};
pub use self::event::EventService;
pub use self::origin::Origin;
pub use self::tenant::TenantService;

/// What services answer.
pub type Result<T> = std::result::Result<T, Error>;

/// Every use case there is, by noun.
#[derive(Clone, Debug)]
pub struct Services {
    /// What all of them share.
    pub context: Context,
    /// The audit trail.
    pub audit: AuditService,
    /// What happened, as a stream.
    pub event: EventService,
    /// Organisations.
    pub tenant: TenantService,
}

impl Services {
    /// Puts them together around what they share.
    pub fn new(context: Context) -> Self {
        Self {
            audit: AuditService::new(context.clone()),
            event: EventService::new(context.clone()),
            tenant: TenantService::new(context.clone()),
            context,
        }
    }
}
