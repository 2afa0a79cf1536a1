//! Telling people about tokens: their owner and the admins of the tenant; and the staff when a gateway
//! does not prove what it should. Mails name tokens by name and hint, link here, and hold no secret.

use model::cause::Cause;
use model::user::{Role, StaffRole};
use model::{TenantId, UserId};

use crate::ports::Mail;
use crate::{Context, Result};

/// The addresses of whoever is told about a token of a tenant: its admins, and its owner.
///
/// # Errors
/// When the database fails.
pub(super) async fn people(
    context: &Context,
    tenant: TenantId,
    owner: Option<UserId>,
) -> Result<Vec<String>> {
    let members = store::membership::list(&context.db, tenant).await?;
    let told = |role: Role, id: Option<UserId>| {
        role == Role::TenantAdmin || (owner.is_some() && id == owner)
    };
    let mut addresses: Vec<String> = members
        .into_iter()
        .filter(|member| told(member.role, member.user_id))
        .map(|member| member.email)
        .collect();
    // Somebody who left the tenant is still told about what they answer for.
    if let Some(owner) = owner
        && let Some(account) = store::user::by_id(&context.db, owner).await?
        && !account.disabled
    {
        addresses.push(account.email);
    }
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

/// The addresses of the staff who act: owners and operators.
///
/// # Errors
/// When the database fails.
pub(super) async fn staff(context: &Context) -> Result<Vec<String>> {
    let accounts = store::user::staff(&context.db).await?;
    Ok(accounts
        .into_iter()
        .filter(|account| matches!(account.staff, Some(StaffRole::Owner | StaffRole::Operator)))
        .map(|account| account.email)
        .collect())
}

/// Hands mails over, one after the other; how many were taken.
pub(super) async fn send(context: &Context, mails: &[Mail]) -> usize {
    let mut taken = 0;
    for mail in mails {
        match context.mailer.send(mail).await {
            Ok(_) => taken += 1,
            Err(error) => tracing::warn!(%error, "A mail about a token could not be sent."),
        }
    }
    taken
}

/// Tells the staff, by mail and beside the work in hand, that something about tokens is not as it must
/// be. `path` is that of the page where it is seen.
pub(crate) fn alarm(context: &Context, cause: &Cause, path: &str) {
    let (context, cause) = (context.clone(), cause.clone());
    let link = format!("{}{path}", context.settings.public_url);
    tokio::spawn(async move {
        match staff(&context).await {
            Ok(addresses) => {
                let mails: Vec<Mail> = addresses
                    .iter()
                    .map(|to| context.mailer.alarm(to, &cause, &link))
                    .collect();
                send(&context, &mails).await;
            }
            Err(error) => tracing::warn!(%error, "The staff could not be told: {cause}"),
        }
    });
}
