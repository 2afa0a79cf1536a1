//! How xtask speaks: one line per step with what it took, so that a slow build tells where the
//! time went. Everything goes to standard error, which leaves standard output to the programs
//! that xtask runs, apart from the table and the closing line of the tests.

use std::fmt::Display;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::failure::Result;

/// What the steps so far took, in their order.
static STEPS: Mutex<Vec<(String, Duration)>> = Mutex::new(Vec::new());

static START: OnceLock<Instant> = OnceLock::new();

/// Time since the first call, which `main` makes.
pub fn since_start() -> Duration {
    START.get_or_init(Instant::now).elapsed()
}

/// Runs one step and prints its name and duration when it is done or has failed.
pub fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("  {name} ...");
    let started = Instant::now();
    let outcome = work();
    let verdict = if outcome.is_ok() { "done" } else { "FAILED" };
    let took = started.elapsed();
    eprintln!("  {name}: {verdict} after {}", seconds(took));
    if let Ok(mut steps) = STEPS.lock() {
        steps.push((name.to_owned(), took));
    }
    outcome
}

/// Names and durations of the steps so far.
pub fn steps() -> Vec<(String, Duration)> {
    STEPS.lock().map(|steps| steps.clone()).unwrap_or_default()
}

/// A fact in passing that the reader may want to know.
pub fn note(text: impl Display) {
    eprintln!("  {text}");
}

/// Something that is missing and changes what the person gets; set apart so that it is seen.
pub fn warn(text: impl Display) {
    eprintln!("\n  !! {text}\n");
}

/// `0.4 s`, `12.3 s`, `3 min 05 s`.
pub fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole >= 60 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_a_person_would_say_them() {
        assert_eq!(seconds(Duration::from_millis(430)), "0.4 s");
        assert_eq!(seconds(Duration::from_millis(59_940)), "59.9 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
    }
}
