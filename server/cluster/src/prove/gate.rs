//! The header by which an answer shows the gate that made it: `x-gate: <generation>.<worker>`, digits
//! and nothing else. Anything looser would let a misread header pass for a proof.

use http::HeaderMap;

/// The header's name.
const HEADER: &str = "x-gate";

/// What an answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub generation: i64,
    /// Process number of the worker.
    pub worker: String,
}

/// Reads the header; none when there is not exactly one, or it is not as the gate writes it.
pub fn shown(headers: &HeaderMap) -> Option<Shown> {
    let mut all = headers.get_all(HEADER).iter();
    let (Some(one), None) = (all.next(), all.next()) else {
        return None;
    };
    let (generation, worker) = one.to_str().ok()?.split_once('.')?;
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    (digits(generation, 18) && digits(worker, 10)).then_some(())?;
    Some(Shown {
        generation: generation.parse().ok()?,
        worker: worker.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<(i64, String)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        shown(&headers).map(|it| (it.generation, it.worker))
    }

    #[test]
    fn only_digits_and_one_dot_are_believed() {
        assert_eq!(read(&["12.345"]), Some((12, "345".to_owned())));
        assert_eq!(
            read(&["999999999999999999.1"]),
            Some((999_999_999_999_999_999, "1".to_owned()))
        );
        for wrong in [
            "",
            "12",
            "12.",
            ".3",
            "12.$pid",
            "-1.3",
            "+1.3",
            " 1.3x",
            "1.2.3",
            "1,3",
            "1e3.4",
            "9999999999999999999.1",
            "1.99999999999",
        ] {
            assert_eq!(read(&[wrong]), None, "{wrong}");
        }
        assert_eq!(read(&["1.2", "3.4"]), None);
        assert_eq!(read(&[]), None);
    }
}
