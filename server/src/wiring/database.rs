//! Opening what lies on disk, in the only order that is safe: folder, lock, database, schema, key.
//! The key is compared with what the database knows before anything is derived from it.

use std::time::Duration;

use service::ServerKey;
use store::{Db, Options, setting};

use super::entropy::SystemEntropy;
use super::folder::DataFolder;
use super::key::{KeyFile, fingerprint};
use crate::config::Config;
use crate::failure::Failure;

/// How long opening may take before the person is told.
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything on disk, opened.
#[derive(Debug)]
pub struct Opened {
    /// The data folder.
    pub folder: DataFolder,
    /// The database, at the schema of this program.
    pub db: Db,
    /// The key this database was set up with.
    pub key: ServerKey,
}

/// Which database the configuration names.
#[must_use]
pub fn options(config: &Config, folder: &DataFolder) -> Options {
    match &config.database.url {
        Some(url) => Options::Postgres {
            url: url.expose().to_owned(),
            connections: config.database.connections,
        },
        None => Options::Sqlite {
            path: folder.database(),
        },
    }
}

/// Opens the database as it is, without touching its schema.
///
/// # Errors
/// A sentence when it cannot be opened in time.
pub async fn connect(config: &Config, folder: &DataFolder) -> Result<Db, Failure> {
    let options = options(config, folder);
    match tokio::time::timeout(PATIENCE, Db::open(&options)).await {
        Ok(opened) => Ok(opened?),
        Err(_) => Err(Failure::new(format!(
            "The database did not answer within {} s. See that it runs and that database.url is right.",
            PATIENCE.as_secs()
        ))),
    }
}

/// Opens everything and brings the schema up. Safe beside a running server.
///
/// # Errors
/// A sentence that says which part cannot be used and what to do.
pub async fn open(config: &Config) -> Result<Opened, Failure> {
    let folder = DataFolder::open(&config.server.data_dir)?;
    let db = connect(config, &folder).await?;
    store::migrate(&db).await?;
    let file = KeyFile::of(&config.keys, &folder);
    let known = setting::get(&db, setting::SERVER_KEY).await?;
    let key = file.obtain(known.as_deref(), &SystemEntropy)?;
    if known.is_none() {
        let mut tx = db.begin().await?;
        setting::claim(&mut tx, setting::SERVER_KEY, &fingerprint(&key)).await?;
        tx.commit().await?;
        // Two servers with folders of their own may have said so at once; one of them was first.
        let first = setting::get(&db, setting::SERVER_KEY).await?;
        file.obtain(first.as_deref(), &SystemEntropy)?;
    }
    Ok(Opened {
        folder,
        db,
        key: ServerKey::new(key),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(folder: &std::path::Path) -> Config {
        let mut config = Config::default();
        config.server.data_dir = folder.to_owned();
        config
    }

    #[tokio::test]
    async fn the_second_opening_finds_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(&config(folder.path())).await.unwrap();
        let second = open(&config(folder.path())).await.unwrap();
        assert_eq!(first.key.expose(), second.key.expose());
    }

    #[tokio::test]
    async fn another_key_is_refused_and_so_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let opened = open(&config(folder.path())).await.unwrap();
        let key = opened.folder.server_key();
        std::fs::write(&key, [7; 32]).unwrap();
        let refused = open(&config(folder.path())).await.unwrap_err().to_string();
        assert!(
            refused.contains("another server key") && refused.contains("server.key"),
            "{refused}"
        );
        std::fs::remove_file(&key).unwrap();
        let refused = open(&config(folder.path())).await.unwrap_err().to_string();
        assert!(refused.contains("does not exist"), "{refused}");
        assert!(
            !key.exists(),
            "a missing key is never replaced by a new one"
        );
    }

    #[tokio::test]
    async fn a_database_server_that_is_not_there_is_one_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        config.database.url = Some(crate::config::Secret::new(
            "postgres://me:hunter2@127.0.0.1:1/x",
        ));
        let refused = open(&config).await.unwrap_err().to_string();
        assert!(
            refused.starts_with("The database cannot be reached"),
            "{refused}"
        );
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}
