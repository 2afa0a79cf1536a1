//! The pages about tokens in every state that matters.

use model::health::HealthStatus;
use model::instance::InstanceState;
use model::page::Page as Rows;
use model::token::TokenState;
use model::user::Role;

use super::gallery::Gallery;
use super::{self as made};
use crate::pages::{self, token_end::Everything, token_issue::Offer, tokens::Filters};
use crate::ui::form::Form;

pub(super) fn tokens(all: &mut Gallery) {
    lists(all);
    one(all);
    issuing(all);
    ending(all);
    leaks(all);
}

fn owners() -> Vec<(String, String)> {
    vec![(
        "0193580a-0000-7000-8000-000000000901".to_owned(),
        "Grace Hopper".to_owned(),
    )]
}

fn filters(chosen: &[(&str, &str)]) -> Filters {
    Filters {
        chosen: chosen
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        cursor: None,
        tenants: (1..4)
            .map(|n| (made::tenant_id(n).to_string(), made::tenant(n).name))
            .collect(),
        owners: owners(),
    }
}

fn lists(all: &mut Gallery) {
    let (owner, admin) = (Some(Role::StaffOwner), Some(Role::TenantAdmin));
    let none = Rows {
        items: Vec::new(),
        next_cursor: None,
    };
    let some = Rows {
        items: made::tokens(12),
        next_cursor: None,
    };
    let many = Rows {
        items: made::tokens(100),
        next_cursor: Some("next".to_owned()),
    };
    let instance = made::instance(0, HealthStatus::Healthy);
    let mut creating = instance.clone();
    creating.state = InstanceState::Creating;
    all.add("tokens-empty", admin, |c| {
        pages::tokens::all(c, &none, &filters(&[]))
    });
    all.add("tokens-many", owner, |c| {
        pages::tokens::all(c, &many, &filters(&[]))
    });
    all.add("tokens-no-match", owner, |c| {
        pages::tokens::all(c, &none, &filters(&[("q", "nothing")]))
    });
    all.add("instance-tokens", admin, |c| {
        pages::tokens::of_instance(c, &instance, &some, &filters(&[]))
    });
    all.add("instance-tokens-empty", owner, |c| {
        pages::tokens::of_instance(c, &instance, &none, &filters(&[]))
    });
    all.add("instance-tokens-creating", owner, |c| {
        pages::tokens::of_instance(c, &creating, &none, &filters(&[]))
    });
    all.add("instance-tokens-member", Some(Role::TenantMember), |c| {
        pages::tokens::of_instance(c, &instance, &some, &filters(&[("state", "active")]))
    });
}

fn one(all: &mut Gallery) {
    for (name, view) in made::details() {
        all.add(&format!("token-{name}"), Some(Role::StaffOwner), |c| {
            pages::token::show(c, &view, &owners(), &Form::default())
        });
    }
    let (_, view) = made::details().remove(2);
    all.add("token-member", Some(Role::TenantMember), |c| {
        pages::token::show(c, &view, &[], &Form::default())
    });
    all.add("token-change-refused", Some(Role::TenantAdmin), |c| {
        let mut form = Form::sent(vec![("name".to_owned(), made::HOSTILE.to_owned())]);
        form.refuse("name", "Use at most 60 characters.");
        pages::token::show(c, &view, &owners(), &form)
    });
}

fn issuing(all: &mut Gallery) {
    let admin = Some(Role::TenantAdmin);
    let instance = made::instance(0, HealthStatus::Healthy);
    let offer = |own| Offer {
        policy: made::token_policy(own),
        owners: owners(),
        once: "0123456789abcdef".to_owned(),
    };
    let (_, view) = made::details().remove(2);
    all.add("token-new", admin, |c| {
        pages::token_issue::new(c, &instance, &offer(false), &Form::default())
    });
    all.add("token-new-refused", admin, |c| {
        let mut form = Form::sent(vec![
            ("name".to_owned(), String::new()),
            ("days".to_owned(), "7".to_owned()),
        ]);
        form.refuse("name", "Enter a name.");
        pages::token_issue::new(c, &instance, &offer(true), &form)
    });
    all.add("token-rotate", admin, |c| {
        pages::token_issue::rotate(c, &view, &offer(false), &Form::default())
    });
    let (new, old) = (
        made::token(1, TokenState::Issuing),
        made::details().remove(4).1.token,
    );
    all.add("token-issued", admin, |c| {
        pages::token_issue::issued(
            c,
            &new,
            made::TEXT,
            Some("https://k7mq2x9dr4ht.eu.prism.example"),
            None,
        )
    });
    all.add("token-issued-in-place", admin, |c| {
        pages::token_issue::issued(c, &new, made::TEXT, None, Some(&old))
    });
}

fn ending(all: &mut Gallery) {
    let admin = Some(Role::TenantAdmin);
    let (_, view) = made::details().remove(2);
    let (_, rotated) = made::details().remove(4);
    all.add("token-revoke", admin, |c| {
        pages::token_end::revoke(c, &view, &Form::default())
    });
    all.add("token-retire", admin, |c| {
        pages::token_end::retire(c, &rotated, &Form::default())
    });
    let everything = |count: usize| Everything {
        what: "tenant",
        name: made::HOSTILE.to_owned(),
        to: "/tenants/1/tokens/revoke-all".to_owned(),
        back: "/tenants/1".to_owned(),
        back_name: "Acme Ltd".to_owned(),
        names: made::tokens(count)
            .into_iter()
            .map(|one| (one.name, one.hint))
            .collect(),
        more: count > 50,
    };
    for (name, count) in [("none", 0), ("some", 5), ("many", 80)] {
        all.add(&format!("tokens-revoke-all-{name}"), admin, |c| {
            pages::token_end::revoke_all(c, &everything(count), &Form::default())
        });
    }
}

fn leaks(all: &mut Gallery) {
    all.add("leaks", None, |c| pages::leak::page(c, &Form::default()));
    all.add("leaks-signed-in", Some(Role::StaffViewer), |c| {
        pages::leak::page(c, &Form::default())
    });
    all.add("leaks-refused", None, |c| {
        let mut form = Form::sent(vec![
            ("text".to_owned(), made::TEXT.to_owned()),
            ("place".to_owned(), "https://git.example/a/b".to_owned()),
        ]);
        form.refuse(
            "",
            "Too many reports from this address. Try again in a minute.",
        );
        pages::leak::page(c, &form)
    });
}
