//! Notes when sessions and access tokens were last used: at most once a minute each, beside the
//! request and not in it, since a read must not wait for a write. A note that is lost costs nothing
//! but its minute.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::secret_text::TokenHash;
use model::{AccessTokenId, Timestamp};

use crate::Context;

const EVERY: Duration = Duration::from_mins(1);

/// Writes the notes; remembers which are on their way, so that many requests at once write one.
#[derive(Clone, Debug)]
pub(crate) struct Touch {
    context: Context,
    under_way: Arc<Mutex<HashSet<String>>>,
}

impl Touch {
    pub(crate) fn new(context: Context) -> Self {
        Self {
            context,
            under_way: Arc::default(),
        }
    }

    /// A session is used now.
    pub(crate) fn session(&self, hash: TokenHash, last: Timestamp, now: Timestamp) {
        if now.since(last) < EVERY {
            return;
        }
        let key = hash.as_str().to_owned();
        self.beside(key, move |context| async move {
            let mut tx = context.db.begin().await?;
            store::session::touch(&mut tx, &hash, now, now - EVERY).await?;
            tx.commit().await
        });
    }

    /// An access token is used now.
    pub(crate) fn access_token(&self, id: AccessTokenId, last: Option<Timestamp>, now: Timestamp) {
        if last.is_some_and(|last| now.since(last) < EVERY) {
            return;
        }
        self.beside(id.to_string(), move |context| async move {
            let mut tx = context.db.begin().await?;
            store::access_token::touch(&mut tx, id, now, now - EVERY).await?;
            tx.commit().await
        });
    }

    fn beside<F>(&self, key: String, write: impl FnOnce(Context) -> F + Send + 'static)
    where
        F: Future<Output = store::Result<()>> + Send + 'static,
    {
        let under_way = self.under_way.clone();
        if !locked(&under_way).insert(key.clone()) {
            return;
        }
        let context = self.context.clone();
        tokio::spawn(async move {
            if let Err(error) = write(context).await {
                tracing::debug!(%error, "The time of last use could not be noted.");
            }
            locked(&under_way).remove(&key);
        });
    }
}

fn locked(set: &Mutex<HashSet<String>>) -> std::sync::MutexGuard<'_, HashSet<String>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}
