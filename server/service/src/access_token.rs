//! Access tokens: what automation calls this control plane with. A token acts with its owner's roles
//! at the moment of the call, limited to its scopes, and always expires. Its text is shown once.

use std::collections::BTreeSet;
use std::time::Duration;

use model::name::AccessTokenName;
use model::permission::Scope;
use model::secret_text::PlainToken;
use model::view::AccessTokenView;
use model::{AccessTokenId, Actor, Authorised, TenantId, Timestamp, UserId, may};
use serde_json::json;
use store::access_token::{NewAccessToken, Owned};

use crate::audit::Entry;
use crate::context::authorise;
use crate::error::Fields;
use crate::session::home;
use crate::touch::Touch;
use crate::{Context, Error, Origin, Result, audit};

const WHAT: &str = "access token";
const DAY: Duration = Duration::from_hours(24);
/// Days a token lives when its maker does not say.
pub const DEFAULT_DAYS: u32 = 90;
/// Most days a token may live.
pub const MOST_DAYS: u32 = 366;
/// Most working tokens of one person.
const MOST: u32 = 100;

/// Makes, lists, revokes and recognises access tokens.
#[derive(Clone, Debug)]
pub struct AccessTokenService {
    context: Context,
    touch: Touch,
}

/// An access token to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateAccessToken {
    /// What it is called, as typed.
    pub name: String,
    /// What it is limited to: `instances:read`, `all:write`.
    pub scopes: Vec<String>,
    /// Days until it expires; none for 90.
    pub days: Option<u32>,
}

/// An access token that was made, with its text. The only place where the text is handed out.
#[derive(Clone)]
pub struct CreatedAccessToken {
    /// What pages show.
    pub view: AccessTokenView,
    /// Its text.
    pub token: PlainToken,
}

struct Parsed {
    name: AccessTokenName,
    scopes: BTreeSet<Scope>,
    days: u32,
}

/// Whose tokens an actor manages, and within what.
struct Owner {
    user: Option<UserId>,
    name: String,
    /// A token makes none that may more, or longer, than itself.
    within: Option<(BTreeSet<Scope>, Timestamp)>,
}

impl Owner {
    /// When a token with those scopes may expire at the latest, if it is to expire at `wanted`.
    fn limit(&self, scopes: &BTreeSet<Scope>, wanted: Timestamp) -> Result<Timestamp> {
        let Some((held, until)) = &self.within else {
            return Ok(wanted);
        };
        let beyond = scopes
            .iter()
            .find(|scope| !held.iter().any(|held| held.covers(**scope)));
        match beyond {
            Some(scope) => Err(Error::invalid(
                "scopes",
                format!("The access token you call with lacks {scope} and cannot hand it on."),
            )),
            None => Ok(wanted.min(*until)),
        }
    }
}

impl AccessTokenService {
    pub(crate) fn new(context: Context) -> Self {
        Self {
            touch: Touch::new(context.clone()),
            context,
        }
    }

    /// Makes an access token for whoever asks. One that is made with another token may do no more and
    /// lives no longer than that one.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `name`, `scopes` or `days`; [`Error::Conflict`] `too_many_tokens`.
    pub async fn create(
        &self,
        actor: &Actor,
        command: CreateAccessToken,
        origin: &Origin,
    ) -> Result<CreatedAccessToken> {
        let may: Authorised<may::ManageAccessTokens> = self
            .context
            .allow(actor, None, WHAT, "access_token.create", origin)
            .await?;
        let Parsed { name, scopes, days } = parse(&command)?;
        let owner = self.owner(actor).await?;
        let at = self.context.now();
        let expires_at = owner.limit(&scopes, at + days * DAY)?;
        let id = AccessTokenId::new(&*self.context.clock, &*self.context.entropy);
        let token = PlainToken::access(&*self.context.entropy);
        let mut tx = self.context.db.begin().await?;
        if let Some(user) = owner.user
            && store::access_token::live(&mut tx, user, at).await? >= MOST
        {
            return Err(Error::conflict(
                "too_many_tokens",
                format!("You have {MOST} access tokens that work. Revoke some first."),
            ));
        }
        let new = NewAccessToken {
            id,
            name: &name,
            token: &token,
            scopes: &scopes,
            user: owner.user,
            at,
            expires_at,
        };
        store::access_token::insert(&mut tx, &may, &new).await?;
        let entry = Entry::new(may.actor(), origin, "access_token.create")
            .of(home(actor))
            .about("access_token", id)
            .summary(format!(
                "Made the access token {name}, valid until {expires_at}."
            ))
            .change(&json!(null), &json!({"name": name, "scopes": scopes}));
        audit::append(&mut tx, at, entry).await?;
        tx.commit().await?;
        let view = AccessTokenView {
            id,
            name: name.as_str().to_owned(),
            hint: token.hint(),
            scopes: scopes.into_iter().collect(),
            owner: owner.name,
            created_at: at,
            expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        Ok(CreatedAccessToken { view, token })
    }

    async fn owner(&self, actor: &Actor) -> Result<Owner> {
        match actor {
            Actor::AccessToken(token) => {
                let own = store::access_token::by_id(&self.context.db, token.id).await?;
                let own = own.ok_or(Error::NotFound { what: WHAT })?;
                Ok(Owner {
                    user: own.user,
                    name: own.view.owner,
                    within: Some((token.scopes.clone(), own.view.expires_at)),
                })
            }
            Actor::User(user) => Ok(Owner {
                user: Some(user.id),
                name: user.name.clone(),
                within: None,
            }),
            _ => Ok(Owner {
                user: None,
                name: "Command line".to_owned(),
                within: None,
            }),
        }
    }

    /// The access tokens of whoever asks; everybody's for those who may manage all.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a token without the scope.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<AccessTokenView>> {
        authorise::<may::ManageAccessTokens>(actor, None, WHAT)?;
        let db = &self.context.db;
        let rows = match authorise::<may::ManageAllAccessTokens>(actor, None, WHAT) {
            Ok(may) => store::access_token::all(db, &may).await?,
            Err(_) => match self.owner(actor).await?.user {
                Some(user) => store::access_token::of_user(db, user).await?,
                None => Vec::new(),
            },
        };
        Ok(rows.into_iter().map(|owned| owned.view).collect())
    }

    /// Revokes an access token; the next call with it is refused. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or it is somebody else's.
    pub async fn revoke(&self, actor: &Actor, id: AccessTokenId, origin: &Origin) -> Result<()> {
        const ACTION: &str = "access_token.revoke";
        let may: Authorised<may::ManageAccessTokens> = self
            .context
            .allow(actor, None, WHAT, ACTION, origin)
            .await?;
        let found = store::access_token::by_id(&self.context.db, id).await?;
        let Owned { view, user } = found.ok_or(Error::NotFound { what: WHAT })?;
        let mine = self.owner(actor).await?.user;
        if mine != user && authorise::<may::ManageAllAccessTokens>(actor, None, WHAT).is_err() {
            return Err(Error::NotFound { what: WHAT });
        }
        let at = self.context.now();
        let mut tx = self.context.db.begin().await?;
        if store::access_token::revoke(&mut tx, &may, id, at).await? {
            let entry = Entry::new(may.actor(), origin, ACTION)
                .of(self.home_of(user).await?)
                .about("access_token", id)
                .summary(format!(
                    "Revoked the access token {} of {}.",
                    view.name, view.owner
                ));
            audit::append(&mut tx, at, entry).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn home_of(&self, user: Option<UserId>) -> Result<Option<TenantId>> {
        let Some(user) = user else { return Ok(None) };
        let account = store::user::by_id(&self.context.db, user).await?;
        Ok(account.and_then(|account| {
            if account.staff.is_some() {
                None
            } else {
                account.home
            }
        }))
    }

    /// Whom a text belongs to. None when it has not the form of an access token (then nothing is
    /// looked up), is unknown, revoked or expired, or its owner may not sign in any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn authenticate(&self, text: &str) -> Result<Option<Actor>> {
        let Some(token) = PlainToken::parse_access(text) else {
            return Ok(None);
        };
        let now = self.context.now();
        let Some(found) = store::access_token::bearer(&self.context.db, &token, now).await? else {
            return Ok(None);
        };
        self.touch
            .access_token(found.bearer.id, found.last_used_at, now);
        Ok(Some(Actor::AccessToken(found.bearer)))
    }
}

fn parse(command: &CreateAccessToken) -> Result<Parsed> {
    let mut fields = Fields::default();
    let name = fields.take("name", AccessTokenName::parse(&command.name));
    let mut scopes = BTreeSet::new();
    for word in command.scopes.iter().take(100) {
        match Scope::parse(word) {
            Ok(found) => scopes.extend(found),
            Err(why) => {
                fields.add("scopes", why);
                break;
            }
        }
    }
    if command.scopes.is_empty() {
        fields.add("scopes", "Name at least one scope.");
    }
    let days = command.days.unwrap_or(DEFAULT_DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        fields.add("days", format!("Use 1 to {MOST_DAYS} days."));
    }
    match name {
        Some(name) => fields.done().map(|()| Parsed { name, scopes, days }),
        None => Err(fields.into_error()),
    }
}
