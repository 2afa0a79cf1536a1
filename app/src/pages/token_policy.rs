//! The part of a tenant's page about how long its tokens may live and what a reported leak does:
//! Atala's policy, or a stricter one of its own, and the way to end all of its tokens.

use leptos::prelude::*;
use model::TenantId;
use model::permission::Permission;
use model::token::{OnLeak, TokenPolicy, TokenPolicyView};

use crate::context::Caller;
use crate::pages::tokens::revoke_all;
use crate::ui::form::{Choice, Form, buttons, field, radios};
use crate::ui::layout::{count, section};
use crate::ui::token;

/// The section.
pub fn section_of(
    caller: &Caller,
    tenant: TenantId,
    policy: &TokenPolicyView,
    form: &Form,
) -> AnyView {
    let whose = if policy.own.is_some() {
        "The tenant's own policy"
    } else {
        "Atala's policy"
    };
    let change = caller
        .may(Permission::ChangeTokenPolicy, Some(tenant))
        .then(|| change(tenant, policy, form));
    let here = format!("/tenants/{tenant}/tokens");
    let end = revoke_all(
        caller,
        tenant,
        &here,
        "Revoke all tokens of this tenant",
        "Of every instance of it. Whoever calls one is refused from then on.",
    );
    section(
        "token-policy",
        "Tokens",
        view! {
            <p>{whose}": "{said(policy.effective)}" "<a href=format!("/tokens?tenant={tenant}")>"All tokens of this tenant"</a></p>
            {change}
            {end}
        },
    )
}

/// "90 days unless chosen, 365 days at most; a token that … is revoked at once."
fn said(policy: TokenPolicy) -> String {
    format!(
        "a token lives for {} unless chosen otherwise, {} at most; {}.",
        count(policy.default_days, "day", "days"),
        count(policy.max_days, "day", "days"),
        token::on_leak(policy.on_leak),
    )
}

fn change(tenant: TenantId, policy: &TokenPolicyView, form: &Form) -> AnyView {
    let mut form = form.clone();
    let mine = ["default_days", "max_days", "on_leak", "policy"];
    let refused = mine.iter().any(|name| form.error(name).is_some());
    let now = policy.own.unwrap_or(policy.effective);
    let whose = if policy.own.is_some() { "own" } else { "staff" };
    for (name, value) in [
        ("policy", whose.to_owned()),
        ("default_days", now.default_days.to_string()),
        ("max_days", now.max_days.to_string()),
        ("on_leak", now.on_leak.to_string()),
    ] {
        form.default_to(name, value);
    }
    let whose = vec![
        Choice::new("staff", "Atala's").meaning(said(policy.staff)),
        Choice::new("own", "The tenant's own").meaning("As below, and never laxer than Atala's."),
    ];
    let leaks = vec![
        Choice::new(OnLeak::Revoke.as_str(), "Revoke it at once")
            .meaning("Its people are told. Programs that use it stop."),
        Choice::new(OnLeak::Tell.as_str(), "Tell its people")
            .meaning("They decide. Until then it still opens the instance."),
    ];
    view! {
        <details class="folded" id="policy" open=refused>
            <summary>"Change the policy"</summary>
            <form class="form" method="post" action=format!("/tenants/{tenant}/token-policy") data-once>
                {radios(&form, "policy", "Whose policy holds", "", whose)}
                {field(&form, "default_days", "Days a token lives unless chosen otherwise").kind("number").max(5).view()}
                {field(&form, "max_days", "Days a token may live at most").help("Tokens that are there already keep their end.").kind("number").max(5).view()}
                {radios(&form, "on_leak", "When a token is reported as leaked", "", leaks)}
                {buttons("", "Save policy", "")}
            </form>
        </details>
    }
    .into_any()
}
