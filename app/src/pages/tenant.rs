//! One tenant: its instances, its people, and what can be done about it.

use leptos::prelude::*;
use model::permission::Permission;
use model::token::TokenPolicyView;
use model::view::{InstanceView, MemberView, TenantView};
use model::{TenantId, Timestamp};

use crate::context::Caller;
use crate::pages::{Nav, Page, token_policy};
use crate::ui::form::{Choice, Form, buttons, field, select};
use crate::ui::icon::Icon;
use crate::ui::layout::{callout, count, empty, header, primary, section, snippet};
use crate::ui::list::{column, table};
use crate::ui::time::{ago, on, relative};
use crate::ui::{health, operation};

/// Everything the page shows.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The tenant.
    pub tenant: TenantView,
    /// Its instances.
    pub instances: Vec<InstanceView>,
    /// Its people and open invitations.
    pub members: Vec<MemberView>,
    /// How long its tokens may live; none for who may not see its tokens.
    pub policy: Option<TokenPolicyView>,
    /// The invitation that was just made. Never shown again.
    pub invited: Option<Invited>,
}

/// An invitation that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// Whom it is for.
    pub email: String,
    /// The one-time link to hand on; none when it went out by mail.
    pub link: Option<String>,
}

/// The page; `form` is the refused form, if any.
pub fn page(caller: &Caller, shown: &Shown, form: &Form) -> Page {
    let tenant = &shown.tenant;
    let create = caller
        .may(Permission::CreateInstance, Some(tenant.id))
        .then(|| {
            primary(
                format!("/instances/new?tenant={}", tenant.id),
                "Create instance",
                Icon::Plus,
            )
        });
    let body = view! {
        {header(tenant.name.clone(), state(tenant), create)}
        {form.summary()}
        {shown.invited.as_ref().map(|made| invited(tenant, made))}
        {section("instances", "Instances", instances(shown, caller.now))}
        {section("members", "Members", members(caller, shown, form))}
        {shown.policy.as_ref().map(|policy| token_policy::section_of(caller, tenant.id, policy, form))}
        {danger(caller, tenant, form)}
    };
    let mut page = Page::new(Nav::Tenants, tenant.name.clone(), body.into_any())
        .live(format!("tenant:{} instance:*", tenant.id))
        .lives_at(format!("/tenants/{}", tenant.id))
        .refused_if(form.is_refused());
    if caller.is_staff() {
        page = page.under("Tenants", "/tenants");
    }
    page
}

fn state(tenant: &TenantView) -> AnyView {
    let instances = match (tenant.instances, tenant.not_healthy) {
        (0, _) => "No instances".to_owned(),
        (n, 0) => format!("{}, healthy", count(n, "instance", "instances")),
        (n, bad) => format!("{}, {bad} not healthy", count(n, "instance", "instances")),
    };
    view! { {instances}"; "{count(tenant.members, "member", "members")}". Since "{on(tenant.created_at)}"." }.into_any()
}

fn invited(tenant: &TenantView, made: &Invited) -> AnyView {
    let email = made.email.clone();
    let told = match &made.link {
        None => callout(
            "ok",
            view! { <p><strong>{email}" is invited."</strong>" The one-time link went out by mail."</p> },
        ),
        Some(link) => callout(
            "ok",
            view! {
                <p><strong>{email}" is invited."</strong>" No mail is sent from here: hand on this one-time link. It is shown only now."</p>
                {snippet(link, "link")}
            },
        ),
    };
    view! { <div data-replace-location=format!("/tenants/{}", tenant.id)>{told}</div> }.into_any()
}

fn instances(shown: &Shown, now: Timestamp) -> AnyView {
    if shown.instances.is_empty() {
        return empty(
            "No instances yet",
            "An instance is this organisation's own deployment of PRISM, with its own host name and database.",
            None,
        );
    }
    let columns = [
        column("Instance"),
        column("Health"),
        column("Purpose").wide(),
        column("Release").wide(),
        column("Operation").wide(),
    ];
    let rows = shown
        .instances
        .iter()
        .map(|one| instance(one, now))
        .collect();
    table("Instances of this tenant", &columns, rows, "instances")
}

fn instance(one: &InstanceView, now: Timestamp) -> AnyView {
    let under_way = one.operation.as_ref().map(|active| {
        view! { <a href=format!("/operations/{}", active.id)>{operation::kind(active.kind)}</a>" "{active.percent}" %" }
    });
    view! {
        <tr data-live=format!("instance-{}", one.id)>
            <th scope="row">
                <a href=format!("/instances/{}", one.id)>{one.name.clone()}</a>
                <code class="id">{one.id.to_string()}</code>
            </th>
            <td>{health::of_instance(&one.health, now)}</td>
            <td class="wide-only">{one.purpose.as_str()}</td>
            <td class="wide-only">{one.release.to_string()}</td>
            <td class="wide-only">{under_way}</td>
        </tr>
    }
    .into_any()
}

fn members(caller: &Caller, shown: &Shown, form: &Form) -> AnyView {
    let may = caller.may(Permission::InviteMember, Some(shown.tenant.id));
    let ends = caller.may(Permission::RevokeToken, Some(shown.tenant.id));
    let list = if shown.members.is_empty() {
        empty(
            "Nobody yet",
            "Invite the tenant's first admin: they get a one-time link by which they set their password.",
            None,
        )
    } else {
        let columns = [
            column("Name"),
            column("Role"),
            column("Since").wide(),
            column(""),
        ];
        let rows = shown
            .members
            .iter()
            .map(|one| member(one, shown.tenant.id, (may, ends), caller.now))
            .collect();
        table("Members and open invitations", &columns, rows, "members")
    };
    let invite = may.then(|| invite(shown, form));
    view! { {list}{invite} }.into_any()
}

/// `may` withdraw invitations, and revoke tokens.
fn member(one: &MemberView, tenant: TenantId, may: (bool, bool), now: Timestamp) -> AnyView {
    let withdraw = one.invitation_id.filter(|_| may.0).map(|invitation| {
        view! {
            <form method="post" action=format!("/tenants/{tenant}/invitations/{invitation}/withdraw")>
                <button class="button">"Withdraw"<span class="sr">" invitation of "{one.email.clone()}</span></button>
            </form>
        }
    });
    let end = one.user_id.filter(|_| may.1).map(|user| {
        view! {
            <a class="button quiet" data-dialog href=format!("/tenants/{tenant}/members/{user}/revoke-tokens")>
                "Revoke tokens"<span class="sr">" of "{one.name.clone()}</span>
            </a>
        }
    });
    let name = if one.user_id.is_some() {
        view! { <span class="member-name">{one.name.clone()}</span> }.into_any()
    } else {
        let expires = one.expires_at.map(|at| relative(at, now));
        view! { <span class="tag">"invited, link ends "{expires}</span> }.into_any()
    };
    view! {
        <tr>
            <th scope="row">{name}<span class="id">{one.email.clone()}</span></th>
            <td>{one.role.title()}</td>
            <td class="wide-only">{ago(one.since, now)}</td>
            <td><div class="actions">{withdraw}{end}</div></td>
        </tr>
    }
    .into_any()
}

fn invite(shown: &Shown, form: &Form) -> AnyView {
    let mut form = form.clone();
    form.default_to(
        "role",
        if shown.members.is_empty() {
            "tenant_admin"
        } else {
            "tenant_member"
        },
    );
    let refused = form.error("email").is_some() || form.error("role").is_some();
    let roles = vec![
        Choice::new("tenant_admin", "Tenant admin – manages tokens and people"),
        Choice::new("tenant_member", "Tenant member – sees what is the tenant's"),
    ];
    view! {
        <details class="folded" open=refused || shown.members.is_empty()>
            <summary>"Invite somebody"</summary>
            <form class="form" method="post" action=format!("/tenants/{}/members", shown.tenant.id) data-once>
                {field(&form, "email", "Email address").kind("email").max(254).view()}
                {select(&form, "role", "Role", "", roles)}
                {buttons("", "Invite member", "")}
            </form>
        </details>
    }
    .into_any()
}

fn danger(caller: &Caller, tenant: &TenantView, form: &Form) -> Option<AnyView> {
    if !caller.may(Permission::ChangeTenant, Some(tenant.id)) {
        return None;
    }
    let typed = if form.error("name").is_some() {
        form.get("name").to_owned()
    } else {
        tenant.name.clone()
    };
    let delete = caller.may(Permission::DeleteTenant, Some(tenant.id)).then(|| {
        let way = if tenant.instances == 0 {
            view! { <a class="button danger" data-dialog href=format!("/tenants/{}/delete", tenant.id)>"Delete tenant"</a> }.into_any()
        } else {
            view! { <p class="muted">"Possible once its instances are deleted."</p> }.into_any()
        };
        view! {
            <li>
                <div><p class="danger-what">"Delete"</p><p class="muted">"Takes away the tenant, its members' access and its open invitations."</p></div>
                {way}
            </li>
        }
    });
    let zone = view! {
        <ul class="danger-zone">
            <li>
                <form class="inline" method="post" action=format!("/tenants/{}/rename", tenant.id) data-once>
                    <label for="f-name">"Name"</label>
                    <input id="f-name" name="name" value=typed required maxlength="80" autocomplete="off"/>
                    <button class="button">"Rename tenant"</button>
                </form>
            </li>
            {delete}
        </ul>
    };
    Some(section("danger", "Change or remove", zone))
}

/// Deleting it: what goes, and its name typed once more.
pub fn delete(_: &Caller, tenant: &TenantView, form: &Form) -> Page {
    let here = format!("/tenants/{}", tenant.id);
    let name = tenant.name.clone();
    let body = view! {
        {header(format!("Delete tenant {name}"), "This cannot be undone.", None)}
        {form.summary()}
        <ul class="consequences">
            <li>{count(tenant.members, "member loses", "members lose")}" access at once."</li>
            <li>"Open invitations end."</li>
            <li>"Its instances must be deleted before; it has "{count(tenant.instances, "instance", "instances")}"."</li>
            <li>"The audit trail keeps what was done."</li>
        </ul>
        <form class="form section" method="post" action=format!("{here}/delete") data-once>
            {field(form, "confirm", "Type the tenant's name to go on").max(80).view()}
            {buttons("destroy", format!("Delete tenant {name}"), here.clone())}
        </form>
    };
    Page::new(
        Nav::Tenants,
        format!("Delete {}", tenant.name),
        body.into_any(),
    )
    .under("Tenants", "/tenants")
    .under(tenant.name.clone(), here)
    .refused_if(form.is_refused())
}
