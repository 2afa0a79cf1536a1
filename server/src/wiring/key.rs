//! The server key: 32 random bytes in a file, never in the database. What is derived from it (the
//! watchman's tokens) would change with it, so the database keeps the key's fingerprint and another
//! key is refused instead of being used.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use model::Entropy;
use model::secret_text::TokenHash;

use super::folder::DataFolder;
use crate::config::Keys;
use crate::failure::Failure;

/// Bytes of a server key.
pub const LENGTH: usize = 32;

/// Where the key is, and whether it may be made there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    path: PathBuf,
    configured: bool,
}

impl KeyFile {
    /// The configured file, else the one in the data folder.
    #[must_use]
    pub fn of(keys: &Keys, folder: &DataFolder) -> Self {
        match &keys.server_key_file {
            Some(path) => Self {
                path: path.clone(),
                configured: true,
            },
            None => Self {
                path: folder.server_key(),
                configured: false,
            },
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether people other than its owner may read it.
    #[must_use]
    pub fn open_to_others(&self) -> bool {
        self.path
            .metadata()
            .is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    }

    /// Reads the key; none when there is no file.
    ///
    /// # Errors
    /// A sentence when the file cannot be read or holds no key.
    pub fn read(&self) -> Result<Option<[u8; LENGTH]>, Failure> {
        let shown = self.path.display();
        match std::fs::read(&self.path) {
            Ok(bytes) => bytes.as_slice().try_into().map(Some).map_err(|_| {
                Failure::new(format!(
                    "The server key file {shown} holds {} bytes and not {LENGTH}. Put the right file back from your backup.",
                    bytes.len()
                ))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(Failure::new(format!("The server key file {shown} cannot be read: {error}.")))
            }
        }
    }

    /// Reads the key, or makes it when there is none yet and the database never had one.
    ///
    /// # Errors
    /// A sentence when the key is missing although it must be there, is not the one of this
    /// database, or cannot be written.
    pub fn obtain(
        &self,
        known: Option<&str>,
        entropy: &dyn Entropy,
    ) -> Result<[u8; LENGTH], Failure> {
        let shown = self.path.display();
        let Some(key) = self.read()? else {
            if self.configured {
                return Err(Failure::new(format!(
                    "The server key file {shown} does not exist. Put it there from your backup; for a new installation make it with: head -c {LENGTH} /dev/urandom > {shown}"
                )));
            }
            if let Some(known) = known {
                return Err(Failure::new(format!(
                    "The database was set up with a server key (fingerprint {known}), and {shown} does not exist. Put that file back from your backup, or name where it is with --server-key-file."
                )));
            }
            return self.make(entropy);
        };
        match known {
            Some(known) if known != fingerprint(&key) => Err(Failure::new(format!(
                "{shown} holds another server key (fingerprint {}) than the one this database was set up with (fingerprint {known}). Put the right file back from your backup, or name where it is with --server-key-file.",
                fingerprint(&key)
            ))),
            _ => Ok(key),
        }
    }

    /// Writes a new key. When two processes do so at once, one key is made and both have it.
    fn make(&self, entropy: &dyn Entropy) -> Result<[u8; LENGTH], Failure> {
        let told = |error: std::io::Error| {
            Failure::new(format!(
                "{} cannot be written: {error}.",
                self.path.display()
            ))
        };
        let (mut key, mut name) = ([0; LENGTH], [0; 8]);
        entropy.fill(&mut key);
        entropy.fill(&mut name);
        let new = self
            .path
            .with_extension(format!("new-{:016x}", u64::from_be_bytes(name)));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .map_err(told)?;
        file.write_all(&key)
            .and_then(|()| file.sync_all())
            .map_err(told)?;
        // A hard link, unlike a rename, never replaces a key that another process has just made.
        let linked = std::fs::hard_link(&new, &self.path);
        std::fs::remove_file(&new).map_err(told)?;
        match linked {
            Ok(()) => {
                if let Some(folder) = self.path.parent() {
                    File::open(folder)
                        .and_then(|folder| folder.sync_all())
                        .map_err(told)?;
                }
                Ok(key)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.read()?.ok_or_else(|| {
                    Failure::new(format!(
                        "{} vanished while it was read.",
                        self.path.display()
                    ))
                })
            }
            Err(error) => Err(told(error)),
        }
    }
}

/// What the database keeps of a key: enough to tell keys apart, nothing to guess one from.
#[must_use]
pub fn fingerprint(key: &[u8; LENGTH]) -> String {
    let mut text = b"hosted-instances server key\n".to_vec();
    text.extend_from_slice(key);
    TokenHash::of(&text).as_str()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::entropy::SystemEntropy;
    use super::*;

    fn in_folder() -> (tempfile::TempDir, KeyFile) {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(parent.path()).unwrap();
        let file = KeyFile::of(&Keys::default(), &folder);
        (parent, file)
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_only() {
        let (_parent, file) = in_folder();
        let key = file.obtain(None, &SystemEntropy).unwrap();
        assert!(!file.open_to_others());
        assert_eq!(file.obtain(None, &SystemEntropy).unwrap(), key);
        assert_eq!(
            file.obtain(Some(&fingerprint(&key)), &SystemEntropy)
                .unwrap(),
            key
        );
        assert_eq!(
            std::fs::read_dir(file.path().parent().unwrap())
                .unwrap()
                .count(),
            1
        );
    }

    #[test]
    fn two_processes_that_make_it_at_once_have_the_same() {
        let (_parent, file) = in_folder();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| file.make(&SystemEntropy).unwrap()))
                .collect();
            makers
                .into_iter()
                .map(|maker| maker.join().unwrap())
                .collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_missing_or_other_key_is_refused_with_a_way_on() {
        let (_parent, file) = in_folder();
        let refused = file
            .obtain(Some("0123456789abcdef"), &SystemEntropy)
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("does not exist") && refused.contains("backup"),
            "{refused}"
        );
        assert!(!file.path().exists());
        file.obtain(None, &SystemEntropy).unwrap();
        let refused = file
            .obtain(Some("0123456789abcdef"), &SystemEntropy)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("another server key"), "{refused}");
        std::fs::write(file.path(), b"short").unwrap();
        let refused = file.obtain(None, &SystemEntropy).unwrap_err().to_string();
        assert!(refused.contains("holds 5 bytes"), "{refused}");
    }

    #[test]
    fn a_configured_file_is_never_made() {
        let keys = Keys {
            server_key_file: Some("/nowhere/server.key".into()),
        };
        let parent = tempfile::tempdir().unwrap();
        let file = KeyFile::of(&keys, &DataFolder::open(parent.path()).unwrap());
        let refused = file.obtain(None, &SystemEntropy).unwrap_err().to_string();
        assert!(refused.contains("head -c 32 /dev/urandom"), "{refused}");
    }
}
