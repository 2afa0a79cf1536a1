//! The doors: sign-in, the set-up of the first owner, and accepting an invitation. They have no rail,
//! say nothing about what lies behind them, and let a password manager do its work.

use leptos::prelude::*;

use crate::context::Caller;
use crate::pages::{Nav, Page};
use crate::ui::form::{Form, buttons, field};

/// Signing in; `next` is where the person wanted to go.
pub fn sign_in(_: &Caller, form: &Form) -> Page {
    let next = form.get("next").to_owned();
    let body = view! {
        <h1>"Sign in"</h1>
        {form.summary()}
        <form class="form" method="post" action="/sign-in" data-once>
            <input type="hidden" name="next" value=next/>
            {field(form, "email", "Email address").kind("email").autocomplete("username").max(254).view()}
            {field(form, "password", "Password").kind("password").autocomplete("current-password").max(256).view()}
            {buttons("primary", "Sign in", "")}
        </form>
        <p class="door-foot"><a href="/leaks">"Report a leaked token"</a></p>
    };
    Page::new(Nav::None, "Sign in", body.into_any()).refused_if(form.is_refused())
}

/// The first owner, by the one-time link that the server printed.
pub fn setup(_: &Caller, token: &str, form: &Form) -> Page {
    let body = view! {
        <h1>"Set up the first owner"</h1>
        <p class="lead">"This link works once. The owner may do everything here and invites the others."</p>
        {form.summary()}
        <form class="form" method="post" action=format!("/setup/{token}") data-once>
            {field(form, "name", "Your name").autocomplete("name").max(80).view()}
            {field(form, "email", "Email address").kind("email").autocomplete("username").max(254).view()}
            {new_password(form)}
            {buttons("primary", "Create owner", "")}
        </form>
    };
    Page::new(Nav::None, "Set-up", body.into_any()).refused_if(form.is_refused())
}

/// What an invitation says to the one who opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// Address it was sent to.
    pub email: String,
    /// Role it gives, as a title.
    pub role: String,
    /// The tenant; none for staff.
    pub tenant: Option<String>,
    /// Who invites.
    pub inviter: String,
    /// Whether the address already has an account, whose password is then asked for.
    pub known: bool,
}

/// Accepting an invitation.
pub fn invitation(_: &Caller, token: &str, invited: &Invited, form: &Form) -> Page {
    let Invited {
        email,
        role,
        tenant,
        inviter,
        known,
    } = invited.clone();
    let fields = if known {
        field(form, "password", "Your password")
            .kind("password")
            .autocomplete("current-password")
            .help("This address has an account already; its password proves that it is yours.")
            .max(256)
            .view()
    } else {
        view! {
            {field(form, "name", "Your name").autocomplete("name").max(80).view()}
            {new_password(form)}
        }
        .into_any()
    };
    let of = tenant.map_or_else(
        || "among Atala's staff".to_owned(),
        |tenant| format!("of {tenant}"),
    );
    let body = view! {
        <h1>"Accept the invitation"</h1>
        <p class="lead">{inviter}" invites you as "<strong>{role}</strong>" "{of}"."</p>
        {form.summary()}
        <form class="form" method="post" action=format!("/invitations/{token}") data-once>
            <div class="field">
                <label for="f-email">"Email address"</label>
                <input id="f-email" type="email" name="email" value=email autocomplete="username" readonly/>
            </div>
            {fields}
            {buttons("primary", "Accept invitation", "")}
        </form>
    };
    Page::new(Nav::None, "Invitation", body.into_any()).refused_if(form.is_refused())
}

fn new_password(form: &Form) -> AnyView {
    field(form, "password", "Password")
        .kind("password")
        .autocomplete("new-password")
        .help("At least 12 characters. Nothing else is prescribed.")
        .max(256)
        .view()
}
