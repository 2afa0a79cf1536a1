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
    /// Tokens.
    Token,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Fleet => "M3 3h5v5H3zM12 3h5v5h-5zM3 12h5v5H3zM12 12h5v5h-5z",
            Self::Tenants => {
                "M3 17V5l6-2.5V17M9 7l8 2.5V17M2 17h16M5.5 7.5v0M5.5 11v0M5.5 14v0M13 12v0M13 14.5v0"
            }
            Self::Instances => {
                "M10 2.5l6.5 3.7v7.6L10 17.5l-6.5-3.7V6.2zM3.5 6.2L10 10l6.5-3.8M10 10v7.5"
            }
            Self::Operations => "M16.5 10a6.5 6.5 0 1 1-2-4.7M16.5 2.5v3.3h-3.3M10 6.5V10l2.4 1.6",
            Self::Clusters => {
                "M3 4h14v4.5H3zM3 11.5h14V16H3zM6 6.25v0M6 13.75v0M9 6.25h5M9 13.75h5"
            }
            Self::Releases => "M3 9.5V3h6.5L17.5 11 11 17.5zM6.5 6.5v0",
            Self::Audit => "M5 2.5h7l3.5 3.5v11.5H5zM8 9.5h5M8 12.5h5M8 6.5h2",
            Self::Account => {
                "M10 10a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3.5 17.5c.6-3.3 3.2-5 6.5-5s5.9 1.7 6.5 5"
            }
            Self::Search => {
                "M8.7 14.4a5.7 5.7 0 1 0 0-11.4 5.7 5.7 0 0 0 0 11.4zM12.9 12.9l4.3 4.3"
            }
            Self::Copy => "M7 7h9.5v9.5H7zM13 7V3.5H3.5V13H7",
            Self::Check => "M4 10.5l4 4 8-9",
            Self::Cross => "M5 5l10 10M15 5L5 15",
            Self::Alert => "M10 3l7.5 13.5h-15zM10 8v4M10 14.3v0",
            Self::Clock => "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 6v4.2l2.8 1.7",
            Self::External => "M8 4H4v12h12v-4M11.5 3.5h5v5M16.5 3.5L9 11",
            Self::Chevron => "M7.5 4.5L13 10l-5.5 5.5",
            Self::Theme => "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 3v14M12.5 4v12M15 6v8",
            Self::Plus => "M10 4v12M4 10h12",
            Self::Leave => "M8 3.5H3.5v13H8M7.5 10h9M13 6.5l3.5 3.5-3.5 3.5",
            Self::Menu => "M3 5.5h14M3 10h14M3 14.5h14",
            Self::People => {
                "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 16.5c.4-3 2.6-4.5 5.5-4.5s5.1 1.5 5.5 4.5M13 4a3 3 0 0 1 0 5.5M15 12.5c1.7.6 2.7 2 3 4"
            }
            Self::Token => {
                "M6.8 17a3.8 3.8 0 1 0 0-7.6 3.8 3.8 0 0 0 0 7.6zM9.5 10.5L17 3M13.4 6.6l2.8 2.8M15.6 4.4l1.8 1.8"
            }
            Self::Sandbox => {
                "M3 8h14l-1.5 8.5h-11zM6.5 8l2-4.5M13.5 8l-2-4.5M8 11.5v2.5M12 11.5v2.5"
            }
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
            <path class="mark-in" d="M0 17.5L11 14"></path>
            <path class="mark-ray ray-1" d="M18 11.5L34 6"></path>
            <path class="mark-ray ray-2" d="M18.7 13L34 10"></path>
            <path class="mark-ray ray-3" d="M19.4 14.5L34 14"></path>
            <path class="mark-ray ray-4" d="M20 16L34 18"></path>
            <path class="mark-ray ray-5" d="M20.7 17.5L34 22"></path>
            <path class="mark-body" d="M15 4L24.5 21.5h-19z"></path>
        </svg>
    }
    .into_any()
}
