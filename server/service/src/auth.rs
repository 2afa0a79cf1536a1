//! Signing in, and the first owner. Tries are counted in the database before any hash is computed;
//! an unknown address and a wrong password get the same answer after the same work.

mod first_owner;

use std::sync::Arc;
use std::time::Duration;

use model::email::Email;
use model::{Actor, ActorRef, Timestamp, UserId};
use store::Tx;
use store::user::Account;

pub use self::first_owner::FirstOwner;
pub(crate) use self::first_owner::email_taken;
use crate::audit::Entry;
use crate::limit::{self, Rate, Verdict};
use crate::password::{Checked, Passwords, check_new, refuse_unfit};
use crate::session::{home, person};
use crate::{Context, Error, Origin, Result, audit};

/// Signs people in.
#[derive(Clone, Debug)]
pub struct AuthService {
    context: Context,
    passwords: Arc<Passwords>,
}

impl AuthService {
    pub(crate) fn new(context: Context, passwords: Arc<Passwords>) -> Self {
        Self { context, passwords }
    }

    /// Checks an address and a password, and gives the user they belong to. The caller then begins a
    /// session for them.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a wrong password and an unknown address alike;
    /// [`Error::Limited`] after too many tries; [`Error::Unavailable`] when too many sign in at once.
    pub async fn sign_in(&self, email: &str, password: &str, origin: &Origin) -> Result<UserId> {
        let email = Email::parse(email).map_err(|why| Error::invalid("email", why))?;
        refuse_unfit("password", password)?;
        let folded = email.folded();
        count_try(&self.context, &folded, origin).await?;
        let account = store::user::by_email(&self.context.db, &folded).await?;
        let account = account.filter(|account| !account.disabled);
        let hash = account
            .as_ref()
            .map(|account| account.password_hash.as_str());
        match (self.passwords.check(password, hash).await?, account) {
            (Checked::Right { outdated }, Some(account)) => {
                let new = if outdated {
                    Some(self.passwords.hash(password).await?)
                } else {
                    None
                };
                self.signed_in(&account, new, &folded, origin).await?;
                Ok(account.id)
            }
            (_, account) => {
                self.refused(account, origin);
                Err(Error::Unauthenticated {
                    detail: "The address or the password is not right.".to_owned(),
                })
            }
        }
    }

    async fn signed_in(
        &self,
        account: &Account,
        new_hash: Option<String>,
        folded: &str,
        origin: &Origin,
    ) -> Result<()> {
        let at = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let key = limit::account_key(&self.context.settings.server_key, folded);
        store::sign_in::forget(&mut tx, &key).await?;
        if let Some(new) = new_hash {
            store::user::set_password(&mut tx, account.id, &new, &account.password_hash).await?;
        }
        let entry = Entry::new(&reference(account), origin, "sign_in")
            .of(home_of(account))
            .about("user", account.id)
            .summary("Signed in.");
        audit::append(&mut tx, at, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Records a refused try beside the answer, so that the time of the answer does not tell whether
    /// there was an account to record it for.
    fn refused(&self, account: Option<Account>, origin: &Origin) {
        let (key, entry) = match account {
            Some(account) => (
                format!("refused:{}", account.id),
                Entry::new(&Actor::Anonymous.reference(), origin, "sign_in.refused")
                    .of(home_of(&account))
                    .about("user", account.id)
                    .summary("Refused a sign-in: the password was wrong."),
            ),
            None => (
                "refused:unknown".to_owned(),
                Entry::new(&Actor::Anonymous.reference(), origin, "sign_in.refused")
                    .summary("Refused a sign-in: no account has that address."),
            ),
        };
        let context = self.context.clone();
        tokio::spawn(async move { context.record_refusal(&key, entry).await });
    }

    /// Replaces one's own password and ends one's other sessions.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `current` when it is wrong, on `new` when it will not
    /// do; [`Error::Limited`] after too many tries.
    pub async fn change_password(
        &self,
        actor: &Actor,
        current: &str,
        new: &str,
        origin: &Origin,
    ) -> Result<()> {
        let (user, session) = person(actor)?;
        refuse_unfit("current", current)?;
        check_new("new", new)?;
        if current == new {
            let why = "Choose another password than the current one.";
            return Err(Error::invalid("new", why));
        }
        let account = store::user::by_id(&self.context.db, user).await?;
        let account = account.ok_or(Error::NotFound { what: "user" })?;
        let folded = model::name::fold(&account.email);
        count_try(&self.context, &folded, origin).await?;
        if self
            .passwords
            .check(current, Some(&account.password_hash))
            .await?
            == Checked::Wrong
        {
            let entry = Entry::new(&actor.reference(), origin, "password.refused")
                .of(home(actor))
                .about("user", user)
                .summary("Refused to change a password: the current one was wrong.");
            self.context
                .record_refusal(&format!("refused:{user}"), entry)
                .await;
            return Err(Error::invalid(
                "current",
                "This is not your current password.",
            ));
        }
        let hash = self.passwords.hash(new).await?;
        let mut tx = self.context.db.begin().await?;
        if !store::user::set_password(&mut tx, user, &hash, &account.password_hash).await? {
            return Err(Error::conflict(
                "password_changed",
                "The password was changed from elsewhere in this moment. Sign in with that one.",
            ));
        }
        let key = limit::account_key(&self.context.settings.server_key, &folded);
        store::sign_in::forget(&mut tx, &key).await?;
        let ended = store::session::end_others(&mut tx, user, session).await?;
        let entry = Entry::new(&actor.reference(), origin, "password.change")
            .of(home(actor))
            .about("user", user)
            .summary(format!(
                "Changed the password; {ended} other sessions ended."
            ));
        audit::append(&mut tx, self.context.now(), entry).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Counts a try for the client's address and for the account, and commits that before anything else
/// happens.
pub(crate) async fn count_try(context: &Context, folded: &str, origin: &Origin) -> Result<()> {
    let limits = context.settings.sign_in;
    let key = &context.settings.server_key;
    let now = context.now();
    let mut tx = context.db.begin().await?;
    let address = if origin.address.is_empty() {
        Verdict::Taken
    } else {
        let rate = Rate {
            per_hour: limits.per_address_per_hour,
            burst: limits.burst * 2,
        };
        limit::take(
            &mut tx,
            &limit::address_key(key, &origin.address),
            rate,
            now,
        )
        .await?
    };
    let verdict = match address {
        Verdict::Taken => account_try(&mut tx, context, folded, now).await?,
        full @ Verdict::Full { .. } => full,
    };
    tx.commit().await?;
    match verdict {
        Verdict::Taken => Ok(()),
        Verdict::Full { retry_after } => Err(Error::Limited {
            detail: format!(
                "There were too many tries to sign in. Try again in {}.",
                in_words(retry_after)
            ),
            retry_after,
        }),
    }
}

async fn account_try(
    tx: &mut Tx,
    context: &Context,
    folded: &str,
    now: Timestamp,
) -> Result<Verdict> {
    let limits = context.settings.sign_in;
    let rate = Rate {
        per_hour: limits.per_account_per_hour,
        burst: limits.burst,
    };
    limit::take(
        tx,
        &limit::account_key(&context.settings.server_key, folded),
        rate,
        now,
    )
    .await
}

fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    match seconds {
        0..=1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// How rows name an account.
pub(crate) fn reference(account: &Account) -> ActorRef {
    ActorRef {
        kind: "user".to_owned(),
        id: account.id.to_string(),
        name: account.name.clone(),
    }
}

fn home_of(account: &Account) -> Option<model::TenantId> {
    if account.staff.is_some() {
        None
    } else {
        account.home
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_in_words() {
        assert_eq!(in_words(Duration::from_millis(1)), "a second");
        assert_eq!(in_words(Duration::from_secs(45)), "45 seconds");
        assert_eq!(in_words(Duration::from_secs(119)), "2 minutes");
    }
}
