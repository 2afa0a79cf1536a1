//! One set of icons, drawn on a 20 × 20 grid with a line of 1.6, inlined so that they take the
//! colour of the text beside them. They never stand alone: text or a label goes with each.

use leptos::prelude::*;

/// The icons of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// The fleet.
    Fleet,
    /// Tenants.
    Tenants,
    /// Instances.
    Instances,
    /// Operations.
    Operations,
    /// Clusters.
    Clusters,
    /// Releases.
    Releases,
    /// Audit trail.
    Audit,
    /// Account.
    Account,
    /// Search.
    Search,
    /// Copy.
    Copy,
    /// Done.
    Check,
    /// Went wrong.
    Cross,
    /// Needs attention.
    Alert,
    /// Waiting.
    Clock,
    /// Another place.
    External,
    /// Into this.
    Chevron,
    /// Light or dark.
    Theme,
    /// A new thing.
    Plus,
    /// Leave.
    Leave,
    /// The menu on phones.
    Menu,
    /// People.
    People,
    /// Sandbox.
    Sandbox,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Fleet => "M3 3h5v5H3zM12 3h5v5h-5zM3 12h5v5H3zM12 12h5v5h-5z",
            Self::Tenants => "M3 17V5l6-2.5V17M9 7l8 2.5V17M2 17h16M5.5 7.5v0M5.5 11v0M5.5 14v0M13 12v0M13 14.5v0",
            Self::Instances => "M10 2.5l6.5 3.7v7.6L10 17.5l-6.5-3.7V6.2zM3.5 6.2L10 10l6.5-3.8M10 10v7.5",
            Self::Operations => "M16.5 10a6.5 6.5 0 1 1-2-4.7M16.5 2.5v3.3h-3.3M10 6.5V10l2.4 1.6",
            Self::Clusters => "M3 4h14v4.5H3zM3 11.500h14V16H3zM6 6.250v0M6 13.750v0M9 6.250h5M9 13.750h5",
            Self::Releases => "M3 9.500V3h6.500L17.500 11 11 17.500zM6.500 6.500v0",
            Self::Audit => "M5 2.500h7l3.500 3.500v11.500H5zM8 9.500h5M8 12.500h5M8 6.500h2",
            Self::Account => "M10 10a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3.500 17.500c.6-3.300 3.200-5 6.500-5s5.900 1.700 6.500 5",
            Self::Search => "M8.700 14.400a5.700 5.700 0 1 0 0-11.400 5.700 5.700 0 0 0 0 11.400zM12.900 12.900l4.300 4.300",
            Self::Copy => "M7 7h9.500v9.500H7zM13 7V3.500H3.500V13H7",
            Self::Check => "M4 10.500l4 4 8-9",
            Self::Cross => "M5 5l10 10M15 5L5 15",
            Self::Alert => "M10 3l7.500 13.500h-15zM10 8v4M10 14.300v0",
            Self::Clock => "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 6v4.200l2.800 1.700",
            Self::External => "M8 4H4v12h12v-4M11.500 3.500h5v5M16.500 3.500L9 11",
            Self::Chevron => "M7.500 4.500L13 10l-5.500 5.500",
            Self::Theme => "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 3v14M12.500 4v12M15 6v8",
            Self::Plus => "M10 4v12M4 10h12",
            Self::Leave => "M8 3.500H3.500v13H8M7.500 10h9M13 6.500l3.500 3.500-3.500 3.500",
            Self::Menu => "M3 5.500h14M3 10h14M3 14.500h14",
            Self::People => "M7.500 9.500a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 16.500c.4-3 2.600-4.500 5.500-4.500s5.100 1.500 5.500 4.500M13 4a3 3 0 0 1 0 5.500M15 12.500c1.700.6 2.700 2 3 4",
            Self::Sandbox => "M3 8h14l-1.500 8.500h-11zM6.500 8l2-4.500M13.500 8l-2-4.500M8 11.500v2.500M12 11.500v2.500",
        }
    }
}

/// The icon, hidden from assistive technology because words stand beside it.
pub fn icon(which: Icon) -> AnyView {
    view! {
        <svg class="icon" viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" focusable="false">
            <path d=which.path()></path>
        </svg>
    }
    .into_any()
}

/// The mark of the product: a prism that splits one line into five, one for each word of health.
pub fn mark() -> AnyView {
    view! {
        <svg class="mark" viewBox="0 0 34 28" width="34" height="28" aria-hidden="true" focusable="false">
            <path class="mark-in" d="M0 17.500L11 14"></path>
            <path class="mark-ray ray-1" d="M18 11.500L34 6"></path>
            <path class="mark-ray ray-2" d="M18.700 13L34 10"></path>
            <path class="mark-ray ray-3" d="M19.400 14.500L34 14"></path>
            <path class="mark-ray ray-4" d="M20 16L34 18"></path>
            <path class="mark-ray ray-5" d="M20.700 17.500L34 22"></path>
            <path class="mark-body" d="M15 4L24.500 21.500h-19z"></path>
        </svg>
    }
    .into_any()
}
