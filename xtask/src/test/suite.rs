//! The suites by name, in the order in which they run: the quick ones first.

use clap::ValueEnum;

/// Where the gates live inside the integration tests.
pub const GATES: &str = "gates::";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// Rules about the tree itself: crate edges, sizes, lock files, generated documents.
    Gates,
    /// The tests that stand beside the code they test.
    Unit,
    /// The integration tests on SQLite.
    ItSqlite,
    /// The integration tests on PostgreSQL.
    ItPostgres,
    /// The real server on a real Kubernetes with Argo CD.
    Cluster,
    /// The real server in a real browser.
    Browser,
}

impl Suite {
    pub const ALL: &[Suite] = &[
        Suite::Gates,
        Suite::Unit,
        Suite::ItSqlite,
        Suite::ItPostgres,
        Suite::Cluster,
        Suite::Browser,
    ];

    pub fn named(word: &str) -> Option<Self> {
        Suite::ALL
            .iter()
            .copied()
            .find(|suite| suite.name() == word)
    }

    pub fn name(self) -> &'static str {
        match self {
            Suite::Gates => "gates",
            Suite::Unit => "unit",
            Suite::ItSqlite => "it-sqlite",
            Suite::ItPostgres => "it-postgres",
            Suite::Cluster => "cluster",
            Suite::Browser => "browser",
        }
    }

    /// Whether a test of the binaries that this suite runs belongs to it.
    pub fn holds(self, test: &str) -> bool {
        match self {
            Suite::Gates => test.starts_with(GATES),
            Suite::ItSqlite | Suite::ItPostgres => !test.starts_with(GATES),
            Suite::Unit | Suite::Cluster | Suite::Browser => true,
        }
    }
}
