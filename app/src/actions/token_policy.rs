//! A tenant's own policy of tokens, or none.

use axum::extract::Path;
use axum::response::Response;
use model::TenantId;
use model::permission::Permission;
use model::token::{OnLeak, TokenPolicy};
use service::Error;
use service::error::Fields;

use super::Table;
use super::desk::{Desk, id};
use super::posted::Posted;
use super::tenant::refused;

pub fn routes<S: Clone + Send + Sync + 'static>(table: Table<S>) -> Table<S> {
    table.form("/tenants/{id}/token-policy", set)
}

/// What was chosen; none to follow Atala's.
fn policy(posted: &Posted) -> Result<Option<TokenPolicy>, Error> {
    if posted.get("policy") == "staff" {
        return Ok(None);
    }
    let mut wrong = Fields::default();
    let days = |name: &str| {
        let number = posted.get(name).trim().parse::<u32>();
        number.map_err(|_| "Use a whole number of days, 1 or more.")
    };
    let default_days = wrong.take("default_days", days("default_days"));
    let max_days = wrong.take("max_days", days("max_days"));
    let on_leak = OnLeak::parse(posted.get("on_leak")).ok_or("Choose one of the two.");
    let on_leak = wrong.take("on_leak", on_leak);
    match (default_days, max_days, on_leak) {
        (Some(default_days), Some(max_days), Some(on_leak)) => Ok(Some(TokenPolicy {
            default_days,
            max_days,
            on_leak,
        })),
        _ => Err(wrong.into_error()),
    }
}

async fn set(desk: Desk, Path(text): Path<String>, posted: Posted) -> Response {
    let tenant = match id::<TenantId>(&text, "tenant") {
        Ok(tenant) => tenant,
        Err(error) => return desk.failed(&error),
    };
    let setting = async {
        let (caller, tokens) = (&desk.caller, &desk.services.token);
        // Whoever may not is told so before what is wrong with the form.
        tokens.policy(&caller.actor, tenant).await?;
        desk.allowed_in(Permission::ChangeTokenPolicy, tenant)?;
        tokens
            .set_policy(&caller.actor, tenant, policy(&posted)?, &caller.origin)
            .await
    };
    let done = setting.await;
    match done {
        Ok(now) if now.own.is_some() => desk.done(
            "The tenant has its own token policy now.",
            &format!("/tenants/{tenant}"),
        ),
        Ok(_) => desk.done(
            "Atala's token policy holds for this tenant now.",
            &format!("/tenants/{tenant}"),
        ),
        Err(error) => refused(&desk, tenant, error, posted).await,
    }
}
