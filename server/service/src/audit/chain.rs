//! The hash of a row: SHA-256 over the hash of the row before and every field, each with its length
//! in front, so that no two rows have the same bytes.

use model::secret_text::TokenHash;
use store::audit::Record;

/// Names the form of the bytes; another form would need another name.
const FORM: &str = "audit row 1";

/// What `record.hash` must be.
pub(super) fn hash(record: &Record) -> String {
    let tenant = record.tenant.map(|id| id.to_string()).unwrap_or_default();
    let sequence = record.sequence.to_string();
    let at = record.at.micros().to_string();
    let fields = [
        FORM,
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
    ];
    let mut bytes = Vec::new();
    for field in fields {
        let length = u64::try_from(field.len()).unwrap_or(u64::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(field.as_bytes());
    }
    TokenHash::of(&bytes).as_str().to_owned()
}
