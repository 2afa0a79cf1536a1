//! `tower_sessions`' store on our database. The id of a session is kept as its hash; how long it
//! lives is decided by our clock and settings, not by the record.

use std::collections::HashMap;

use async_trait::async_trait;
use model::secret_text::TokenHash;
use model::{SessionKey, Timestamp, UserId};
use serde_json::Value;
use store::session::NewSession;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::{ADDRESS, DEVICE, USER, life};
use crate::Context;

/// Most bytes of JSON that a session may carry.
const MOST: usize = 64 * 1_024;

/// The store for `tower_sessions`' layer.
#[derive(Clone, Debug)]
pub struct DbSessions {
    context: Context,
}

impl DbSessions {
    pub(super) fn new(context: Context) -> Self {
        Self { context }
    }

    fn data(record: &Record) -> Result<String> {
        let data = serde_json::to_string(&record.data).map_err(|e| Error::Encode(e.to_string()))?;
        if data.len() > MOST {
            return Err(Error::Encode("the session carries too much".to_owned()));
        }
        Ok(data)
    }
}

/// What the database knows of a session's id.
pub(super) fn hash_of(id: &Id) -> TokenHash {
    TokenHash::of(id.to_string().as_bytes())
}

fn backend(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

fn offset(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.micros()) * 1_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn text<'a>(data: &'a HashMap<String, Value>, name: &str) -> &'a str {
    data.get(name).and_then(Value::as_str).unwrap_or("")
}

#[async_trait]
impl SessionStore for DbSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let data = Self::data(record)?;
        let user: Option<UserId> = text(&record.data, USER).parse().ok();
        let at = self.context.now();
        let mut tx = self.context.db.begin().await.map_err(backend)?;
        loop {
            let new = NewSession {
                hash: &hash_of(&record.id),
                key: SessionKey::new(&*self.context.clock, &*self.context.entropy),
                user,
                data: &data,
                device: text(&record.data, DEVICE),
                address: text(&record.data, ADDRESS),
                at,
                expires_at: at + self.context.settings.session_absolute,
            };
            if store::session::insert(&mut tx, &new)
                .await
                .map_err(backend)?
            {
                break;
            }
            // Taken, as 1 in 2^128 is: another one.
            record.id = Id::default();
        }
        tx.commit().await.map_err(backend)
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let data = Self::data(record)?;
        let mut tx = self.context.db.begin().await.map_err(backend)?;
        let hash = hash_of(&record.id);
        let alive = store::session::save(&mut tx, &hash, &data, life(&self.context)).await;
        if !alive.map_err(backend)? {
            // Ended while a request was under way: it stays ended.
            return Ok(());
        }
        tx.commit().await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = store::session::load(&self.context.db, &hash_of(id), life(&self.context)).await;
        let Some(loaded) = found.map_err(backend)? else {
            return Ok(None);
        };
        let idle_until = loaded.last_used_at + self.context.settings.session_idle;
        let data = serde_json::from_str(&loaded.data).map_err(|e| Error::Decode(e.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date: offset(super::earlier(loaded.expires_at, idle_until)),
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let mut tx = self.context.db.begin().await.map_err(backend)?;
        store::session::delete(&mut tx, &hash_of(id))
            .await
            .map_err(backend)?;
        tx.commit().await.map_err(backend)
    }
}
