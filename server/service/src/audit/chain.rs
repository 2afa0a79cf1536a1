//! The hash of a row: SHA-256 over the hash of the row before and every field, each with its length
//! in front, so that no two rows have the same bytes. The form stands first among the bytes: rows keep
//! the form they were written in, and no row passes for one of another form.

use sha2::{Digest as _, Sha256};
use store::audit::Record;

/// The form that new rows are written in. Form 1 had no reason.
pub(super) const FORM: i64 = 2;

/// What `record.hash` must be.
pub(super) fn hash(record: &Record) -> String {
    let tenant = record.tenant.map(|id| id.to_string()).unwrap_or_default();
    let (form, sequence) = (record.form.to_string(), record.sequence.to_string());
    let at = record.at.micros().to_string();
    let name = ["audit row ", &form].concat();
    let mut bytes = Bytes(Sha256::new());
    for field in [
        name.as_str(),
        &record.previous,
        &record.chain,
        &sequence,
        &at,
        &record.actor.kind,
        &record.actor.id,
        &record.actor.name,
        &record.address,
        &record.request_id,
        &record.action,
        &record.subject,
        &record.summary,
        &tenant,
        &record.was,
        &record.became,
    ] {
        bytes.field(field);
    }
    if record.form != 1 {
        bytes.field(&record.why);
    }
    hex(&bytes.0.finalize())
}

/// Whether a row is what was written: its hash is right, and what its hash does not cover is what
/// follows from the rest.
pub(super) fn is_whole(record: &Record) -> bool {
    let beside = if record.form == 1 {
        record.why.is_empty() && record.folded.is_empty()
    } else {
        record.folded == folded(&record.summary, &record.subject, &record.actor.name)
    };
    beside && hash(record) == record.hash
}

/// What is searched of a row.
pub(super) fn folded(summary: &str, subject: &str, actor: &str) -> String {
    let text = [summary, subject, actor].join(" ");
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        model::name::fold(&text)
    }
}

struct Bytes(Sha256);

impl Bytes {
    fn field(&mut self, field: &str) {
        let length = u64::try_from(field.len()).unwrap_or(u64::MAX);
        self.0.update(length.to_be_bytes());
        self.0.update(field.as_bytes());
    }
}

/// Bytes as hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{ActorRef, Timestamp};

    use super::*;

    fn record(form: i64) -> Record {
        Record {
            chain: "staff".to_owned(),
            sequence: 1,
            at: Timestamp::from_micros(1),
            actor: ActorRef {
                kind: "system".to_owned(),
                id: String::new(),
                name: "The control plane".to_owned(),
            },
            address: String::new(),
            request_id: String::new(),
            action: "release.seed".to_owned(),
            subject: "release 2.1.0".to_owned(),
            summary: "Added.".to_owned(),
            tenant: None,
            was: String::new(),
            became: "{}".to_owned(),
            previous: "0".repeat(64),
            hash: String::new(),
            form,
            why: String::new(),
            folded: String::new(),
        }
    }

    /// Computed by another program from the description of form 1, so that rows of older versions
    /// stay provable.
    #[test]
    fn rows_of_the_first_form_keep_their_hash() {
        assert_eq!(
            hash(&record(1)),
            "7d0c52ce780938dc696a21c4a028619d08b89d2a8f95c2cfd9343fd4e9dcb736"
        );
    }

    #[test]
    fn the_form_and_the_reason_count() {
        let (one, two) = (record(1), record(2));
        assert_ne!(hash(&one), hash(&two));
        let mut why = record(2);
        why.why = "reason x".to_owned();
        assert_ne!(hash(&two), hash(&why));
        let mut first = record(1);
        first.hash = hash(&first);
        assert!(is_whole(&first));
        first.why = "reason put there later".to_owned();
        assert!(!is_whole(&first));
    }

    #[test]
    fn what_is_searched_is_folded() {
        assert_eq!(
            folded("Ünal Ltd", "Tenant 1", "Ada"),
            "ünal ltd tenant 1 ada"
        );
        assert_eq!(hex(&[0, 0xaf]), "00af");
    }
}
