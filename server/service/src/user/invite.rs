//! Inviting a person, by a one-time link that is bound to their address. The link goes out by mail;
//! where no mail server is configured the inviter is shown it, and nowhere else does it appear.

use std::fmt;

use model::email::Email;
use model::user::Role;
use model::{Actor, Authorised, Grant, InvitationId, TenantId, may};
use serde_json::json;
use store::invitation::NewInvitation;

use super::UserService;
use crate::audit::Entry;
use crate::error::Fields;
use crate::limit::{self, Rate, Verdict};
use crate::ports::Delivery;
use crate::{Error, Origin, Result, audit, link};

/// Invitations per inviter, so that nobody's mailbox is flooded from here.
const INVITATIONS: Rate = Rate {
    per_hour: 60,
    burst: 30,
};

/// A person to be invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitePerson {
    /// Address, as typed.
    pub email: String,
    /// As what.
    pub role: Role,
    /// To which tenant; none for the staff.
    pub tenant: Option<TenantId>,
}

/// What became of an invitation.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationSent {
    /// Its id.
    pub id: InvitationId,
    /// The link, for the inviter to hand on; none when it went out by mail.
    pub link: Option<String>,
    /// Whether it went out by mail.
    pub delivered: bool,
}

impl fmt::Debug for InvitationSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The link lets in whoever has it.
        let Self { id, delivered, .. } = self;
        f.debug_struct("InvitationSent")
            .field("id", id)
            .field("delivered", delivered)
            .finish_non_exhaustive()
    }
}

struct Drawn {
    id: InvitationId,
    link: String,
    tenant_name: Option<String>,
}

impl UserService {
    /// Invites a person to a tenant or to the staff. An open invitation of theirs to the same place is
    /// withdrawn.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `email` or `role`; [`Error::Conflict`] `already_member`;
    /// [`Error::NotFound`] for a tenant that is not there; [`Error::Limited`].
    pub async fn invite(
        &self,
        actor: &Actor,
        command: InvitePerson,
        origin: &Origin,
    ) -> Result<InvitationSent> {
        const ACTION: &str = "invitation.create";
        let context = &self.context;
        let inviter = actor.reference().name;
        let role = command.role;
        let (drawn, email) = if let Some(tenant) = command.tenant {
            let may: Authorised<may::InviteMember> = context
                .allow(actor, Some(tenant), "tenant", ACTION, origin)
                .await?;
            self.draw(&may, &command, origin).await?
        } else {
            let may: Authorised<may::InviteStaff> =
                context.allow(actor, None, "user", ACTION, origin).await?;
            self.draw(&may, &command, origin).await?
        };
        let mail = context.mailer.invitation(
            email.as_str(),
            &inviter,
            role.title(),
            drawn.tenant_name.as_deref(),
            &drawn.link,
        );
        // The invitation stands whatever becomes of the mail: then the inviter hands the link on.
        let delivered = match context.mailer.send(&mail).await {
            Ok(Delivery::Sent) => true,
            Ok(Delivery::Outbox) => false,
            Err(error) => {
                tracing::warn!(%error, "An invitation could not be mailed.");
                false
            }
        };
        Ok(InvitationSent {
            id: drawn.id,
            link: (!delivered).then_some(drawn.link),
            delivered,
        })
    }

    async fn draw<P: Grant>(
        &self,
        may: &Authorised<P>,
        command: &InvitePerson,
        origin: &Origin,
    ) -> Result<(Drawn, Email)> {
        let email = parse(command)?;
        self.refuse_member(&email, command).await?;
        let context = &self.context;
        let at = context.now();
        let (text, hash) = link::draw(&*context.entropy);
        let id = InvitationId::new(&*context.clock, &*context.entropy);
        let mut tx = context.db.begin().await?;
        let key = format!("invite:{}", may.actor().key());
        if let Verdict::Full { retry_after } = limit::take(&mut tx, &key, INVITATIONS, at).await? {
            return Err(Error::Limited {
                detail: "You have invited many people within the hour. Try again later.".to_owned(),
                retry_after,
            });
        }
        let tenant_name = match command.tenant {
            Some(tenant) => {
                let name = store::tenant::hold(&mut tx, tenant).await?;
                Some(name.ok_or(Error::NotFound { what: "tenant" })?)
            }
            None => None,
        };
        let new = NewInvitation {
            id,
            email: &email,
            role: command.role,
            tenant: command.tenant,
            hash: &hash,
            at,
            expires_at: at + context.settings.invitation_life,
        };
        store::invitation::insert(&mut tx, may, &new).await?;
        let entry = Entry::new(may.actor(), origin, "invitation.create")
            .of(command.tenant)
            .about("invitation", id)
            .change(&json!(null), &json!({"email": email, "role": command.role}))
            .summary(format!(
                "Invited {email} as {}.",
                command.role.title().to_lowercase()
            ));
        audit::append(&mut tx, at, entry).await?;
        tx.commit().await?;
        let link = format!("{}/invitations/{text}", context.settings.public_url);
        Ok((
            Drawn {
                id,
                link,
                tenant_name,
            },
            email,
        ))
    }

    async fn refuse_member(&self, email: &Email, command: &InvitePerson) -> Result<()> {
        let db = &self.context.db;
        let folded = email.folded();
        let member = if let Some(tenant) = command.tenant {
            store::membership::has(db, tenant, &folded).await?
        } else {
            let account = store::user::by_email(db, &folded).await?;
            let staff = account.and_then(|account| account.staff);
            staff.is_some_and(|staff| Role::from(staff) == command.role)
        };
        if member {
            return Err(Error::conflict(
                "already_member",
                format!("{email} already has this place. Nothing was sent."),
            ));
        }
        Ok(())
    }

    /// Takes an invitation back; its link stops working at once.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] `invitation_closed` when it was accepted, withdrawn or
    /// replaced before.
    pub async fn withdraw_invitation(&self, actor: &Actor, id: InvitationId) -> Result<()> {
        const WHAT: &str = "invitation";
        const ACTION: &str = "invitation.withdraw";
        let context = &self.context;
        let found = store::invitation::by_id(&context.db, id).await?;
        if *actor == Actor::Anonymous {
            return Err(model::Denied::Unauthenticated.into());
        }
        let found = found.ok_or(Error::NotFound { what: WHAT })?;
        let origin = Origin::local();
        if let Some(tenant) = found.tenant {
            let may: Authorised<may::InviteMember> = context
                .allow(actor, Some(tenant), WHAT, ACTION, &origin)
                .await?;
            return self.withdraw(&may, id, &found.email, Some(tenant)).await;
        }
        if actor.staff().is_none() {
            return Err(Error::NotFound { what: WHAT });
        }
        let may: Authorised<may::InviteStaff> =
            context.allow(actor, None, WHAT, ACTION, &origin).await?;
        self.withdraw(&may, id, &found.email, None).await
    }

    async fn withdraw<P: Grant>(
        &self,
        may: &Authorised<P>,
        id: InvitationId,
        email: &str,
        tenant: Option<TenantId>,
    ) -> Result<()> {
        let at = self.context.now();
        let mut tx = self.context.db.begin().await?;
        if !store::invitation::withdraw(&mut tx, may, id, at).await? {
            return Err(Error::conflict(
                "invitation_closed",
                "This invitation was accepted, withdrawn or replaced before.",
            ));
        }
        let entry = Entry::new(may.actor(), &Origin::local(), "invitation.withdraw")
            .of(tenant)
            .about("invitation", id)
            .summary(format!("Withdrew the invitation of {email}."));
        audit::append(&mut tx, at, entry).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn parse(command: &InvitePerson) -> Result<Email> {
    let mut fields = Fields::default();
    let email = fields.take("email", Email::parse(&command.email));
    if command.role.is_staff() == command.tenant.is_some() {
        fields.add(
            "role",
            "A role among the staff goes with no tenant, any other role with one.",
        );
    }
    match email {
        Some(email) => fields.done().map(|()| email),
        None => Err(fields.into_error()),
    }
}
