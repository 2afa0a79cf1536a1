//! People: who one is, who belongs to a tenant or to the staff, and inviting more of them.

mod accept;
mod invite;

use std::sync::Arc;

use model::user::Role;
use model::view::{MeView, MemberView};
use model::{Actor, TenantId, may};

pub use self::accept::{AcceptInvitation, InvitationView};
pub use self::invite::{InvitationSent, InvitePerson};
use crate::context::authorise;
use crate::password::Passwords;
use crate::{Context, Error, Result};

/// Lists and invites people.
#[derive(Clone, Debug)]
pub struct UserService {
    context: Context,
    passwords: Arc<Passwords>,
}

impl UserService {
    pub(crate) fn new(context: Context, passwords: Arc<Passwords>) -> Self {
        Self { context, passwords }
    }

    /// Who is asking, with every role.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for nobody.
    #[expect(clippy::unused_async, reason = "all use cases are called the same way")]
    pub async fn me(&self, actor: &Actor) -> Result<MeView> {
        let reference = actor.reference();
        let (email, scopes) = match actor {
            Actor::Anonymous => return Err(model::Denied::Unauthenticated.into()),
            Actor::User(user) => (user.email.clone(), Vec::new()),
            Actor::AccessToken(token) => (String::new(), token.scopes.iter().copied().collect()),
            Actor::Operator | Actor::System => (String::new(), Vec::new()),
        };
        Ok(MeView {
            kind: reference.kind,
            user_id: actor.user_id(),
            name: reference.name,
            email,
            staff: actor.staff().map(Role::from),
            tenants: actor
                .tenants()
                .iter()
                .map(|(id, role)| (*id, Role::from(*role)))
                .collect(),
            scopes,
        })
    }

    /// The members of a tenant, then its open invitations.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such tenant, or not for this actor.
    pub async fn members(&self, actor: &Actor, tenant: TenantId) -> Result<Vec<MemberView>> {
        authorise::<may::ReadMember>(actor, Some(tenant), "tenant")?;
        let db = &self.context.db;
        let found = store::tenant::by_id(db, tenant).await?;
        found.ok_or(Error::NotFound { what: "tenant" })?;
        let mut list = store::membership::list(db, tenant).await?;
        let open = store::invitation::open(db, Some(tenant), self.context.now()).await?;
        list.extend(open.into_iter().map(MemberView::from));
        Ok(list)
    }

    /// The staff, then the open invitations to it.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for everybody else.
    pub async fn staff(&self, actor: &Actor) -> Result<Vec<MemberView>> {
        authorise::<may::ReadMember>(actor, None, "user")?;
        if actor.staff().is_none() {
            return Err(model::Denied::Role.into());
        }
        let db = &self.context.db;
        let accounts = store::user::staff(db).await?.into_iter();
        let mut list: Vec<MemberView> = accounts
            .filter_map(|account| {
                Some(MemberView {
                    user_id: Some(account.id),
                    invitation_id: None,
                    name: account.name,
                    email: account.email,
                    role: Role::from(account.staff?),
                    since: account.created_at,
                    expires_at: None,
                })
            })
            .collect();
        let open = store::invitation::open(db, None, self.context.now()).await?;
        list.extend(open.into_iter().map(MemberView::from));
        Ok(list)
    }
}
