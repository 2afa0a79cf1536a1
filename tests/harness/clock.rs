//! A clock that stands still until a test moves it, so that nothing in a test waits for time to pass.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::{Clock, Timestamp};

/// When a [`MockClock`] starts: 2026-11-24T12:00:00Z.
pub const START: Timestamp = Timestamp::from_micros(1_795_521_600_000_000);

/// A clock that tells what it was told.
#[derive(Debug)]
pub struct MockClock(AtomicI64);

impl Default for MockClock {
    fn default() -> Self {
        Self(AtomicI64::new(START.micros()))
    }
}

impl MockClock {
    /// Sets it, forwards or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        self.set(self.now() + by);
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}
