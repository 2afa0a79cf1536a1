//! One file per page: a pure function from read models to markup. What a page needs is loaded
//! before it is built (`actions::load`), so each can be rendered from samples in a test.

pub mod account;
pub mod audit;
pub mod cluster_gateway;
pub mod clusters;
pub mod failure;
pub mod fleet;
pub mod instance;
pub mod instance_change;
pub mod instance_new;
pub mod instances;
pub mod leak;
pub mod operations;
pub mod releases;
pub mod search;
pub mod sign_in;
pub mod tenant;
pub mod tenants;
pub mod token;
pub mod token_end;
pub mod token_issue;
pub mod token_policy;
pub mod tokens;

use leptos::prelude::AnyView;

/// The entry of the rail that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nav {
    /// A page without a rail: sign-in and set-up.
    None,
    /// The fleet.
    Fleet,
    /// Tenants.
    Tenants,
    /// Instances.
    Instances,
    /// Tokens.
    Tokens,
    /// Operations.
    Operations,
    /// Clusters.
    Clusters,
    /// Releases.
    Releases,
    /// The audit trail.
    Audit,
    /// The sandbox's faults.
    Sandbox,
    /// The caller's own account.
    Account,
    /// In the frame, but under no entry.
    Elsewhere,
}

/// A page before it is put into its frame.
pub struct Page {
    /// Title, without the product's name.
    pub title: String,
    /// Where it belongs.
    pub nav: Nav,
    /// Where am I: text and address, outermost first, the page itself left out.
    pub crumbs: Vec<(String, String)>,
    /// Subjects of events that concern it, `instance:k7mq2x9dr4ht operation:*`; empty when none.
    pub live: String,
    /// Where it is fetched from to be brought up to date; empty for its own address, which a page that
    /// answers a form does not have.
    pub lives_at: String,
    /// Its content.
    pub body: AnyView,
    /// HTTP status.
    pub status: u16,
    /// Whether it shows a form that was refused.
    pub failed: bool,
    /// Whether it may use the whole width.
    pub wide: bool,
}

impl Page {
    /// An ordinary page.
    pub fn new(nav: Nav, title: impl Into<String>, body: AnyView) -> Self {
        Self {
            title: title.into(),
            nav,
            crumbs: Vec::new(),
            live: String::new(),
            lives_at: String::new(),
            body,
            status: 200,
            failed: false,
            wide: false,
        }
    }

    /// Adds a step to the breadcrumb.
    #[must_use]
    pub fn under(mut self, text: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push((text.into(), href.into()));
        self
    }

    /// Says which events concern it.
    #[must_use]
    pub fn live(mut self, subjects: impl Into<String>) -> Self {
        self.live = subjects.into();
        self
    }

    /// Says where it is fetched from to be brought up to date, whatever address it has.
    #[must_use]
    pub fn lives_at(mut self, address: impl Into<String>) -> Self {
        self.lives_at = address.into();
        self
    }

    /// Lets it use the whole width.
    #[must_use]
    pub const fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// Marks it as a refused form when there are errors: status 422 and `Error: ` in the title.
    #[must_use]
    pub const fn refused_if(mut self, failed: bool) -> Self {
        self.failed = failed;
        if failed {
            self.status = 422;
        }
        self
    }
}
