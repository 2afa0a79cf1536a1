//! Hashes passwords with argon2id, off the async threads and only as many at a time as there are
//! cores: each takes 19 MiB, so a flood must not decide how many run. A bounded number may wait; the
//! next is told at once to come back.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use model::Entropy;
use tokio::sync::Semaphore;

use crate::{Error, PasswordCost, Result};

/// Hashes and checks passwords; one per process.
#[derive(Debug)]
pub struct Passwords {
    params: Params,
    /// Computing at this moment.
    running: Arc<Semaphore>,
    /// Computing or waiting.
    admitted: Arc<Semaphore>,
    entropy: Arc<dyn Entropy>,
}

/// Whether a password was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is; `outdated` when the hash was made at another cost than is configured now.
    Right {
        /// Whether to hash it again.
        outdated: bool,
    },
    /// It is not, or there is nothing to compare it with.
    Wrong,
}

impl Passwords {
    /// At that cost. Numbers that argon2 refuses are replaced by its defaults, with a line in the log.
    pub fn new(cost: &PasswordCost, entropy: Arc<dyn Entropy>) -> Self {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None);
        let params = params.unwrap_or_else(|error| {
            tracing::error!(%error, "The configured cost of passwords cannot be used; the default is.");
            Params::default()
        });
        let permits = cost.concurrency.max(1);
        Self {
            params,
            running: Arc::new(Semaphore::new(permits)),
            admitted: Arc::new(Semaphore::new(permits * 3)),
            entropy,
        }
    }

    /// The PHC string of a new hash.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when too many are waiting.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        let argon = self.argon();
        let password = password.to_owned();
        self.compute(move || {
            let hash = argon.hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string())
                .map_err(|error| Error::internal(error.to_string()))
        })
        .await?
    }

    /// Compares a password with a hash. Without a hash the same work is done and the answer is
    /// [`Checked::Wrong`], so that the time tells nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when too many are waiting.
    pub async fn check(&self, password: &str, hash: Option<&str>) -> Result<Checked> {
        let argon = self.argon();
        let params = self.params.clone();
        let password = password.to_owned();
        let hash = hash.map(str::to_owned);
        self.compute(move || match hash {
            Some(text) => compare(&argon, &params, &password, &text),
            None => nothing(&argon, &password),
        })
        .await
    }

    fn argon(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }

    /// Runs `work` on a thread for blocking work. The permits travel with it: when the caller goes
    /// away the work runs on, and must go on being counted.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let admitted = self
            .admitted
            .clone()
            .try_acquire_owned()
            .map_err(|_| busy())?;
        let running = self
            .running
            .clone()
            .acquire_owned()
            .await
            .map_err(Error::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop((running, admitted));
            result
        });
        done.await.map_err(Error::internal)
    }
}

fn busy() -> Error {
    Error::unavailable(
        "Too many people are signing in at this moment. Try again in a few seconds.",
        Duration::from_secs(2),
    )
}

fn compare(argon: &Argon2<'_>, params: &Params, password: &str, text: &str) -> Checked {
    let Ok(hash) = PasswordHash::new(text) else {
        return nothing(argon, password);
    };
    if argon.verify_password(password.as_bytes(), &hash).is_err() {
        return Checked::Wrong;
    }
    let made_with = Params::try_from(&hash);
    let same = made_with.is_ok_and(|made| {
        (made.m_cost(), made.t_cost(), made.p_cost())
            == (params.m_cost(), params.t_cost(), params.p_cost())
    });
    Checked::Right { outdated: !same }
}

fn nothing(argon: &Argon2<'_>, password: &str) -> Checked {
    let mut out = [0; 32];
    let computed = argon.hash_password_into(password.as_bytes(), &[0; 16], &mut out);
    // The bytes are looked at so that the work is not optimised away.
    std::hint::black_box((computed.is_ok(), out));
    Checked::Wrong
}

/// Refuses what no password can be, before any work is done for it.
///
/// # Errors
/// [`Error::Invalid`] on `field`.
pub fn refuse_unfit(field: &str, password: &str) -> Result<()> {
    if password.is_empty() {
        return Err(Error::invalid(field, "Enter the password."));
    }
    if password.len() > 256 {
        return Err(Error::invalid(field, model::user::InvalidPassword::TooLong));
    }
    if password.contains('\0') {
        return Err(Error::invalid(
            field,
            "Remove the invisible character U+0000.",
        ));
    }
    Ok(())
}

/// Refuses what no new password may be.
///
/// # Errors
/// [`Error::Invalid`] on `field`.
pub fn check_new(field: &str, password: &str) -> Result<()> {
    refuse_unfit(field, password)?;
    model::user::check_password(password).map_err(|why| Error::invalid(field, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Threes;
    impl Entropy for Threes {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(3);
        }
    }

    fn cost(memory_kib: u32, concurrency: usize) -> PasswordCost {
        PasswordCost {
            memory_kib,
            iterations: 1,
            parallelism: 1,
            concurrency,
        }
    }

    #[tokio::test]
    async fn a_hash_knows_its_password_and_its_cost() {
        let old = Passwords::new(&cost(64, 1), Arc::new(Threes));
        let hash = old.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        let right = |outdated| Checked::Right { outdated };
        assert_eq!(
            old.check("correct horse", Some(&hash)).await.unwrap(),
            right(false)
        );
        assert_eq!(
            old.check("correct mouse", Some(&hash)).await.unwrap(),
            Checked::Wrong
        );
        assert_eq!(
            old.check("correct horse", None).await.unwrap(),
            Checked::Wrong
        );
        assert_eq!(
            old.check("correct horse", Some("garbage")).await.unwrap(),
            Checked::Wrong
        );
        let new = Passwords::new(&cost(128, 1), Arc::new(Threes));
        assert_eq!(
            new.check("correct horse", Some(&hash)).await.unwrap(),
            right(true)
        );
    }

    #[tokio::test]
    async fn one_more_than_may_wait_is_told_at_once() {
        let passwords = Arc::new(Passwords::new(&cost(64, 1), Arc::new(Threes)));
        let hold = passwords.running.clone().acquire_owned().await.unwrap();
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let passwords = passwords.clone();
            waiting.spawn(async move { passwords.hash("correct horse").await });
        }
        while passwords.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = passwords.hash("correct horse").await.unwrap_err();
        assert_eq!(refused.code(), "unavailable");
        assert!(refused.retry_after().is_some());
        drop(hold);
        while let Some(done) = waiting.join_next().await {
            assert!(done.unwrap().is_ok());
        }
        assert_eq!(passwords.admitted.available_permits(), 3);
    }

    #[test]
    fn unfit_passwords() {
        assert!(refuse_unfit("password", "").is_err());
        assert!(refuse_unfit("password", "a\0b").is_err());
        assert!(refuse_unfit("password", &"x".repeat(10_000_000)).is_err());
        assert!(
            refuse_unfit("password", "short").is_ok() && check_new("password", "short").is_err()
        );
    }
}
