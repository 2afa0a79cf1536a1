//! Rows as lines of text: JSON Lines with everything a row holds, so that hashes can be computed again
//! elsewhere, and CSV for spreadsheets, in which no cell can become a formula. Read in batches, so
//! that an export of any length needs the memory of one.

use model::Timestamp;
use model::view::AuditView;
use serde::Serialize;
use serde_json::Value;

use super::list::{Reader, view};
use crate::Result;

/// Rows read at a time.
const BATCH: u32 = 500;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    JsonLines,
    /// RFC 4180, with a first line of names.
    Csv,
}

/// An export under way.
#[derive(Clone, Debug)]
pub struct Export {
    reader: Reader,
    begun: bool,
    ended: bool,
}

impl Export {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            reader,
            begun: false,
            ended: false,
        }
    }

    /// The next piece of text; none at the end.
    ///
    /// # Errors
    /// When the database fails or a row is broken.
    pub async fn next(&mut self, format: Format) -> Result<Option<String>> {
        if self.ended {
            return Ok(None);
        }
        let rows = self.reader.next(BATCH).await?;
        self.ended = rows.len() < BATCH as usize;
        let mut text = String::new();
        if !self.begun && format == Format::Csv {
            text.push_str(CSV_HEAD);
        }
        self.begun = true;
        for row in rows {
            let row = view(row);
            match format {
                Format::JsonLines => text.push_str(&json_line(&row)),
                Format::Csv => text.push_str(&csv_line(&row)),
            }
        }
        Ok(Some(text))
    }
}

#[derive(Serialize)]
struct Line<'a> {
    chain: &'a str,
    sequence: i64,
    at: Timestamp,
    actor: Actor<'a>,
    address: &'a str,
    request_id: &'a str,
    action: &'a str,
    subject: &'a str,
    summary: &'a str,
    tenant: Option<String>,
    was: Option<Value>,
    became: Option<Value>,
    why: &'a str,
    form: i64,
    previous: &'a str,
    hash: &'a str,
}

#[derive(Serialize)]
struct Actor<'a> {
    kind: &'a str,
    id: &'a str,
    name: &'a str,
}

/// A row as one line of JSON with a line feed.
pub(super) fn json_line(row: &AuditView) -> String {
    // What is not JSON (rows are, unless somebody changed them) is shown as the text it is.
    let value = |text: &str| match text {
        "" => None,
        text => serde_json::from_str(text).unwrap_or_else(|_| Some(Value::from(text))),
    };
    let line = Line {
        chain: &row.chain,
        sequence: row.sequence,
        at: row.at,
        actor: Actor {
            kind: &row.actor_kind,
            id: &row.actor_id,
            name: &row.actor,
        },
        address: &row.address,
        request_id: &row.request_id,
        action: &row.action,
        subject: &row.subject,
        summary: &row.summary,
        tenant: row.tenant.map(|id| id.to_string()),
        was: value(&row.was),
        became: value(&row.became),
        why: &row.why,
        form: row.form,
        previous: &row.previous,
        hash: &row.hash,
    };
    // Texts and numbers can always be written as JSON.
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

const CSV_HEAD: &str = "chain,sequence,at,actor_kind,actor_id,actor,address,request_id,action,\
                        subject,summary,tenant,was,became,why,form,previous,hash\r\n";

fn csv_line(row: &AuditView) -> String {
    let (sequence, at, form) = (
        row.sequence.to_string(),
        row.at.to_string(),
        row.form.to_string(),
    );
    let tenant = row.tenant.map(|id| id.to_string()).unwrap_or_default();
    let cells = [
        row.chain.as_str(),
        &sequence,
        &at,
        &row.actor_kind,
        &row.actor_id,
        &row.actor,
        &row.address,
        &row.request_id,
        &row.action,
        &row.subject,
        &row.summary,
        &tenant,
        &row.was,
        &row.became,
        &row.why,
        &form,
        &row.previous,
        &row.hash,
    ];
    let mut text = cells.map(cell).join(",");
    text.push_str("\r\n");
    text
}

/// A cell in quotes. Spreadsheets take what begins with one of these for a formula, also in quotes and
/// behind blanks; with an apostrophe in front it is text.
fn cell(text: &str) -> String {
    let first = text.trim_start().chars().next().unwrap_or(' ');
    let formula = matches!(
        first,
        '=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}' | '|' | '%'
    );
    let control = text.starts_with(['\t', '\r', '\n']);
    let mark = if formula || control { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> AuditView {
        AuditView {
            chain: "staff".to_owned(),
            sequence: 3,
            at: Timestamp::from_micros(0),
            actor: "=cmd|'/c calc'!A1".to_owned(),
            actor_kind: "user".to_owned(),
            actor_id: "1".to_owned(),
            address: String::new(),
            action: "a.b".to_owned(),
            subject: "s".to_owned(),
            summary: "a \"b\"\nc".to_owned(),
            tenant: None,
            was: String::new(),
            became: r#"{"b":1,"a":[2]}"#.to_owned(),
            why: "reason x".to_owned(),
            request_id: String::new(),
            form: 2,
            previous: "p".to_owned(),
            hash: "h".to_owned(),
        }
    }

    #[test]
    fn a_line_of_json_holds_everything_and_is_one_line() {
        let text = json_line(&row());
        assert_eq!(text.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["summary"], "a \"b\"\nc");
        assert_eq!(value["actor"]["kind"], "user");
        assert_eq!(value["became"]["a"][0], 2);
        assert!(value["was"].is_null() && value["tenant"].is_null());
    }

    #[test]
    fn no_cell_becomes_a_formula() {
        for text in [
            "=1+1", "+1", "-1", "@x", "\tx", "\rx", " =1", "＝1", "|x", "%x",
        ] {
            assert!(cell(text).starts_with("\"'"), "{text:?}");
        }
        assert_eq!(cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
        let line = csv_line(&row());
        assert!(line.contains("\"'=cmd|'/c calc'!A1\""), "{line}");
        assert_eq!(CSV_HEAD.split(',').count(), 18);
    }
}
