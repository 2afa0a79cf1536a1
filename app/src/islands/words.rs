//! Relative times in words, by the same rules as `ui::time` on the server, so that a text does not
//! change its form when it begins to tick. No date library reaches the browser for this.

/// The text for a point that lies `seconds` back; ahead when negative.
#[must_use]
pub fn relative(seconds: f64) -> String {
    if seconds < -1.0 {
        format!("in {}", span(-seconds))
    } else if seconds < 0.0 {
        "now".to_owned()
    } else if seconds < 5.0 {
        "just now".to_owned()
    } else {
        format!("{} ago", span(seconds))
    }
}

/// A length of time in its largest fitting unit.
#[must_use]
pub fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0).floor();
    let (number, unit) = if whole < 60.0 {
        (whole, "s")
    } else if whole < 3_600.0 {
        ((whole / 60.0).floor(), "min")
    } else if whole < 172_800.0 {
        ((whole / 3_600.0).floor(), "h")
    } else {
        ((whole / 86_400.0).floor(), "d")
    };
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "ssr")]
    fn the_browser_says_what_the_server_says() {
        use model::Timestamp;
        use std::time::Duration;

        let now = Timestamp::from_micros(10_000_000_000_000);
        for seconds in [
            0, 1, 4, 5, 59, 60, 61, 3_599, 3_600, 7_200, 172_799, 172_800, 999_999,
        ] {
            let at = now - Duration::from_secs(seconds);
            let back = f64::from(u32::try_from(seconds).unwrap());
            assert_eq!(relative(back), crate::ui::time::relative(at, now));
            if seconds > 1 {
                let ahead = now + Duration::from_secs(seconds);
                assert_eq!(relative(-back), crate::ui::time::relative(ahead, now));
            }
        }
    }
}
