//! The durable log of one cluster: JSON lines, appended, compacted at start.
//!
//! A line is written in one call before its change is answered, so a killed process loses nothing
//! that was acknowledged. The last line may be torn by the kill; it was never acknowledged and is
//! cut off. The place of an object stands before the object in the line, so that reading back
//! parses only the last version of each.

use super::entry::{Entry, Key};
use crate::resource::{Kind, TABLE};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One line that matters after a restart.
pub enum Line {
    /// The newest version that was ever given.
    Version(u64),
    Put(Entry),
}

/// The open log.
pub struct Log {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

/// What stands before the object in a line.
#[derive(Deserialize)]
struct Head {
    rv: u64,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    key: Option<(String, String)>,
}

const OBJECT: &str = ",\"object\":";

/// Kind, namespace and name of a line's object.
type Place = (Kind, String, String);

impl Log {
    /// A log that keeps nothing, for the moment before the real one is rewritten.
    pub fn nowhere() -> Self {
        Self {
            path: PathBuf::new(),
            file: None,
            bytes: 0,
        }
    }

    /// Opens a log and reads what survives in it.
    pub fn open(path: &Path) -> io::Result<(Self, Vec<Line>)> {
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let lines = survivors(&text);
        Ok((
            Self {
                path: path.to_owned(),
                file: None,
                bytes: 0,
            },
            lines,
        ))
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn put(&mut self, entry: &Entry) -> io::Result<()> {
        self.append(&put_line(entry))
    }

    pub fn delete(&mut self, key: &Key, version: u64) -> io::Result<()> {
        let head = head(key, version);
        self.append(&format!("{head}}}\n"))
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(line.as_bytes())?;
            self.bytes += line.len() as u64;
        }
        Ok(())
    }

    /// Writes the whole state to a new file and puts it in the place of the old one.
    pub fn rewrite(&mut self, version: u64, entries: Vec<Arc<Entry>>) -> io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut out = BufWriter::new(File::create(&fresh)?);
        let first = format!("{{\"rv\":{version}}}\n");
        out.write_all(first.as_bytes())?;
        let mut bytes = first.len() as u64;
        for entry in entries {
            let line = put_line(&entry);
            bytes += line.len() as u64;
            out.write_all(line.as_bytes())?;
        }
        out.flush()?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.path)?;
        self.file = Some(File::options().append(true).open(&self.path)?);
        self.bytes = bytes;
        Ok(())
    }
}

fn head(key: &Key, version: u64) -> String {
    let row = key.kind.definition();
    let kind = json!(format!("{}/{}", row.group, row.plural));
    let place = json!([&*key.namespace, &*key.name]);
    format!("{{\"rv\":{version},\"kind\":{kind},\"key\":{place}")
}

fn put_line(entry: &Entry) -> String {
    format!(
        "{}{OBJECT}{}}}\n",
        head(&entry.key, entry.version),
        entry.json
    )
}

fn kind_of(text: &str) -> Option<Kind> {
    let (group, plural) = text.split_once('/')?;
    TABLE
        .iter()
        .find(|row| row.group == group && row.plural == plural)
        .map(|row| row.kind)
}

fn survivors(text: &str) -> Vec<Line> {
    let mut version = 0;
    let mut last: HashMap<Place, Option<(u64, &str)>> = HashMap::new();
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    for line in whole.lines() {
        let (start, object) = match line.split_once(OBJECT) {
            Some((start, rest)) => (format!("{start}}}"), rest.strip_suffix('}')),
            None => (line.to_owned(), None),
        };
        let Ok(head) = serde_json::from_str::<Head>(&start) else {
            continue;
        };
        version = version.max(head.rv);
        if let (Some(kind), Some((namespace, name))) = (kind_of(&head.kind), head.key) {
            last.insert(
                (kind, namespace, name),
                object.map(|object| (head.rv, object)),
            );
        }
    }
    let mut lines = vec![Line::Version(version)];
    for ((kind, _, _), survivor) in last {
        let Some((version, text)) = survivor else {
            continue;
        };
        if let Ok(object) = serde_json::from_str::<Value>(text) {
            lines.push(Line::Put(Entry::read(kind, &object, version, text.into())));
        }
    }
    lines
}
