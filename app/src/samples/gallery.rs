//! Every page in every state that matters, rendered from samples.

use model::health::HealthStatus;
use model::page::Page as Rows;
use model::user::Role;

use super as made;
use crate::context::Caller;
use crate::frame::document;
use crate::pages::{self, Page};

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

struct Gallery(Vec<Sample>);

impl Gallery {
    fn add(&mut self, name: &str, role: Option<Role>, page: impl FnOnce(&Caller) -> Page) {
        let (status, html) = document(&made::caller(role), page);
        self.0.push(Sample { name: name.to_owned(), html, status });
    }
}

/// All of them.
#[must_use]
pub fn pages() -> Vec<Sample> {
    let mut all = Gallery(Vec::new());
    fleet(&mut all);
    instances(&mut all);
    all.0
}

fn fleet(all: &mut Gallery) {
    let owner = Some(Role::StaffOwner);
    all.add("fleet-empty", owner, |c| pages::fleet::page(c, &made::fleet(0, 2), None));
    all.add("fleet-five", owner, |c| pages::fleet::page(c, &made::fleet(5, 2), None));
    all.add("fleet-many", owner, |c| pages::fleet::page(c, &made::fleet(1_000, 10), None));
    all.add("fleet-one-cluster", owner, |c| pages::fleet::page(c, &made::fleet(1_000, 1), None));
    all.add("fleet-10000", owner, |c| pages::fleet::page(c, &made::fleet(10_000, 20), None));
    all.add("fleet-filtered", Some(Role::StaffViewer), |c| {
        pages::fleet::page(c, &made::fleet(300, 4), Some(HealthStatus::Down))
    });
}

fn instances(all: &mut Gallery) {
    let owner = Some(Role::StaffOwner);
    let filters = pages::instances::Filters {
        tenants: (1..9).map(|n| (made::tenant_id(n).to_string(), made::tenant(n).name)).collect(),
        clusters: vec!["eu-dev-1".to_owned(), "eu-prod-1".to_owned()],
        releases: vec!["2.2.0".to_owned(), "2.1.0".to_owned()],
        ..Default::default()
    };
    let none = Rows { items: Vec::new(), next_cursor: None };
    let some = Rows {
        items: (0..40).map(|n| made::instance(n, HealthStatus::ALL[n % 5])).collect(),
        next_cursor: Some("next".to_owned()),
    };
    let mut chosen = filters.clone();
    chosen.chosen = vec![("q".to_owned(), "nothing".to_owned())];
    all.add("instances-empty", owner, |c| pages::instances::page(c, &none, &filters));
    all.add("instances-no-match", owner, |c| pages::instances::page(c, &none, &chosen));
    all.add("instances-many", owner, |c| pages::instances::page(c, &some, &filters));
    all.add("instances-tenant", Some(Role::TenantMember), |c| pages::instances::page(c, &some, &filters));
    for status in HealthStatus::ALL {
        all.add(&format!("instance-{status}"), owner, |c| pages::instance::page(c, &made::detail(status)));
    }
    all.add("instance-deleting", owner, |c| pages::instance::page(c, &made::deleting()));
    all.add("instance-tenant", Some(Role::TenantMember), |c| {
        let mut view = made::detail(HealthStatus::Healthy);
        view.overrides = None;
        pages::instance::page(c, &view)
    });
}
