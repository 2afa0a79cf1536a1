//! The machine's clock: the only place in the product that reads it. Everything else is handed a
//! [`Clock`], so that tests decide the time.

use model::{Clock, Timestamp};

/// Tells the time of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the port that all others ask"
        )]
        let now = std::time::SystemTime::now();
        // A machine set to a year before 1970 says so with its first log line; zero is as good.
        let since = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}
