//! How many requests each consumer made, as the gateway's own metric counts them.
//!
//! A request counts for the consumer whose key it carried, refused by name or not; one whose key
//! nobody knows counts for no consumer. The counts live with the process of the replica.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// One series of the metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Full name; empty for requests without a known key.
    pub consumer: String,
    pub code: u16,
    pub requests: u64,
}

/// The counts of one replica.
#[derive(Default)]
pub struct Usage(Mutex<BTreeMap<(String, u16), u64>>);

impl Usage {
    pub fn count(&self, consumer: Option<&str>, code: u16) {
        let place = (consumer.unwrap_or("").to_owned(), code);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(place).or_default() += 1;
    }

    /// Begins again at nothing.
    pub fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub fn series(&self) -> Vec<Series> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let series = counts.iter().map(|((consumer, code), requests)| Series {
            consumer: consumer.clone(),
            code: *code,
            requests: *requests,
        });
        series.collect()
    }
}
