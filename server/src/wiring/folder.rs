//! The data folder, and the lock that makes one server its holder. The lock is the kernel's, on an
//! open file: it vanishes with the process however that ends, so nothing has to be cleaned up.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How long a lock that somebody holds is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// A data folder that exists.
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

/// Held for as long as the process serves.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "kept open for its lock")] File);

impl DataFolder {
    /// Makes the folder, for its owner only, unless it is there.
    ///
    /// # Errors
    /// A sentence that names the folder.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let told = |error: std::io::Error| {
            Failure::new(format!(
                "The data folder {} cannot be made: {error}. Choose another one with --data-dir.",
                path.display()
            ))
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(told)?;
        let path = path.canonicalize().map_err(told)?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The SQLite database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.0.join("control-plane.db")
    }

    /// The server key, unless another file is configured.
    #[must_use]
    pub fn server_key(&self) -> PathBuf {
        self.0.join("server.key")
    }

    /// Mails that could not be sent for want of a mail server.
    #[must_use]
    pub fn outbox(&self) -> PathBuf {
        self.0.join("outbox")
    }

    /// Signed heads of the audit trail, for copying elsewhere.
    #[must_use]
    pub fn audit_heads(&self) -> PathBuf {
        self.0.join("audit-heads.jsonl")
    }

    /// State of the sandbox clusters.
    #[must_use]
    pub fn sandbox(&self) -> PathBuf {
        self.0.join("sandbox")
    }

    /// Whether people other than its owner may look into it.
    #[must_use]
    pub fn open_to_others(&self) -> bool {
        self.0
            .metadata()
            .is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    }

    /// Takes the lock of the only server that may use the SQLite database. A server that was just
    /// killed holds it until the kernel has put its memory away, so it is waited for a little.
    ///
    /// # Errors
    /// A sentence that names the folder when another server has it.
    pub async fn lock(&self) -> Result<FolderLock, Failure> {
        let path = self.0.join("lock");
        let told = |error: std::io::Error| {
            Failure::new(format!("{} cannot be opened: {error}.", path.display()))
        };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(told)?;
        let begun = Instant::now();
        let mut taken = file.try_lock();
        while matches!(taken, Err(TryLockError::WouldBlock)) && begun.elapsed() < LOCK_PATIENCE {
            tokio::time::sleep(Duration::from_millis(50)).await;
            taken = file.try_lock();
        }
        match taken {
            Ok(()) => Ok(FolderLock(file)),
            Err(TryLockError::WouldBlock) => Err(Failure::new(format!(
                "Another server already uses the data folder {}. Stop it first, or choose another folder with --data-dir. Several servers at once need PostgreSQL (--database-url).",
                self.0.display()
            ))),
            Err(TryLockError::Error(error)) => Err(told(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_folder_is_for_its_owner_and_one_server_holds_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(&parent.path().join("a/b")).unwrap();
        assert!(!folder.open_to_others());
        let held = folder.lock().await.unwrap();
        let refused = DataFolder::open(folder.path())
            .unwrap()
            .lock()
            .await
            .unwrap_err()
            .to_string();
        assert!(
            refused.starts_with("Another server already uses the data folder"),
            "{refused}"
        );
        drop(held);
        folder.lock().await.unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = DataFolder::open(&file.path().join("x"))
            .unwrap_err()
            .to_string();
        assert!(refused.contains("--data-dir"), "{refused}");
    }
}
