//! The first owner: by a one-time link that the server prints while there is none, or at the command
//! line. The link's token works once, only while there is no owner, and only its hash is kept.

use model::email::Email;
use model::name::PersonName;
use model::user::StaffRole;
use model::{Actor, ActorRef, UserId, may};
use store::Tx;
use store::user::NewUser;

use super::AuthService;
use crate::audit::Entry;
use crate::error::Fields;
use crate::password::check_new;
use crate::{Error, Origin, Result, audit, link};

/// Who becomes an owner.
#[derive(Clone)]
pub struct FirstOwner {
    /// Address, as typed.
    pub email: String,
    /// Name, as typed.
    pub name: String,
    /// Password, as typed.
    pub password: String,
}

struct Parsed {
    email: Email,
    name: PersonName,
    hash: String,
}

impl AuthService {
    /// The text of a new set-up token while there is no owner, else none. The one before it stops
    /// working.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setup_link(&self) -> Result<Option<String>> {
        let mut tx = self.context.db.begin().await?;
        if store::user::owners_in(&mut tx).await? > 0 {
            return Ok(None);
        }
        let (text, hash) = link::draw(&*self.context.entropy);
        store::setting::put(&mut tx, store::setting::SET_UP_TOKEN, hash.as_str()).await?;
        tx.commit().await?;
        Ok(Some(text))
    }

    /// Whether that token can still make the first owner.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setup_open(&self, token: &str) -> Result<bool> {
        let Some(hash) = link::hash(token) else {
            return Ok(false);
        };
        let kept = store::setting::get(&self.context.db, store::setting::SET_UP_TOKEN).await?;
        let open = kept.as_deref() == Some(hash.as_str());
        Ok(open && store::user::owners(&self.context.db).await? == 0)
    }

    /// Makes the first owner and uses the token up.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the token is not open; [`Error::Invalid`] by field.
    pub async fn set_up(
        &self,
        token: &str,
        command: FirstOwner,
        origin: &Origin,
    ) -> Result<UserId> {
        const WHAT: Error = Error::NotFound {
            what: "set-up link",
        };
        let hash = link::hash(token).ok_or(WHAT)?;
        if !self.setup_open(token).await? {
            return Err(WHAT);
        }
        let parsed = self.parse(command).await?;
        let mut tx = self.context.db.begin().await?;
        let consumed =
            store::setting::consume(&mut tx, store::setting::SET_UP_TOKEN, hash.as_str()).await?;
        if !consumed || store::user::owners_in(&mut tx).await? > 0 {
            return Err(WHAT);
        }
        let by = Actor::Anonymous.reference();
        let id = self.write(&mut tx, &parsed, &by, origin).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Makes an owner at the command line, whether or not there is one.
    ///
    /// # Errors
    /// [`Error::Conflict`] `email_taken`; [`Error::Invalid`] by field.
    pub async fn create_owner(&self, actor: &Actor, command: FirstOwner) -> Result<UserId> {
        let origin = Origin::local();
        let may: model::Authorised<may::InviteStaff> = self
            .context
            .allow(actor, None, "user", "user.create", &origin)
            .await?;
        let parsed = self.parse(command).await?;
        let mut tx = self.context.db.begin().await?;
        let id = self.write(&mut tx, &parsed, may.actor(), &origin).await?;
        store::setting::remove(&mut tx, store::setting::SET_UP_TOKEN).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn parse(&self, command: FirstOwner) -> Result<Parsed> {
        let mut fields = Fields::default();
        let email = fields.take("email", Email::parse(&command.email));
        let name = fields.take("name", PersonName::parse(&command.name));
        if let Err(Error::Invalid(list)) = check_new("password", &command.password) {
            for wrong in list {
                fields.add(&wrong.field, wrong.message);
            }
        }
        match (email, name) {
            (Some(email), Some(name)) => {
                fields.done()?;
                let hash = self.passwords.hash(&command.password).await?;
                Ok(Parsed { email, name, hash })
            }
            _ => Err(fields.into_error()),
        }
    }

    async fn write(
        &self,
        tx: &mut Tx,
        parsed: &Parsed,
        by: &ActorRef,
        origin: &Origin,
    ) -> Result<UserId> {
        let at = self.context.now();
        let id = UserId::new(&*self.context.clock, &*self.context.entropy);
        let new = NewUser {
            id,
            email: &parsed.email,
            name: &parsed.name,
            password_hash: &parsed.hash,
            staff: Some(StaffRole::Owner),
            at,
        };
        store::user::insert(tx, &new).await.map_err(email_taken)?;
        let entry = Entry::new(by, origin, "user.create")
            .about("user", id)
            .summary(format!(
                "Made {} ({}) a staff owner.",
                parsed.name, parsed.email
            ));
        audit::append(tx, at, entry).await?;
        Ok(id)
    }
}

/// The answer when an address is taken.
pub(crate) fn email_taken(error: store::Error) -> Error {
    if error.is_taken() {
        Error::conflict(
            "email_taken",
            "There is already an account with this address.",
        )
    } else {
        error.into()
    }
}
