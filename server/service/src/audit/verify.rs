//! Walks a chain and says which rows are not as they were written. A chain cannot show that its end
//! and its head were cut off together; for that, heads are to be kept elsewhere.

use store::Db;
use store::audit::Record;

use super::chain;
use crate::Result;

const BATCH: u32 = 500;
/// Findings after which it stops; a chain that is broken this often is broken.
const MOST: usize = 100;

/// What the walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The chain: a tenant's id, or `staff`.
    pub chain: String,
    /// Rows that were read.
    pub rows: u64,
    /// Number of the newest row according to the head.
    pub head: i64,
    /// Hash of the newest row according to the head; keep it elsewhere to notice a cut end.
    pub head_hash: String,
    /// What is not as it was written, in order; empty when all is.
    pub tampering: Vec<Tampering>,
}

/// A row that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tampering {
    /// Its content, its hash or what it follows was changed.
    Changed {
        /// Number of the row.
        sequence: i64,
    },
    /// It is gone.
    Missing {
        /// Number of the row.
        sequence: i64,
    },
    /// It stands where the chain has no row.
    Inserted {
        /// Number of the row.
        sequence: i64,
    },
}

struct Walk {
    head: (i64, String),
    next: i64,
    previous: Option<String>,
    report: Report,
}

pub(super) async fn chain(db: &Db, name: &str) -> Result<Report> {
    // The head first: rows written while we walk stand behind it and are left for the next walk.
    let head = store::audit::head(db, name).await?.unwrap_or_default();
    let mut walk = Walk {
        report: Report {
            chain: name.to_owned(),
            rows: 0,
            head: head.0,
            head_hash: head.1.clone(),
            tampering: Vec::new(),
        },
        head,
        next: 1,
        previous: Some(store::audit::FIRST.to_owned()),
    };
    let mut after = i64::MIN;
    loop {
        let rows = store::audit::upwards(db, name, after, BATCH).await?;
        for row in &rows {
            walk.step(row);
        }
        let Some(last) = rows.last() else { break };
        after = last.sequence;
        if walk.report.tampering.len() >= MOST || after > walk.head.0 {
            break;
        }
    }
    // Rows that stand beyond the head now may have been written since; only the head knows.
    let newest = store::audit::head(db, name).await?.unwrap_or_default().0;
    Ok(walk.end(newest))
}

impl Walk {
    fn step(&mut self, row: &Record) {
        if row.sequence < 1 || row.sequence > self.head.0 {
            self.found(Tampering::Inserted {
                sequence: row.sequence,
            });
            return;
        }
        self.report.rows += 1;
        self.missing_until(row.sequence);
        let follows = self
            .previous
            .as_ref()
            .is_none_or(|hash| *hash == row.previous);
        let whole = chain::hash(row) == row.hash;
        if !whole {
            self.found(Tampering::Changed {
                sequence: row.sequence,
            });
        } else if !follows {
            // This row is whole and remembers another one before it: that one was replaced.
            let sequence = (row.sequence - 1).max(1);
            self.found(Tampering::Changed { sequence });
        }
        // What was changed cannot be compared with; the next row is judged by itself.
        self.previous = whole.then(|| row.hash.clone());
        self.next = row.sequence + 1;
    }

    fn missing_until(&mut self, sequence: i64) {
        while self.next < sequence && self.report.tampering.len() < MOST {
            self.found(Tampering::Missing {
                sequence: self.next,
            });
            self.next += 1;
            self.previous = None;
        }
    }

    fn end(mut self, newest: i64) -> Report {
        self.missing_until(self.head.0 + 1);
        let intact = self.report.tampering.is_empty();
        if intact && self.previous.as_deref() != Some(self.head.1.as_str()) && self.head.0 > 0 {
            self.found(Tampering::Changed {
                sequence: self.head.0,
            });
        }
        self.report.tampering.retain(
            |t| !matches!(t, Tampering::Inserted { sequence } if (1..=newest).contains(sequence)),
        );
        self.report
    }

    fn found(&mut self, what: Tampering) {
        if self.report.tampering.len() < MOST {
            self.report.tampering.push(what);
        }
    }
}
