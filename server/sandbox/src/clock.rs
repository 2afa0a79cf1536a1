//! The clock of the simulated machines.
//!
//! A cluster is another computer with a clock of its own, so the sandbox reads the time here and
//! nowhere else, and nothing of the control plane is timed by it. Kubernetes writes times in whole
//! seconds (`metav1.Time`), the AWS protocol as seconds since the epoch; both come from here.

use std::time::Duration;
use time::OffsetDateTime;

/// The present moment.
#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox stands for other machines, whose clocks are their own"
)]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// A `metav1.Time`: RFC 3339 in whole seconds, UTC.
pub fn seconds(at: OffsetDateTime) -> String {
    let (date, hour, minute, second) = (at.date(), at.hour(), at.minute(), at.second());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The present moment as a `metav1.Time`.
pub fn stamp() -> String {
    seconds(now())
}

/// Seconds since the epoch, with a fraction, as the AWS wire protocol writes times.
pub fn epoch_seconds() -> f64 {
    let nanos = u64::try_from(now().unix_timestamp_nanos()).unwrap_or(0);
    Duration::from_nanos(nanos).as_secs_f64()
}

/// Reads a `metav1.Time` back; anything else is `None`.
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_are_written_as_kubernetes_writes_them() {
        let at = datetime!(2026-03-04 05:06:07.089 UTC);
        assert_eq!(seconds(at), "2026-03-04T05:06:07Z");
        assert_eq!(
            parse("2026-03-04T05:06:07Z"),
            Some(datetime!(2026-03-04 05:06:07 UTC))
        );
        assert_eq!(parse("yesterday"), None);
    }
}
