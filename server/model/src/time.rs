//! Points in time as microseconds since 1970 (UTC) and the two ports that code asks instead of the
//! machine: the clock and the source of randomness. Microseconds, because both database engines
//! keep them exactly as a `bigint` and order them rightly.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Microseconds since 1970-01-01T00:00:00Z. Serialised as RFC 3339 text in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Takes microseconds since 1970 as they come from the database.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 text; `None` when it is none or lies outside the years 0 to 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos() / 1_000)
            .ok()
            .map(Self)
    }

    /// To the minute, as sentences say it: `2026-11-24 12:00 UTC`.
    #[must_use]
    pub fn to_minute(self) -> String {
        let text = self.to_string();
        match (text.get(..10), text.get(11..16)) {
            (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
            _ => text,
        }
    }

    /// The time from `earlier` to `self`; zero when `earlier` lies later (clocks jump).
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .ok()
            .and_then(|at| at.format(&Rfc3339).ok())
            .unwrap_or_else(|| format!("{} µs", self.0));
        f.write_str(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 time"))
    }
}

/// Tells the time. The only implementation that asks the machine is the server's.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now, truncated to microseconds.
    fn now(&self) -> Timestamp;
}

/// Draws random bytes fit for secrets. The only implementation that asks the machine is the server's.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills the whole slice.
    fn fill(&self, bytes: &mut [u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_micros_are_the_same_point() {
        let at = Timestamp::parse("2026-11-24T12:00:00.000001Z").unwrap();
        assert_eq!(at.micros() % 1_000_000, 1);
        assert_eq!(at.to_string(), "2026-11-24T12:00:00.000001Z");
        assert_eq!(
            Timestamp::parse("2026-11-24T14:00:00.000001+02:00"),
            Some(at)
        );
        assert_eq!(at.to_minute(), "2026-11-24 12:00 UTC");
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn a_clock_that_jumps_back_gives_no_negative_time() {
        let now = Timestamp::from_micros(5);
        assert_eq!(now.since(Timestamp::from_micros(9)), Duration::ZERO);
        assert_eq!(
            (now + Duration::from_micros(3)).since(now),
            Duration::from_micros(3)
        );
    }
}
