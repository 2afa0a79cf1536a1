//! The services on a database of a test's own, with a mailer that keeps what it is given. Clusters are
//! away unless a test brings some: what needs none must not ask for any.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use model::actor::{SignedIn, TokenBearer};
use model::cause::Cause;
use model::permission::Scope;
use model::user::{StaffRole, TenantRole};
use model::{AccessTokenId, Actor, SessionKey, TenantId, Timestamp, UserId};
use service::ports::{ClusterPort, Delivery, Mail, MailError, Mailer, TokenMail};
use service::{Context, Origin, PasswordCost, ServerKey, Services, Settings};

use crate::clusters::NoClusters;
use crate::db::TestDb;

/// A password that will do.
pub const PASSWORD: &str = "correct horse battery";

/// Services and what they stand on.
#[derive(Debug)]
pub struct TestServices {
    /// The services.
    pub services: Services,
    /// The database, the clock and the randomness.
    pub db: TestDb,
    /// What was mailed.
    pub mailer: Arc<MemoryMailer>,
}

/// Settings with passwords that cost next to nothing.
#[must_use]
pub fn settings() -> Settings {
    Settings {
        password: PasswordCost {
            memory_kib: 64,
            iterations: 1,
            parallelism: 1,
            concurrency: 4,
        },
        ..Settings::new("http://localhost:8080", ServerKey::new([7; 32]))
    }
}

/// Where a request of a test comes from.
#[must_use]
pub fn origin() -> Origin {
    Origin::new(
        "192.0.2.7",
        "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
        "request-1",
    )
}

impl TestServices {
    /// On a fresh database, without clusters.
    pub async fn new() -> Self {
        Self::with(settings()).await
    }

    /// On a fresh database, with other settings.
    pub async fn with(settings: Settings) -> Self {
        Self::build(TestDb::new().await, settings, Arc::new(NoClusters))
    }

    /// On that database, with those clusters.
    pub fn build(db: TestDb, settings: Settings, clusters: Arc<dyn ClusterPort>) -> Self {
        let mailer = Arc::new(MemoryMailer::default());
        let services = Services::new(Context {
            db: db.db.clone(),
            clock: db.clock.clone(),
            entropy: db.entropy.clone(),
            clusters,
            mailer: mailer.clone(),
            settings: Arc::new(settings),
        });
        Self {
            services,
            db,
            mailer,
        }
    }

    /// A staff owner with an account: address `owner@example.org`, password [`PASSWORD`].
    pub async fn owner(&self) -> Actor {
        let command = service::FirstOwner {
            email: "owner@example.org".to_owned(),
            name: "Olive Owner".to_owned(),
            password: PASSWORD.to_owned(),
        };
        let made = self
            .services
            .auth
            .create_owner(&Actor::Operator, command)
            .await;
        let id = made.expect("the owner is made");
        Actor::User(SignedIn {
            id,
            name: "Olive Owner".to_owned(),
            email: "owner@example.org".to_owned(),
            staff: Some(StaffRole::Owner),
            tenants: Vec::new(),
            session: SessionKey::new(&*self.db.clock, &*self.db.entropy),
        })
    }

    /// Somebody of the staff, without an account.
    #[must_use]
    pub fn staff(&self, role: StaffRole) -> Actor {
        self.person(Some(role), Vec::new())
    }

    /// Somebody of a tenant, without an account.
    #[must_use]
    pub fn of_tenant(&self, tenant: TenantId, role: TenantRole) -> Actor {
        self.person(None, vec![(tenant, role)])
    }

    /// Somebody, without an account.
    #[must_use]
    pub fn person(&self, staff: Option<StaffRole>, tenants: Vec<(TenantId, TenantRole)>) -> Actor {
        Actor::User(SignedIn {
            id: UserId::new(&*self.db.clock, &*self.db.entropy),
            name: "Pat Person".to_owned(),
            email: "pat@example.org".to_owned(),
            staff,
            tenants,
            session: SessionKey::new(&*self.db.clock, &*self.db.entropy),
        })
    }

    /// An access token of the staff with those scopes, without a row.
    #[must_use]
    pub fn staff_token(&self, scopes: &[&str]) -> Actor {
        let scopes = scopes
            .iter()
            .flat_map(|word| Scope::parse(word).expect("a scope"));
        Actor::AccessToken(TokenBearer {
            id: AccessTokenId::new(&*self.db.clock, &*self.db.entropy),
            name: "CI".to_owned(),
            staff: Some(StaffRole::Owner),
            tenants: Vec::new(),
            scopes: scopes.collect(),
        })
    }

    /// A tenant of that name.
    pub async fn tenant(&self, name: &str) -> TenantId {
        let command = service::CreateTenant {
            name: name.to_owned(),
        };
        let made = self
            .services
            .tenant
            .create(&Actor::Operator, command, &origin())
            .await;
        made.expect("the tenant is made").id
    }
}

/// A mailer that keeps what it is given.
#[derive(Debug, Default)]
pub struct MemoryMailer {
    sent: Mutex<Vec<Mail>>,
    fault: Mutex<bool>,
    outbox: Mutex<bool>,
}

impl MemoryMailer {
    /// What was handed over, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Mail> {
        self.sent.lock().expect("no test panicked").clone()
    }

    /// From now on it fails.
    pub fn fail(&self) {
        *self.fault.lock().expect("no test panicked") = true;
    }

    /// From now on mail goes to the outbox folder.
    pub fn only_outbox(&self) {
        *self.outbox.lock().expect("no test panicked") = true;
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Result<Delivery, MailError> {
        if *self.fault.lock().expect("no test panicked") {
            return Err(MailError("the mail server does not answer".to_owned()));
        }
        self.sent
            .lock()
            .expect("no test panicked")
            .push(mail.clone());
        let outbox = *self.outbox.lock().expect("no test panicked");
        Ok(if outbox {
            Delivery::Outbox
        } else {
            Delivery::Sent
        })
    }

    fn invitation(
        &self,
        to: &str,
        inviter: &str,
        role: &str,
        tenant: Option<&str>,
        link: &str,
    ) -> Mail {
        let place = tenant.unwrap_or("the staff");
        Mail {
            to: to.to_owned(),
            subject: format!("{inviter} invites you"),
            text: format!("{role} of {place}: {link}"),
            html: String::new(),
        }
    }

    fn token_reminder(&self, about: &TokenMail<'_>, expires_at: Timestamp, left: Duration) -> Mail {
        let hours = left.as_secs() / 3_600;
        told(about, format!("expires at {expires_at}, in {hours} hours"))
    }

    fn token_leaked(&self, about: &TokenMail<'_>, place: &str, revoked: bool) -> Mail {
        told(about, format!("found {place}, revoked: {revoked}"))
    }

    fn alarm(&self, to: &str, cause: &Cause, link: &str) -> Mail {
        Mail {
            to: to.to_owned(),
            subject: cause.sentence(),
            text: format!("{} {link}", cause.code.next()),
            html: String::new(),
        }
    }
}

fn told(about: &TokenMail<'_>, what: String) -> Mail {
    let TokenMail {
        to,
        name,
        hint,
        instance,
        link,
    } = about;
    Mail {
        to: (*to).to_owned(),
        subject: what,
        text: format!("{name} {hint} {} {link}", instance.unwrap_or("-")),
        html: String::new(),
    }
}
