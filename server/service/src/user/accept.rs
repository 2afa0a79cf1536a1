//! Accepting an invitation: whoever holds the link and, where the address already has an account,
//! that account's password. The link works once; of two who use it at once, one is told so.

use model::email::Email;
use model::name::PersonName;
use model::permission::split_role;
use model::user::Role;
use model::{ActorRef, Timestamp, UserId};
use store::Tx;
use store::invitation::Invitation;
use store::user::{Account, NewUser};

use super::UserService;
use crate::audit::Entry;
use crate::auth::{count_try, email_taken, reference};
use crate::error::Fields;
use crate::password::{Checked, check_new, refuse_unfit};
use crate::{Error, Origin, Result, audit, link};

/// An invitation as the invited person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationView {
    /// The address it is for.
    pub email: String,
    /// As what.
    pub role: Role,
    /// To which tenant; none for the staff.
    pub tenant_name: Option<String>,
    /// Who invites.
    pub inviter: String,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// Whether the address already has an account, whose password is then asked for.
    pub known: bool,
}

/// What the invited person typed.
#[derive(Clone)]
pub struct AcceptInvitation {
    /// Name; not looked at when the address already has an account.
    pub name: String,
    /// A new password, or that of the account there is.
    pub password: String,
}

impl UserService {
    /// The invitation behind a link's token.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] `invitation_accepted`, `invitation_withdrawn` or
    /// `invitation_expired`.
    pub async fn invitation(&self, token: &str) -> Result<InvitationView> {
        let invitation = self.open(token).await?;
        let folded = model::name::fold(&invitation.email);
        let known = store::user::by_email(&self.context.db, &folded)
            .await?
            .is_some();
        Ok(InvitationView {
            email: invitation.email,
            role: invitation.role,
            tenant_name: invitation.tenant_name,
            inviter: invitation.inviter,
            expires_at: invitation.expires_at,
            known,
        })
    }

    async fn open(&self, token: &str) -> Result<Invitation> {
        let missing = || Error::NotFound { what: "invitation" };
        let hash = link::hash(token).ok_or_else(missing)?;
        let found = store::invitation::by_token(&self.context.db, &hash).await?;
        let invitation = found.ok_or_else(missing)?;
        refuse_closed(&invitation, self.context.now())?;
        Ok(invitation)
    }

    /// Accepts an invitation and gives the user it made, or made a member. The caller then begins a
    /// session for them.
    ///
    /// # Errors
    /// As [`UserService::invitation`], and [`Error::Invalid`] on `name` or `password`;
    /// [`Error::Limited`] after too many wrong passwords.
    pub async fn accept(
        &self,
        token: &str,
        command: AcceptInvitation,
        origin: &Origin,
    ) -> Result<UserId> {
        let invitation = self.open(token).await?;
        let folded = model::name::fold(&invitation.email);
        match store::user::by_email(&self.context.db, &folded).await? {
            Some(account) => {
                self.join(&invitation, account, &command, &folded, origin)
                    .await
            }
            None => self.register(&invitation, &command, origin).await,
        }
    }

    /// Adds a role to the account there is, against its password.
    async fn join(
        &self,
        invitation: &Invitation,
        account: Account,
        command: &AcceptInvitation,
        folded: &str,
        origin: &Origin,
    ) -> Result<UserId> {
        refuse_unfit("password", &command.password)?;
        count_try(&self.context, folded, origin).await?;
        let hash = (!account.disabled).then_some(account.password_hash.as_str());
        if self.passwords.check(&command.password, hash).await? == Checked::Wrong {
            return Err(Error::invalid(
                "password",
                "This is not the password of the account that this address already has.",
            ));
        }
        let mut tx = self.context.db.begin().await?;
        self.use_up(
            &mut tx,
            invitation,
            account.id,
            &reference(&account),
            origin,
        )
        .await?;
        // Never a smaller role than the account has: the last owner must not be talked out of it.
        if let (Some(staff), _) = split_role(invitation.role)
            && account.staff.is_none_or(|held| staff < held)
        {
            store::user::set_staff_role(&mut tx, account.id, staff).await?;
        }
        tx.commit().await?;
        Ok(account.id)
    }

    /// Makes an account for the invited address.
    async fn register(
        &self,
        invitation: &Invitation,
        command: &AcceptInvitation,
        origin: &Origin,
    ) -> Result<UserId> {
        let mut fields = Fields::default();
        let name = fields.take("name", PersonName::parse(&command.name));
        if let Err(Error::Invalid(list)) = check_new("password", &command.password) {
            for wrong in list {
                fields.add(&wrong.field, wrong.message);
            }
        }
        let Some(name) = name else {
            return Err(fields.into_error());
        };
        fields.done()?;
        let email = Email::parse(&invitation.email).map_err(Error::internal)?;
        let hash = self.passwords.hash(&command.password).await?;
        let context = &self.context;
        let id = UserId::new(&*context.clock, &*context.entropy);
        let new = NewUser {
            id,
            email: &email,
            name: &name,
            password_hash: &hash,
            staff: split_role(invitation.role).0,
            at: context.now(),
        };
        let by = ActorRef {
            kind: "user".to_owned(),
            id: id.to_string(),
            name: name.to_string(),
        };
        let mut tx = context.db.begin().await?;
        store::user::insert(&mut tx, &new)
            .await
            .map_err(email_taken)?;
        self.use_up(&mut tx, invitation, id, &by, origin).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn use_up(
        &self,
        tx: &mut Tx,
        invitation: &Invitation,
        user: UserId,
        by: &ActorRef,
        origin: &Origin,
    ) -> Result<()> {
        let at = self.context.now();
        if let Some(tenant) = invitation.tenant {
            let held = store::tenant::hold(tx, tenant).await?;
            held.ok_or(Error::NotFound { what: "invitation" })?;
        }
        if !store::invitation::accept(tx, invitation.id, at).await? {
            return Err(Error::conflict(
                "invitation_accepted",
                "This invitation was accepted or withdrawn a moment ago.",
            ));
        }
        if let (Some(tenant), (_, Some(role))) = (invitation.tenant, split_role(invitation.role)) {
            store::membership::put(tx, user, tenant, role, at).await?;
        }
        let entry = Entry::new(by, origin, "invitation.accept")
            .of(invitation.tenant)
            .about("user", user)
            .summary(format!(
                "{} accepted the invitation as {}.",
                invitation.email,
                invitation.role.title().to_lowercase()
            ));
        audit::append(tx, at, entry).await
    }
}

fn refuse_closed(invitation: &Invitation, now: Timestamp) -> Result<()> {
    if invitation.accepted_at.is_some() {
        return Err(Error::conflict(
            "invitation_accepted",
            "This invitation has been accepted. Sign in instead.",
        ));
    }
    if invitation.withdrawn_at.is_some() {
        return Err(Error::conflict(
            "invitation_withdrawn",
            "This invitation was withdrawn or replaced by a newer one. Ask whoever invited you.",
        ));
    }
    if invitation.expires_at <= now {
        return Err(Error::conflict(
            "invitation_expired",
            "This invitation has expired. Ask whoever invited you for a new one.",
        ));
    }
    Ok(())
}
