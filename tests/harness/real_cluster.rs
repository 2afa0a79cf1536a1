//! Real clusters, as `cargo xtask cluster` or the cluster suite started them: where they are, what can
//! be done to their parts, and the product on them under exactly the rights that it prints.
//!
//! Invariant: nothing here starts a cluster. `TEST_CLUSTER` names the file in which whoever started
//! one describes it; the variable may as well name a description of another cluster with Argo CD.

pub mod cluster;
pub mod git;
pub mod product;
pub mod rights;
pub mod vault;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::time::sleep;

use self::cluster::Cluster;

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(2);
const GLANCE: Duration = Duration::from_millis(50);

/// Tests that stop parts of a cluster have it to themselves. In the order of the description; whoever
/// holds several takes them in that order.
static USE: [RwLock<()>; 2] = [RwLock::const_new(()), RwLock::const_new(())];

/// The use of clusters, until this is dropped.
#[derive(Debug, Default)]
pub struct Use {
    shared: Vec<RwLockReadGuard<'static, ()>>,
    alone: Vec<RwLockWriteGuard<'static, ()>>,
}

/// Everything that was started.
#[derive(Debug)]
pub struct Site {
    said: Value,
}

impl Site {
    /// The site of this run.
    ///
    /// # Panics
    /// When `TEST_CLUSTER` names no description.
    pub fn get() -> &'static Self {
        static SITE: OnceLock<Site> = OnceLock::new();
        SITE.get_or_init(|| {
            // The client of these tests has no provider of cryptography of its own.
            ::cluster::install_tls();
            let path = std::env::var_os("TEST_CLUSTER").map(PathBuf::from).expect(
                "TEST_CLUSTER names the cluster.json of a running cluster: run \
                 `cargo xtask test --suite cluster`, or `cargo xtask cluster up` first",
            );
            let text = std::fs::read(&path).expect("the description of the cluster");
            Self {
                said: serde_json::from_slice(&text).expect("JSON"),
            }
        })
    }

    /// The cluster for development, beside other tests.
    pub async fn shared(&self) -> Use {
        self.using(&[self.development()], &[]).await
    }

    /// Both clusters without any other test, for one that stops what they share.
    pub async fn alone(&self) -> Use {
        self.using(&[], &self.clusters()).await
    }

    /// Some clusters beside other tests, and some without any.
    pub async fn using(&self, shared: &[Cluster], alone: &[Cluster]) -> Use {
        let names = |list: &[Cluster]| -> Vec<String> {
            list.iter().map(|it| it.name().to_owned()).collect()
        };
        let (shared, alone) = (names(shared), names(alone));
        let mut held = Use::default();
        for (cluster, lock) in self.clusters().iter().zip(&USE) {
            let name = cluster.name().to_owned();
            if alone.contains(&name) {
                held.alone.push(lock.write().await);
                self.mend(&name).await;
            } else if shared.contains(&name) {
                // While others share, nothing is stopped.
                if let Ok(_alone) = lock.try_write() {
                    self.mend(&name).await;
                }
                held.shared.push(lock.read().await);
            }
        }
        if alone.len() == self.clusters().len() {
            self.mend("").await;
        }
        held
    }

    /// Starts or resumes what an earlier test stopped and, having failed, left so: parts of a cluster,
    /// or with an empty name what clusters share.
    async fn mend(&self, cluster: &str) {
        let url = format!("{}/status", self.text("control"));
        let answer = reqwest::get(url).await.expect("the supervisor answers");
        let parts: Vec<Value> = answer.json().await.expect("JSON");
        for part in &parts {
            let name = part["name"].as_str().unwrap_or_default();
            if name.split_once('/').map_or("", |(of, _)| of) != cluster {
                continue;
            }
            if part["paused"] == true {
                self.part("resume", name).await;
            }
            if part["running"] == false {
                self.part("start", name).await;
            }
        }
    }

    fn text(&self, name: &str) -> &str {
        self.said[name].as_str().unwrap_or_default()
    }

    /// Where repositories are read and pushed.
    #[must_use]
    pub fn git(&self) -> &str {
        self.text("git")
    }

    /// Where Secrets Manager answers.
    #[must_use]
    pub fn secrets_manager(&self) -> &str {
        self.text("secrets_manager")
    }

    /// An administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.text("kubeconfig").into()
    }

    /// Every cluster.
    ///
    /// # Panics
    /// When the description names none.
    #[must_use]
    pub fn clusters(&self) -> Vec<Cluster> {
        let all = self.said["clusters"].as_array().expect("clusters");
        all.iter().map(Cluster::new).collect()
    }

    /// The cluster for development, on which most tests run.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn development(&self) -> Cluster {
        self.clusters().into_iter().next().expect("a cluster")
    }

    /// The cluster for production.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn production(&self) -> Cluster {
        let mut all = self.clusters().into_iter();
        all.find(|it| it.name() == "production")
            .expect("a production cluster: start two")
    }

    /// Tells a part to `stop`, `kill`, `start`, `pause` or `resume`, and waits until it has.
    ///
    /// # Panics
    /// When the supervisor refuses.
    pub async fn part(&self, action: &str, part: &str) {
        let url = format!("{}/parts/{action}/{part}", self.text("control"));
        let answer = reqwest::Client::new().post(url).send().await;
        let answer = answer.expect("the supervisor answers");
        let status = answer.status();
        let said = answer.text().await.unwrap_or_default();
        assert!(status.is_success(), "{action} {part}: {said}");
    }

    /// Has a cluster's etcd forget every version but the present one.
    ///
    /// # Panics
    /// When the supervisor refuses.
    pub async fn forget(&self, cluster: &Cluster) {
        let url = format!(
            "{}/clusters/{}/forget",
            self.text("control"),
            cluster.name()
        );
        let answer = reqwest::Client::new().post(url).send().await;
        let status = answer.expect("the supervisor answers").status();
        assert!(status.is_success(), "{status}");
    }

    /// What the supervisor says of a part.
    ///
    /// # Panics
    /// When it knows none of that name.
    pub async fn status(&self, part: &str) -> Value {
        let url = format!("{}/status", self.text("control"));
        let answer = reqwest::get(url).await.expect("the supervisor answers");
        let parts: Vec<Value> = answer.json().await.expect("JSON");
        let mut parts = parts.into_iter();
        parts
            .find(|it| it["name"] == part)
            .unwrap_or_else(|| panic!("no part is called {part}"))
    }
}

/// Asks until the answer is there; what it is about is said when it never is.
///
/// # Panics
/// With `what` and the last thing seen, when it never is.
pub async fn until<T, F, R>(what: &str, mut ask: F) -> T
where
    F: FnMut() -> R,
    R: Future<Output = Result<T, String>>,
{
    let begun = Instant::now();
    loop {
        match ask().await {
            Ok(found) => return found,
            Err(seen) => assert!(begun.elapsed() < PATIENCE, "never: {what}; last: {seen}"),
        }
        sleep(GLANCE).await;
    }
}
