//! Walks a chain and says which rows are not as they were written. A chain cannot show that its end
//! and its head were cut off together, nor that all of it was computed anew; heads that were exported
//! before show both.

use store::Db;
use store::audit::Record;

use super::chain;
use super::heads::Anchor;
use crate::Result;

const BATCH: u32 = 2_000;
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
    /// Exported heads that the chain was compared with.
    pub compared: usize,
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
    /// These rows fit each other, but not what was exported: some of them were changed, and those
    /// behind them computed anew.
    Rewritten {
        /// The first that may differ.
        first: i64,
        /// The one whose exported hash is another.
        last: i64,
    },
    /// The head says that the chain ends here, though more of it was exported and stands there.
    SetBack {
        /// Number of the row that the head names.
        sequence: i64,
    },
}

struct Walk<'a> {
    head: (i64, String),
    /// The last row there must be: that of the head, or one that was exported behind it.
    last: i64,
    next: i64,
    previous: Option<String>,
    anchors: &'a [Anchor],
    /// The last row that is as it was exported, and the findings until then.
    proven: (i64, usize),
    rewritten: bool,
    report: Report,
}

pub(super) async fn chain(db: &Db, name: &str, anchors: &[Anchor]) -> Result<Report> {
    // The head first: rows written while we walk stand behind it and are left for the next walk.
    let head = store::audit::head(db, name).await?.unwrap_or_default();
    let mut walk = Walk::new(name, head, anchors);
    let mut rows = store::audit::upwards(db, name, i64::MIN, BATCH).await?;
    while let Some(after) = rows.last().map(|row| row.sequence) {
        let enough = walk.report.tampering.len() >= MOST || after > walk.last;
        // The database reads on while these are hashed.
        let (more, ()) = tokio::join!(
            async {
                if enough {
                    return Ok(Vec::new());
                }
                store::audit::upwards(db, name, after, BATCH).await
            },
            async {
                for row in &rows {
                    walk.step(row);
                }
            }
        );
        rows = more?;
    }
    // Rows that stand beyond the head now may have been written since; only the head knows.
    let newest = store::audit::head(db, name).await?.unwrap_or_default().0;
    Ok(walk.end(newest))
}

impl<'a> Walk<'a> {
    fn new(name: &str, head: (i64, String), anchors: &'a [Anchor]) -> Self {
        Self {
            report: Report {
                chain: name.to_owned(),
                rows: 0,
                head: head.0,
                head_hash: head.1.clone(),
                compared: anchors.len(),
                tampering: Vec::new(),
            },
            last: anchors.last().map_or(0, |it| it.sequence).max(head.0),
            head,
            next: 1,
            previous: Some(store::audit::FIRST.to_owned()),
            anchors,
            proven: (0, 0),
            rewritten: false,
        }
    }

    fn step(&mut self, row: &Record) {
        if row.sequence < 1 || row.sequence > self.last {
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
        let whole = chain::is_whole(row);
        if !whole {
            self.found(Tampering::Changed {
                sequence: row.sequence,
            });
        } else if !follows {
            // This row is whole and remembers another one before it: that one was replaced.
            let sequence = (row.sequence - 1).max(1);
            self.found(Tampering::Changed { sequence });
        } else if row.sequence == self.head.0
            && row.hash != self.head.1
            && self.report.tampering.is_empty()
        {
            self.found(Tampering::Changed {
                sequence: row.sequence,
            });
        }
        // What was changed cannot be compared with; the next row is judged by itself.
        self.previous = whole.then(|| row.hash.clone());
        self.next = row.sequence + 1;
        self.compare(row);
    }

    /// Compares a row with what was exported of it.
    fn compare(&mut self, row: &Record) {
        while let Some(anchor) = self.anchors.first() {
            if anchor.sequence > row.sequence {
                return;
            }
            self.anchors = &self.anchors[1..];
            if anchor.sequence < row.sequence {
                // That row is missing, which was said.
                continue;
            }
            let named = self.report.tampering.len() > self.proven.1;
            if anchor.is(&row.hash) {
                self.proven = (row.sequence, self.report.tampering.len());
            } else if !named && !self.rewritten {
                self.rewritten = true;
                self.found(Tampering::Rewritten {
                    first: self.proven.0 + 1,
                    last: row.sequence,
                });
            }
        }
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
        let reached = self.next;
        self.missing_until(self.last + 1);
        if self.last > self.head.0 && reached > self.head.0 + 1 {
            self.found(Tampering::SetBack {
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
