//! Use cases. Four front doors (page, REST, worker, command line) call the same methods here, and
//! each does the same things in the same order: authorise, parse, one transaction, write, audit row,
//! event, commit. Ports are traits only where the process ends.

pub mod access_token;
pub mod audit;
pub mod auth;
pub mod cluster;
pub mod context;
pub mod cursor;
pub mod enforcement;
pub mod error;
pub mod event;
pub mod fleet;
mod health;
pub mod idempotency;
pub mod instance;
pub mod limit;
mod link;
pub mod operation;
pub mod origin;
pub mod password;
pub mod ports;
pub mod prune;
pub mod release;
pub mod session;
mod target;
pub mod tenant;
pub mod token;
mod touch;
pub mod user;
pub mod watch;
mod watchman;
pub mod work;

use std::sync::Arc;

pub use self::access_token::{AccessTokenService, CreateAccessToken, CreatedAccessToken};
pub use self::audit::{AuditFilter, AuditService};
pub use self::auth::{AuthService, FirstOwner};
pub use self::cluster::{ChangeCluster, ClusterService};
pub use self::context::{Context, PasswordCost, ServerKey, Settings, SignInLimits};
pub use self::enforcement::{EnforcementService, Keeper, Overdue};
pub use self::error::{Error, FieldError};
pub use self::event::EventService;
pub use self::fleet::{FleetService, SearchHit};
pub use self::idempotency::{Begun, IdempotencyKey, IdempotencyService, Ticket};
pub use self::instance::{
    CreateInstance, Created, DeleteInstance, InstanceFilter, InstanceService, UpgradeInstance,
};
pub use self::operation::{OperationFilter, OperationService};
pub use self::origin::Origin;
pub use self::release::ReleaseService;
pub use self::session::{DbSessions, SessionService};
pub use self::tenant::{CreateTenant, TenantFilter, TenantService};
pub use self::token::{
    ChangeToken, IssueToken, IssuedToken, LeakReport, RevokeAll, RevokeToken, RotateToken,
    TokenFilter, TokenService,
};
pub use self::user::{AcceptInvitation, InvitationSent, InvitationView, InvitePerson, UserService};
pub use self::watch::Watcher;
pub use self::work::Worker;

/// What services answer.
pub type Result<T> = std::result::Result<T, Error>;

/// Every use case there is, by noun.
#[derive(Clone, Debug)]
pub struct Services {
    /// What all of them share.
    pub context: Context,
    /// Access tokens of this control plane's API.
    pub access_token: AccessTokenService,
    /// The audit trail.
    pub audit: AuditService,
    /// Signing in and the first owner.
    pub auth: AuthService,
    /// How long revocations take, and which are overdue.
    pub enforcement: EnforcementService,
    /// What happened, as a stream.
    pub event: EventService,
    /// Clusters.
    pub cluster: ClusterService,
    /// The fleet on one page.
    pub fleet: FleetService,
    /// Instances.
    pub instance: InstanceService,
    /// What is done to instances.
    pub operation: OperationService,
    /// Answers kept for repeated requests.
    pub idempotency: IdempotencyService,
    /// The catalogue of releases.
    pub release: ReleaseService,
    /// Sessions of browsers.
    pub session: SessionService,
    /// Organisations.
    pub tenant: TenantService,
    /// Tokens of instances.
    pub token: TokenService,
    /// People and invitations.
    pub user: UserService,
    pub(crate) history: Arc<operation::history::History>,
    /// Tells this process from those before it, in the names of holders.
    pub(crate) process: String,
}

impl Services {
    /// Puts them together around what they share.
    pub fn new(context: Context) -> Self {
        let passwords = Arc::new(password::Passwords::new(
            &context.settings.password,
            context.entropy.clone(),
        ));
        let history = Arc::new(operation::history::History::default());
        let process = work::nonce(&*context.entropy);
        Self {
            access_token: AccessTokenService::new(context.clone()),
            audit: AuditService::new(context.clone()),
            auth: AuthService::new(context.clone(), passwords.clone()),
            enforcement: EnforcementService::new(context.clone()),
            event: EventService::new(context.clone()),
            cluster: ClusterService::new(context.clone()),
            fleet: FleetService::new(context.clone(), history.clone()),
            idempotency: IdempotencyService::new(context.clone()),
            instance: InstanceService::new(context.clone(), history.clone()),
            operation: OperationService::new(context.clone(), history.clone()),
            release: ReleaseService::new(context.clone()),
            session: SessionService::new(context.clone()),
            tenant: TenantService::new(context.clone()),
            token: TokenService::new(context.clone()),
            user: UserService::new(context.clone(), passwords),
            history,
            process,
            context,
        }
    }
}
