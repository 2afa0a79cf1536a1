//! Every page in every state that matters, rendered from samples.

use model::cluster::Purpose;
use model::health::HealthStatus;
use model::operation::{OperationKind, OperationState};
use model::page::Page as Rows;
use model::user::Role;

use super as made;
use crate::context::Caller;
use crate::frame::document;
use crate::pages::{self, Page};
use crate::ui::form::Form;

/// A rendered page.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What it shows: `fleet-many`.
    pub name: String,
    /// The whole document.
    pub html: String,
    /// The status it is sent with.
    pub status: u16,
}

/// Collects rendered pages.
pub(super) struct Gallery(Vec<Sample>);

impl Gallery {
    pub(super) fn add(
        &mut self,
        name: &str,
        role: Option<Role>,
        page: impl FnOnce(&Caller) -> Page,
    ) {
        let (status, html) = document(&made::caller(role), page);
        self.0.push(Sample {
            name: name.to_owned(),
            html,
            status,
        });
    }
}

/// All of them.
#[must_use]
pub fn pages() -> Vec<Sample> {
    let mut all = Gallery(Vec::new());
    fleet(&mut all);
    instances(&mut all);
    changes(&mut all);
    tenants(&mut all);
    operations(&mut all);
    clusters(&mut all);
    others(&mut all);
    doors(&mut all);
    super::gallery_tokens::tokens(&mut all);
    all.0
}

fn fleet(all: &mut Gallery) {
    let owner = Some(Role::StaffOwner);
    all.add("fleet-empty", owner, |c| {
        pages::fleet::page(c, &made::fleet(0, 2), None)
    });
    all.add("fleet-five", owner, |c| {
        pages::fleet::page(c, &made::fleet(5, 2), None)
    });
    all.add("fleet-many", owner, |c| {
        pages::fleet::page(c, &made::fleet(1_000, 10), None)
    });
    all.add("fleet-one-cluster", owner, |c| {
        pages::fleet::page(c, &made::fleet(1_000, 1), None)
    });
    all.add("fleet-10000", owner, |c| {
        pages::fleet::page(c, &made::fleet(10_000, 20), None)
    });
    all.add("fleet-filtered", Some(Role::StaffViewer), |c| {
        pages::fleet::page(c, &made::fleet(300, 4), Some(HealthStatus::Down))
    });
}

fn instances(all: &mut Gallery) {
    let owner = Some(Role::StaffOwner);
    let filters = pages::instances::Filters {
        tenants: (1..9)
            .map(|n| (made::tenant_id(n).to_string(), made::tenant(n).name))
            .collect(),
        clusters: vec!["eu-dev-1".to_owned(), "eu-prod-1".to_owned()],
        releases: vec!["2.2.0".to_owned(), "2.1.0".to_owned()],
        ..Default::default()
    };
    let none = Rows {
        items: Vec::new(),
        next_cursor: None,
    };
    let some = Rows {
        items: (0..40)
            .map(|n| made::instance(n, HealthStatus::ALL[n % 5]))
            .collect(),
        next_cursor: Some("next".to_owned()),
    };
    let mut chosen = filters.clone();
    chosen.chosen = vec![("q".to_owned(), "nothing".to_owned())];
    all.add("instances-empty", owner, |c| {
        pages::instances::page(c, &none, &filters)
    });
    all.add("instances-no-match", owner, |c| {
        pages::instances::page(c, &none, &chosen)
    });
    all.add("instances-many", owner, |c| {
        pages::instances::page(c, &some, &filters)
    });
    all.add("instances-tenant", Some(Role::TenantMember), |c| {
        pages::instances::page(c, &some, &filters)
    });
    for status in HealthStatus::ALL {
        all.add(&format!("instance-{status}"), owner, |c| {
            pages::instance::page(c, &made::detail(status), &newest(3))
        });
    }
    all.add("instance-deleting", owner, |c| {
        pages::instance::page(c, &made::deleting(), &newest(1))
    });
    all.add("instance-tenant", Some(Role::TenantMember), |c| {
        let mut view = made::detail(HealthStatus::Healthy);
        view.overrides = None;
        pages::instance::page(c, &view, &newest(0))
    });
}

fn newest(count: usize) -> pages::tokens::Newest {
    pages::tokens::Newest {
        newest: made::tokens(count),
        open: u32::try_from(count).unwrap_or(0),
        revoking: u32::from(count > 2),
        more: false,
    }
}

fn refused(field: &str, message: &str) -> Form {
    let mut form = Form::sent(vec![("name".to_owned(), made::HOSTILE.to_owned())]);
    form.refuse(field, message);
    form
}

fn changes(all: &mut Gallery) {
    let owner = Some(Role::StaffOwner);
    let choices = pages::instance_new::Choices {
        tenants: (1..9)
            .map(|n| (made::tenant_id(n).to_string(), made::tenant(n).name))
            .collect(),
        regions: made::regions(),
        releases: made::releases(),
    };
    let none = pages::instance_new::Choices::default();
    let view = made::detail(HealthStatus::Healthy);
    all.add("instance-new", owner, |c| {
        pages::instance_new::page(c, &choices, &Form::default())
    });
    all.add("instance-new-nothing", owner, |c| {
        pages::instance_new::page(c, &none, &Form::default())
    });
    all.add("instance-new-refused", owner, |c| {
        pages::instance_new::page(
            c,
            &choices,
            &refused("name", "Remove the invisible or control character U+202E."),
        )
    });
    all.add("instance-overrides", owner, |c| {
        pages::instance_change::overrides(c, &view, &Form::default())
    });
    all.add("instance-overrides-refused", owner, |c| {
        let mut form = Form::sent(vec![("overrides".to_owned(), "agent: [".to_owned())]);
        form.refuse("overrides", "Line 1 is not YAML: a list is not closed.");
        pages::instance_change::overrides(c, &view, &form)
    });
    all.add("instance-upgrade", owner, |c| {
        pages::instance_change::upgrade(c, &view, &Form::default())
    });
    all.add("instance-delete", owner, |c| {
        pages::instance_change::delete(c, &view, "7 d", &Form::default())
    });
}

fn tenants(all: &mut Gallery) {
    let owner = Some(Role::StaffOwner);
    let none = Rows {
        items: Vec::new(),
        next_cursor: None,
    };
    let some = Rows {
        items: (1..30).map(made::tenant).collect(),
        next_cursor: Some("next".to_owned()),
    };
    let shown = pages::tenant::Shown {
        tenant: made::tenant(3),
        instances: (0..3)
            .map(|n| made::instance(n, HealthStatus::ALL[n]))
            .collect(),
        members: made::members(),
        policy: Some(made::token_policy(true)),
        invited: None,
    };
    let empty = pages::tenant::Shown {
        tenant: made::tenant(1),
        instances: Vec::new(),
        members: Vec::new(),
        policy: Some(made::token_policy(false)),
        invited: Some(pages::tenant::Invited {
            email: "new@acme.example".to_owned(),
            link: Some("http://localhost:8080/invitations/k7mq".to_owned()),
        }),
    };
    all.add("tenants-empty", owner, |c| {
        pages::tenants::list(c, &none, "", None)
    });
    all.add("tenants-many", owner, |c| {
        pages::tenants::list(c, &some, "", None)
    });
    all.add("tenant-new", owner, |c| {
        pages::tenants::new(c, &refused("name", "Enter a name."))
    });
    all.add("tenant", owner, |c| {
        pages::tenant::page(c, &shown, &Form::default())
    });
    all.add("tenant-invited", owner, |c| {
        pages::tenant::page(c, &empty, &Form::default())
    });
    all.add("tenant-member", Some(Role::TenantMember), |c| {
        pages::tenant::page(c, &shown, &Form::default())
    });
    all.add("tenant-delete", owner, |c| {
        pages::tenant::delete(c, &made::tenant(3), &Form::default())
    });
}

fn operations(all: &mut Gallery) {
    let owner = Some(Role::StaffOwner);
    let none = Rows {
        items: Vec::new(),
        next_cursor: None,
    };
    let items = OperationState::ALL
        .iter()
        .enumerate()
        .map(|(n, state)| made::operation(n, OperationKind::ALL[n % 4], *state, 2))
        .collect();
    let some = Rows {
        items,
        next_cursor: None,
    };
    all.add("operations-empty", owner, |c| {
        pages::operations::list(c, &none, "", None)
    });
    all.add("operations-many", owner, |c| {
        pages::operations::list(c, &some, "", None)
    });
    for state in OperationState::ALL {
        let done = if *state == OperationState::Succeeded {
            9
        } else {
            5
        };
        all.add(&format!("operation-{state}"), owner, |c| {
            pages::operations::show(
                c,
                &made::operation(1, OperationKind::Create, *state, done),
                &Form::default(),
            )
        });
    }
    for (name, form) in [
        ("operation-unproven", Form::default()),
        (
            "operation-unproven-refused",
            refused("reason", "Enter a reason."),
        ),
    ] {
        all.add(name, owner, |c| {
            pages::operations::show(c, &made::unproven(), &form)
        });
    }
}

fn clusters(all: &mut Gallery) {
    let owner = Some(Role::StaffOwner);
    let up = made::cluster("eu-dev-1", Purpose::Development, true);
    let lost = made::cluster("eu-prod-1", Purpose::Production, false);
    let measured = [(up.settings.name.clone(), made::latency())];
    all.add("clusters-empty", owner, |c| {
        pages::clusters::list(c, &[], &[])
    });
    all.add("clusters", owner, |c| {
        pages::clusters::list(c, &[up.clone(), lost.clone()], &measured)
    });
    all.add("cluster", owner, |c| {
        pages::clusters::show(c, &up, &measured, &made::checks(), &Form::default())
    });
    all.add("cluster-unreachable", owner, |c| {
        pages::clusters::show(c, &lost, &[], &[], &Form::default())
    });
    all.add("cluster-new", owner, |c| {
        pages::clusters::new(c, &made::offers(), &[], &Form::default())
    });
    all.add("cluster-new-refused", owner, |c| {
        pages::clusters::new(
            c,
            &made::offers(),
            &made::checks(),
            &refused("", "Something the cluster needs is missing."),
        )
    });
}

fn others(all: &mut Gallery) {
    let owner = Some(Role::StaffOwner);
    let rows = Rows {
        items: made::audit(30),
        next_cursor: Some("next".to_owned()),
    };
    let none = Rows {
        items: Vec::new(),
        next_cursor: None,
    };
    let hit = service::fleet::SearchHit {
        title: made::HOSTILE.to_owned(),
        detail: "Tenant".to_owned(),
        path: "/tenants/1".to_owned(),
    };
    let (new, plain) = (refused("name", "Enter a name."), Form::default());
    all.add("releases", owner, |c| {
        pages::releases::page(c, &made::releases(), &Form::default())
    });
    all.add("releases-empty", Some(Role::StaffViewer), |c| {
        pages::releases::page(c, &[], &Form::default())
    });
    let (all_rows, some_rows) = (made::audit_filters(false), made::audit_filters(true));
    all.add("audit", owner, |c| pages::audit::page(c, &rows, &all_rows));
    all.add("audit-none-match", owner, |c| {
        pages::audit::page(c, &none, &some_rows)
    });
    all.add("audit-empty", owner, |c| {
        pages::audit::page(c, &none, &all_rows)
    });
    all.add("account", owner, |c| {
        pages::account::page(c, &made::sessions(), &made::access_tokens(), &plain, &plain)
    });
    all.add("account-refused", Some(Role::TenantAdmin), |c| {
        pages::account::page(c, &made::sessions(), &[], &new, &plain)
    });
    all.add("access-token-made", owner, |c| {
        let text = format!("hiat_{}", "0123456789".repeat(5));
        pages::account::token_made(c, &made::access_tokens()[0], &text, "http://localhost:8080")
    });
    all.add("search", owner, |c| {
        pages::search::page(c, "köln", &[hit.clone(), hit.clone()])
    });
    all.add("search-nothing", owner, |c| {
        pages::search::page(c, made::HOSTILE, &[])
    });
    all.add("not-found", owner, |c| {
        pages::failure::page(c, 404, "Not found", "There is no such instance.".to_owned())
    });
    all.add("unavailable", None, |c| {
        pages::failure::page(
            c,
            503,
            "Not available",
            "The database does not answer at the moment.".to_owned(),
        )
    });
}

fn doors(all: &mut Gallery) {
    let mut wrong = Form::sent(vec![("email".to_owned(), "ada@atala.example".to_owned())]);
    wrong.refuse("", "The address or the password is not right.");
    let invited = pages::sign_in::Invited {
        email: "new@acme.example".to_owned(),
        role: "Tenant admin".to_owned(),
        tenant: Some(made::HOSTILE.to_owned()),
        inviter: "Ada Lovelace".to_owned(),
        known: false,
    };
    all.add("sign-in", None, |c| {
        pages::sign_in::sign_in(c, &Form::default())
    });
    all.add("sign-in-refused", None, |c| {
        pages::sign_in::sign_in(c, &wrong)
    });
    all.add("setup", None, |c| {
        pages::sign_in::setup(c, "k7mq", &Form::default())
    });
    all.add("invitation", None, |c| {
        pages::sign_in::invitation(c, "k7mq", &invited, &Form::default())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_renders_whole_safe_and_titled() {
        let all = pages();
        for Sample { name, html, status } in &all {
            let title = html
                .split_once("<title>")
                .and_then(|(_, rest)| rest.split_once("</title>"));
            let title = title.map(|(title, _)| title).unwrap_or_default();
            assert!(title.ends_with(" – Hosted Instances"), "{name}: {title}");
            assert!(
                html.starts_with("<!DOCTYPE html><html lang=\"en\"") && html.ends_with("</html>"),
                "{name}"
            );
            assert!(!html.contains("style="), "{name} has a style attribute");
            assert!(
                !html.contains("<script>alert"),
                "{name} lets markup through"
            );
            assert!(
                !html.contains(" onclick") && !html.contains("javascript:"),
                "{name}"
            );
            assert_eq!(
                html.matches("<h1").count(),
                1,
                "{name} has one first heading"
            );
            assert_eq!(html.matches("<main").count(), 1, "{name} has one main part");
            assert_eq!(
                *status == 422,
                title.starts_with("Error: "),
                "{name}: {status} {title}"
            );
        }
        assert!(all.len() > 50);
    }

    #[test]
    fn ids_are_given_once_and_labels_point_somewhere() {
        for Sample { name, html, .. } in pages() {
            let mut ids: Vec<&str> = attribute(&html, " id=\"");
            let all = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), all, "{name} gives an id twice");
            for wanted in attribute(&html, " for=\"")
                .into_iter()
                .chain(attribute(&html, "aria-labelledby=\""))
            {
                assert!(
                    ids.binary_search(&wanted).is_ok(),
                    "{name}: nothing has the id {wanted}"
                );
            }
        }
    }

    fn attribute<'a>(html: &'a str, start: &str) -> Vec<&'a str> {
        html.split(start)
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect()
    }

    /// The opening tags of an element.
    fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
        html.split(name)
            .skip(1)
            .filter_map(|rest| rest.split('>').next())
            .collect()
    }

    #[test]
    fn times_are_exact_and_tables_are_named() {
        for Sample { name, html, .. } in pages() {
            for time in tags(&html, "<time ") {
                assert!(
                    time.contains("datetime=\"20") && time.contains("data-time="),
                    "{name}: {time}"
                );
            }
            assert_eq!(
                html.matches("<table").count(),
                html.matches("<caption").count(),
                "{name}"
            );
            for head in tags(&html, "<th ") {
                assert!(head.contains("scope=\""), "{name}: {head}");
            }
            assert!(!html.contains("<th>"), "{name} has a heading without scope");
        }
    }

    #[test]
    fn every_field_has_a_label() {
        for Sample { name, html, .. } in pages() {
            let labels = attribute(&html, " for=\"");
            for field in ["<input ", "<select ", "<textarea "]
                .iter()
                .flat_map(|tag| tags(&html, tag))
            {
                if field.contains("type=\"hidden\"") || field.contains("aria-hidden") {
                    continue;
                }
                let id = attribute(field, "id=\"")
                    .first()
                    .copied()
                    .unwrap_or_default();
                assert!(labels.contains(&id), "{name}: no label for {field}");
            }
        }
    }

    #[test]
    fn the_fleet_says_all_five_words() {
        let all = pages();
        let fleet = all
            .iter()
            .find(|sample| sample.name == "fleet-five")
            .unwrap();
        for status in HealthStatus::ALL {
            assert!(
                fleet.html.contains(&format!("<span>{status}</span>")),
                "{status}"
            );
        }
        assert!(fleet.html.contains("aria-current=\"page\""));
    }

    #[test]
    fn forms_post_to_our_own_addresses() {
        for Sample { name, html, .. } in pages() {
            for action in attribute(&html, " action=\"") {
                assert!(
                    action.starts_with('/') && !action.starts_with("//"),
                    "{name}: {action}"
                );
            }
        }
    }
}
