//! The whole server in this process: the real router in front of real services, a database of its own,
//! an imagined cluster, a clock that stands still, and people of every role to ask as.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use app::context::Assets;
use axum::Router;
use hosted_instances::http::{self, AppState, HttpSettings, Metrics};
use hosted_instances::wiring::github::GithubKeys;
use model::cluster::Purpose;
use model::secret_text::PlainToken;
use model::user::Role;
use model::{Actor, TenantId, UserId};
use service::{AcceptInvitation, CreateAccessToken, FirstOwner, InvitePerson, Services, Settings};
use tokio::sync::watch;
use tower_sessions::Session;

use crate::client::{Client, Proof};
use crate::cluster::Imagined;
use crate::db::TestDb;
use crate::services::{MemoryMailer, PASSWORD, TestServices, origin, settings};
use crate::world::TestWorld;

/// The catalogue of a new installation.
const CATALOGUE: &str = include_str!("../../deploy/releases.toml");

/// The address people type.
pub const PUBLIC_URL: &str = "http://localhost:8080";

/// Where nobody publishes keys.
const GITHUB_KEYS: &str = "http://127.0.0.1:1/keys";

/// Somebody to ask as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Staff owner.
    Owner,
    /// Staff operator.
    Operator,
    /// Staff viewer.
    Viewer,
    /// Admin of the tenant that things belong to.
    Admin,
    /// Member of that tenant.
    Member,
    /// Admin of another tenant.
    Stranger,
}

impl Who {
    /// Everybody.
    pub const ALL: [Self; 6] = [
        Self::Owner,
        Self::Operator,
        Self::Viewer,
        Self::Admin,
        Self::Member,
        Self::Stranger,
    ];

    /// Their address.
    #[must_use]
    pub const fn email(self) -> &'static str {
        match self {
            Self::Owner => "owner@example.org",
            Self::Operator => "operator@example.org",
            Self::Viewer => "viewer@example.org",
            Self::Admin => "admin@acme.example",
            Self::Member => "member@acme.example",
            Self::Stranger => "admin@other.example",
        }
    }

    const fn role(self) -> Role {
        match self {
            Self::Owner => Role::StaffOwner,
            Self::Operator => Role::StaffOperator,
            Self::Viewer => Role::StaffViewer,
            Self::Admin | Self::Stranger => Role::TenantAdmin,
            Self::Member => Role::TenantMember,
        }
    }
}

/// The server and those who ask it.
pub struct TestApp {
    /// Database, services, cluster, worker.
    pub world: TestWorld,
    /// The router.
    pub router: Router,
    /// What the router shares.
    pub state: AppState,
    /// Another tenant than `world.tenant`.
    pub other: TenantId,
    /// What was mailed.
    pub mailer: Arc<MemoryMailer>,
    people: BTreeMap<Who, UserId>,
    stop: watch::Sender<bool>,
}

impl TestApp {
    /// With two tenants (Acme and Other), people of every role, and one development cluster.
    pub async fn new() -> Self {
        Self::with(settings(), |_| {}).await
    }

    /// The same with other settings.
    pub async fn with(settings: Settings, http: impl FnOnce(&mut HttpSettings)) -> Self {
        let db = TestDb::new().await;
        let cluster = Imagined::new(db.clock.clone());
        let built = TestServices::build(db, settings, Arc::new(cluster.clone()));
        built.mailer.only_outbox();
        let (tenant, other) = (built.tenant("Acme").await, built.tenant("Other").await);
        let TestServices {
            services,
            db,
            mailer,
        } = built;
        services
            .release
            .seed(CATALOGUE)
            .await
            .expect("the catalogue is taken");
        let mut people = BTreeMap::new();
        for who in Who::ALL {
            let id = join(&services, who, tenant, other).await;
            people.insert(who, id);
        }
        let services = Arc::new(services);
        let (stop, draining) = watch::channel(false);
        let state = state(Arc::clone(&services), draining, http);
        let world = TestWorld {
            db,
            services,
            cluster,
            mailer: Arc::clone(&mailer),
            actor: Actor::Operator,
            tenant,
        };
        world.adopt("eu-dev", Purpose::Development, 1_000).await;
        let router = http::router(&state);
        Self {
            world,
            router,
            state,
            other,
            mailer,
            people,
            stop,
        }
    }

    /// Somebody's id.
    ///
    /// # Panics
    /// Never: everybody was made.
    #[must_use]
    pub fn user(&self, who: Who) -> UserId {
        self.people[&who]
    }

    /// A client that proves nothing.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        Client::new(self.router.clone(), Proof::None)
    }

    /// A client with a session of that person, begun now.
    ///
    /// # Panics
    /// When the session cannot be written.
    pub async fn client(&self, who: Who) -> Client {
        let sessions = &self.world.services.session;
        let session = Session::new(None, Arc::new(sessions.store()), None);
        sessions
            .begin(&session, self.user(who), &origin())
            .await
            .expect("a session begins");
        session.save().await.expect("the session is written");
        let id = session.id().expect("a written session has an id");
        Client::new(self.router.clone(), Proof::Session(id.to_string()))
    }

    /// A client with a fresh access token of that person.
    ///
    /// # Panics
    /// When the token is refused.
    pub async fn bearer(&self, who: Who, scopes: &[&str]) -> Client {
        let Proof::Session(id) = self.client(who).await.proof().clone() else {
            unreachable!("a client with a session has one")
        };
        let id = id.parse().expect("an id");
        let actor = self
            .world
            .services
            .session
            .caller(&id)
            .await
            .expect("the database answers");
        let command = CreateAccessToken {
            name: format!("of {}", who.email()),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            days: None,
        };
        let tokens = &self.world.services.access_token;
        let actor = actor.expect("the session is known");
        let made = tokens
            .create(&actor, command, &origin())
            .await
            .expect("the token is made");
        Client::new(
            self.router.clone(),
            Proof::Token(made.token.expose().to_owned()),
        )
    }

    /// A client with a token that has the right form and belongs to nobody.
    #[must_use]
    pub fn bearer_of_nobody(&self) -> Client {
        let token = PlainToken::access(&*self.world.db.entropy);
        Client::new(self.router.clone(), Proof::Token(token.expose().to_owned()))
    }

    /// Carries out everything that is due, moving the clock, until no operation is active.
    ///
    /// # Panics
    /// When that takes longer than half an hour of the clock.
    pub async fn run_operations(&self) {
        let filter = || service::OperationFilter {
            active: Some(true),
            ..Default::default()
        };
        let operations = &self.world.services.operation;
        let page = operations
            .list(&Actor::System, filter())
            .await
            .expect("a list");
        for operation in page.items {
            self.world.settle(operation.id).await;
        }
    }

    /// Tells the server to stop.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

fn state(
    services: Arc<Services>,
    draining: watch::Receiver<bool>,
    change: impl FnOnce(&mut HttpSettings),
) -> AppState {
    let mut settings = HttpSettings {
        public_url: PUBLIC_URL.to_owned(),
        trusted_proxies: 0,
        assets: Assets::default(),
        public_dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../public"),
        environment: None,
        sandbox: false,
    };
    change(&mut settings);
    AppState {
        services,
        settings: Arc::new(settings),
        metrics: Arc::new(Metrics::new()),
        github_keys: Arc::new(GithubKeys::new(GITHUB_KEYS)),
        draining,
        extra: Router::new(),
    }
}

/// Makes somebody a user as people become one: the first owner by the operator, the rest by
/// invitation.
async fn join(services: &Services, who: Who, acme: TenantId, other: TenantId) -> UserId {
    let name = format!("{who:?} Person");
    if who == Who::Owner {
        let command = FirstOwner {
            email: who.email().to_owned(),
            name,
            password: PASSWORD.to_owned(),
        };
        return services
            .auth
            .create_owner(&Actor::Operator, command)
            .await
            .expect("an owner");
    }
    let tenant = match who {
        Who::Admin | Who::Member => Some(acme),
        Who::Stranger => Some(other),
        _ => None,
    };
    let command = InvitePerson {
        email: who.email().to_owned(),
        role: who.role(),
        tenant,
    };
    let sent = services
        .user
        .invite(&Actor::Operator, command, &origin())
        .await
        .expect("invited");
    let link = sent.link.expect("there is no mail server");
    let token = link.rsplit('/').next().unwrap_or_default();
    let command = AcceptInvitation {
        name,
        password: PASSWORD.to_owned(),
    };
    services
        .user
        .accept(token, command, &origin())
        .await
        .expect("accepted")
}
