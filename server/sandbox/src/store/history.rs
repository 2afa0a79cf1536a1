//! The recent changes of one kind.
//!
//! Bounded by number and by bytes. What is dropped moves `oldest`, and only a watch that begins at
//! or after it can be served without a gap.

use super::entry::Change;
use std::collections::VecDeque;
use std::sync::Arc;

const MOST_CHANGES: usize = 20_000;
const MOST_BYTES: usize = 16 << 20;

/// Changes in order of their version.
#[derive(Default)]
pub struct History {
    changes: VecDeque<Arc<Change>>,
    bytes: usize,
    oldest: u64,
}

impl History {
    /// The version from which on everything is remembered.
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Declares that nothing before a version is known.
    pub fn forget_before(&mut self, version: u64) {
        self.oldest = version;
    }

    pub fn push(&mut self, change: Arc<Change>) {
        self.bytes += change.entry.json.len();
        self.changes.push_back(change);
        while self.changes.len() > MOST_CHANGES || self.bytes > MOST_BYTES {
            let Some(dropped) = self.changes.pop_front() else {
                break;
            };
            self.bytes -= dropped.entry.json.len();
            self.oldest = dropped.version;
        }
    }

    /// The changes after a version.
    pub fn after(&self, version: u64) -> Vec<Arc<Change>> {
        let from = self
            .changes
            .partition_point(|change| change.version <= version);
        self.changes.range(from..).cloned().collect()
    }
}
