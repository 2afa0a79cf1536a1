//! Sessions of browsers: who is signed in where, and the end of it. A session's id is a secret of its
//! cookie; here and on pages it goes by a key that opens nothing.

mod device;
mod records;

use model::page::MAX_LIMIT;
use model::view::SessionView;
use model::{Actor, SessionKey, Timestamp, UserId};
use store::session::Life;
use tower_sessions::Session;
use tower_sessions::session::Id;

pub use self::device::device;
pub use self::records::DbSessions;
use self::records::hash_of;
use crate::audit::Entry;
use crate::touch::Touch;
use crate::{Context, Error, Origin, Result, audit};

/// Where a session keeps its user's id.
pub const USER: &str = "user";
/// Where a session keeps the browser and system it was begun from.
pub const DEVICE: &str = "device";
/// Where a session keeps the address it was begun from.
pub const ADDRESS: &str = "address";

/// Lists and ends sessions, and says who comes with one.
#[derive(Clone, Debug)]
pub struct SessionService {
    context: Context,
    touch: Touch,
}

/// The ends of a session's life as of now.
pub(crate) fn life(context: &Context) -> Life {
    let now = context.now();
    Life {
        now,
        idle_since: now - context.settings.session_idle,
    }
}

impl SessionService {
    pub(crate) fn new(context: Context) -> Self {
        Self {
            touch: Touch::new(context.clone()),
            context,
        }
    }

    /// The store for `tower_sessions`' layer.
    #[must_use]
    pub fn store(&self) -> DbSessions {
        DbSessions::new(self.context.clone())
    }

    /// Makes a session that of a user who has just proven to be one: what it carried stays, its id
    /// changes, so that an id planted before is worth nothing. Written when the request ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&self, session: &Session, user: UserId, origin: &Origin) -> Result<()> {
        session.insert(USER, user).await.map_err(Error::internal)?;
        session
            .insert(DEVICE, device(&origin.user_agent))
            .await
            .map_err(Error::internal)?;
        session
            .insert(ADDRESS, &origin.address)
            .await
            .map_err(Error::internal)?;
        session.cycle_id().await.map_err(Error::internal)
    }

    /// As [`SessionService::caller`], without counting as a use: a stream that stays open asks again
    /// and again, and must not keep a session alive that nobody uses.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn still(&self, session: &Id) -> Result<Option<Actor>> {
        let hash = hash_of(session);
        let found = store::session::caller(&self.context.db, &hash, life(&self.context)).await?;
        Ok(found.map(|(user, _)| Actor::User(user)))
    }

    /// Who comes with a session, with every role; one statement. None when it has ended, belongs to
    /// nobody, or its user may not sign in any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn caller(&self, session: &Id) -> Result<Option<Actor>> {
        let hash = hash_of(session);
        let now = self.context.now();
        let found = store::session::caller(&self.context.db, &hash, life(&self.context)).await?;
        let Some((user, last_used_at)) = found else {
            return Ok(None);
        };
        self.touch.session(hash, last_used_at, now);
        Ok(Some(Actor::User(user)))
    }

    /// The sessions of whoever asks, the last used first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for whoever is not a person with a session.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<SessionView>> {
        let (user, current) = person(actor)?;
        let rows = store::session::list(&self.context.db, user, life(&self.context)).await?;
        let most = usize::try_from(MAX_LIMIT).unwrap_or(usize::MAX);
        let idle = self.context.settings.session_idle;
        let view = |row: store::session::Listed| SessionView {
            key: row.key,
            current: row.key == current,
            device: row.device,
            address: row.address,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: earlier(row.expires_at, row.last_used_at + idle),
        };
        Ok(rows.into_iter().take(most).map(view).collect())
    }

    /// Ends one of one's own sessions; the next request with it is not signed in.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such session of that person.
    pub async fn end(&self, actor: &Actor, key: SessionKey) -> Result<()> {
        let (user, _) = person(actor)?;
        let mut tx = self.context.db.begin().await?;
        if !store::session::end(&mut tx, user, key).await? {
            return Err(Error::NotFound { what: "session" });
        }
        let entry = Entry::new(&actor.reference(), &Origin::local(), "session.end")
            .of(home(actor))
            .about("session", key)
            .summary("Ended a session.");
        audit::append(&mut tx, self.context.now(), entry).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends all of one's sessions but this one; how many.
    ///
    /// # Errors
    /// As [`SessionService::list`].
    pub async fn end_others(&self, actor: &Actor) -> Result<u32> {
        let (user, current) = person(actor)?;
        let mut tx = self.context.db.begin().await?;
        let ended = store::session::end_others(&mut tx, user, current).await?;
        if ended > 0 {
            let entry = Entry::new(&actor.reference(), &Origin::local(), "session.end")
                .of(home(actor))
                .about("user", user)
                .summary(format!("Ended {ended} other sessions."));
            audit::append(&mut tx, self.context.now(), entry).await?;
            tx.commit().await?;
        }
        Ok(ended)
    }
}

fn earlier(one: Timestamp, other: Timestamp) -> Timestamp {
    if one < other { one } else { other }
}

/// The person with a session behind an actor.
pub(crate) fn person(actor: &Actor) -> Result<(UserId, SessionKey)> {
    match actor {
        Actor::User(user) => Ok((user.id, user.session)),
        Actor::Anonymous => Err(model::Denied::Unauthenticated.into()),
        _ => Err(Error::Forbidden {
            detail: "Only a person who has signed in with a browser can do this.".to_owned(),
        }),
    }
}

/// In whose trail it stands what somebody does to their own account: the staff's for staff, else that
/// of the first of their tenants.
pub(crate) fn home(actor: &Actor) -> Option<model::TenantId> {
    if actor.staff().is_some() {
        None
    } else {
        actor.tenants().iter().map(|(id, _)| *id).min()
    }
}
