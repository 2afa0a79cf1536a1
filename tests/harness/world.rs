//! A whole small deployment: services, a worker and an imagined cluster with room, a tenant and a
//! catalogue. Time stands still until a test moves it, and work happens when a test asks for a turn.

use std::sync::Arc;
use std::time::Duration;

use model::actor::SignedIn;
use model::cluster::Purpose;
use model::instance::InstanceState;
use model::operation::{OperationState, StepName};
use model::user::StaffRole;
use model::view::{InstanceView, OperationView};
use model::{Actor, InstanceId, OperationId, SessionKey, TenantId, UserId};
use service::instance::{CreateInstance, Created, DeleteInstance};
use service::{CreateTenant, Keeper, Services, Settings, Worker};
use store::Wake;

use crate::cluster::{Imagined, settings as cluster_settings};
use crate::db::TestDb;
use crate::services::{MemoryMailer, TestServices, origin, settings};

/// The catalogue of these tests.
pub const CATALOGUE: &str = r#"
[[release]]
version = "2.0.0"
channel = "deprecated"
chart_revision = "v2.0.0"
images = { agent = "registry.example/agent:2.0.0" }
schema = { agent = 20 }

[[release]]
version = "2.1.0"
channel = "supported"
chart_revision = "v2.1.0"
images = { agent = "registry.example/agent:2.1.0" }
schema = { agent = 21 }

[[release]]
version = "2.2.0"
channel = "preview"
chart_revision = "v2.2.0"
images = { agent = "registry.example/agent:2.2.0" }
schema = { agent = 22 }

[[release]]
version = "3.0.0"
channel = "preview"
chart_revision = "v3.0.0"
images = { agent = "registry.example/agent:3.0.0" }
schema = { agent = 30 }
destroys = "wallet connections"
"#;

/// The deployment.
#[derive(Debug)]
pub struct TestWorld {
    /// Database, clock, randomness.
    pub db: TestDb,
    /// The services.
    pub services: Arc<Services>,
    /// The clusters.
    pub cluster: Imagined,
    /// What was mailed.
    pub mailer: Arc<MemoryMailer>,
    /// Somebody who may do everything.
    pub actor: Actor,
    /// A tenant.
    pub tenant: TenantId,
}

impl TestWorld {
    /// With one development cluster `eu-dev` that has room for 1,000.
    pub async fn new() -> Self {
        Self::with(settings()).await
    }

    /// The same with other settings.
    pub async fn with(settings: Settings) -> Self {
        let db = TestDb::new().await;
        let cluster = Imagined::new(db.clock.clone());
        let built = TestServices::build(db, settings, Arc::new(cluster.clone()));
        let tenant = built.tenant("Acme").await;
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
        let world = Self {
            db,
            services: Arc::new(services),
            cluster,
            mailer,
            actor: Actor::Operator,
            tenant,
        };
        world.adopt("eu-dev", Purpose::Development, 1_000).await;
        world
    }

    /// Another cluster.
    pub async fn adopt(&self, name: &str, purpose: Purpose, capacity: u32) {
        let settings = cluster_settings(name, purpose, capacity);
        self.services
            .cluster
            .adopt(settings)
            .await
            .expect("the cluster is taken");
    }

    /// Somebody of the staff, without an account.
    pub fn staff(&self, role: StaffRole) -> Actor {
        Actor::User(SignedIn {
            id: UserId::new(&*self.db.clock, &*self.db.entropy),
            name: "Pat Person".to_owned(),
            email: "pat@example.org".to_owned(),
            staff: Some(role),
            tenants: Vec::new(),
            session: SessionKey::new(&*self.db.clock, &*self.db.entropy),
        })
    }

    /// A worker of that name.
    pub fn worker(&self, name: &str) -> Worker {
        Worker::new(Arc::clone(&self.services), name)
    }

    /// A keeper of that name.
    pub fn keeper(&self, name: &str) -> Keeper {
        Keeper::new(Arc::clone(&self.services), name)
    }

    /// Wakes whoever waits for work, as the clock of these tests does not.
    pub async fn ring(&self) {
        let mut tx = self.db.db.begin().await.expect("the database is there");
        tx.wake(Wake::Work);
        tx.commit().await.expect("nothing is written");
    }

    /// Asks for a development instance.
    pub async fn create(&self, name: &str) -> Created {
        self.create_of(self.tenant, name).await
    }

    /// Another tenant.
    pub async fn another_tenant(&self, name: &str) -> TenantId {
        let command = CreateTenant {
            name: name.to_owned(),
        };
        let origin = origin();
        let made = self
            .services
            .tenant
            .create(&self.actor, command, &origin)
            .await;
        made.expect("the tenant is made").id
    }

    /// The same for another tenant.
    pub async fn create_of(&self, tenant: TenantId, name: &str) -> Created {
        let command = CreateInstance {
            name: Some(name.to_owned()),
            purpose: "development".to_owned(),
            region: "eu-west-1".to_owned(),
            ..CreateInstance::default()
        };
        let origin = origin();
        let made = self
            .services
            .instance
            .create(&self.actor, tenant, command, &origin);
        made.await.expect("the instance is asked for")
    }

    /// An instance that runs.
    pub async fn running(&self, name: &str) -> InstanceView {
        let made = self.create(name).await;
        self.settle(made.operation.id).await;
        let instance = self.instance(&made.instance.id).await;
        assert_eq!(instance.state, InstanceState::Running, "{instance:?}");
        instance
    }

    /// Asks for a deletion with that grace period.
    pub async fn delete(&self, id: &InstanceId, grace: Duration) -> OperationView {
        let command = DeleteInstance {
            confirm: id.to_string(),
            grace: Some(grace),
        };
        let origin = origin();
        let asked = self
            .services
            .instance
            .delete(&self.actor, id, command, &origin);
        asked.await.expect("the deletion is asked for")
    }

    /// The instance as it is shown now.
    pub async fn instance(&self, id: &InstanceId) -> InstanceView {
        self.services
            .instance
            .get(&self.actor, id)
            .await
            .expect("the instance is there")
    }

    /// The operation as it is shown now.
    pub async fn operation(&self, id: OperationId) -> OperationView {
        self.services
            .operation
            .get(&self.actor, id)
            .await
            .expect("the operation is there")
    }

    /// Works and moves the clock until the operation has ended or is stuck; half an hour at most.
    pub async fn settle(&self, id: OperationId) -> OperationView {
        self.settle_with(&self.worker("settler"), id).await
    }

    /// The same with that worker.
    pub async fn settle_with(&self, worker: &Worker, id: OperationId) -> OperationView {
        let keeper = self.keeper("settler");
        for _ in 0..3_600 {
            while worker.turn().await.expect("the worker works") > 0 {}
            while keeper.turn().await.expect("the keeper works") > 0 {}
            let operation = self.operation(id).await;
            if !operation.state.is_active() || operation.state == OperationState::Stuck {
                return operation;
            }
            self.db.clock.advance(Duration::from_millis(500));
        }
        panic!("no end after half an hour: {:?}", self.operation(id).await);
    }

    /// Works and moves the clock until the operation waits at that step.
    pub async fn until(&self, id: OperationId, step: StepName) -> OperationView {
        let (worker, keeper) = (self.worker("until"), self.keeper("until"));
        for _ in 0..600 {
            worker.turn().await.expect("the worker works");
            keeper.turn().await.expect("the keeper works");
            let operation = self.operation(id).await;
            let there = operation
                .steps
                .iter()
                .any(|s| s.name == step && s.started_at.is_some());
            if there {
                return operation;
            }
            assert!(
                operation.state.is_active(),
                "ended before {step}: {operation:?}"
            );
            self.db.clock.advance(Duration::from_millis(500));
        }
        panic!("never came to {step}: {:?}", self.operation(id).await);
    }
}
