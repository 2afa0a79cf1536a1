//! The file of signed heads: one line of JSON per chain that moved, appended and on the disk before the
//! next minute. Copied elsewhere, it shows a trail that was cut or computed anew by whoever can write
//! to the database.
//! Invariant: lines are only ever added; what a killed server left half-written is cut off first.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use model::Actor;
use serde::Deserialize;
use service::AuditService;
use service::audit::SignedHead;

use crate::failure::Failure;

/// The file, and how far each chain was exported into it.
#[derive(Debug)]
pub struct HeadsFile {
    path: PathBuf,
    file: File,
    exported: BTreeMap<String, i64>,
    /// Chains that were told to be shorter than what was exported, so that the log says so once.
    told: Vec<String>,
}

/// What is needed of a line to know how far its chain was exported.
#[derive(Deserialize)]
struct Line {
    chain: String,
    sequence: i64,
}

impl HeadsFile {
    /// Opens the file, or makes it, for its owner only.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn open(path: PathBuf) -> Result<Self, Failure> {
        let told = |error| failed(&path, &error);
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(told)?;
        let (exported, whole) = read(&file).map_err(told)?;
        file.set_len(whole).map_err(told)?;
        Ok(Self {
            path,
            file,
            exported,
            told: Vec::new(),
        })
    }

    /// Appends the heads that moved since the last time, and says how many those are.
    ///
    /// # Errors
    /// A sentence; what was not appended is at the next time.
    pub async fn export(&mut self, audit: &AuditService) -> Result<usize, Failure> {
        let moved = audit.moved(&Actor::System, &self.exported).await?;
        for chain in &moved.receded {
            if !self.told.contains(chain) {
                tracing::error!(
                    chain,
                    "A chain of the audit trail is shorter than what was exported of it. Run `hosted-instances audit verify`."
                );
            }
        }
        self.told = moved.receded;
        self.append(&moved.heads)
            .map_err(|error| failed(&self.path, &error))?;
        Ok(moved.heads.len())
    }

    /// A few hundred bytes and one flush a minute.
    fn append(&mut self, heads: &[SignedHead]) -> std::io::Result<()> {
        if heads.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for head in heads {
            text.push_str(&serde_json::to_string(head)?);
            text.push('\n');
        }
        let end = self.file.seek(SeekFrom::End(0))?;
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data());
        if written.is_err() {
            // Half a line would make the next one unreadable.
            self.file.set_len(end)?;
        }
        written?;
        for head in heads {
            self.exported.insert(head.chain.clone(), head.sequence);
        }
        Ok(())
    }
}

/// How far each chain was exported, and where the last whole line ends.
fn read(file: &File) -> std::io::Result<(BTreeMap<String, i64>, u64)> {
    let mut reader = BufReader::new(file);
    let (mut exported, mut whole, mut line) = (BTreeMap::new(), 0, Vec::new());
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok((exported, whole));
        }
        whole += length as u64;
        if let Ok(found) = serde_json::from_slice::<Line>(&line) {
            let last = exported.entry(found.chain).or_insert(0);
            *last = found.sequence.max(*last);
        }
    }
}

fn failed(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::new(format!(
        "{} cannot be written: {error}. See that the disk has room and that the file belongs to this server.",
        path.display()
    ))
}
