//! The lines of a file one after the other, however long it is: what is read is forgotten but for a hash
//! of all of it, by which somebody who comes back knows that it is still the same.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::{ErrorKind, Position, Reader, ReaderBuilder, StringRecord, Trim};
use serde_json::{Map, Value};

use crate::base::secret::sha256;
use crate::domain::feed::{Entry, Wrong};
use crate::flows::feed::report::Format;

/// Bytes of the longest line or row: nothing longer is kept in memory.
const LONGEST: u64 = 1 << 20;

pub(super) struct Lines<'t> {
    text: Text<'t>,
    /// Of all that was read.
    hash: [u8; 32],
    last: u64,
}

enum Text<'t> {
    JsonLines(Box<dyn BufRead + Send + 't>),
    Table(Box<Table<'t>>),
}

struct Table<'t> {
    rows: Reader<Bounded<'t>>,
    names: StringRecord,
    left: Arc<AtomicU64>,
}

/// A line, or why it cannot be read.
pub(super) struct Told {
    /// Counted from one.
    pub line: u64,
    content: Result<Content, Wrong>,
}

enum Content {
    Object(String),
    Cells(StringRecord),
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: impl BufRead + Send + 't, format: Format) -> Self {
        let text: Box<dyn BufRead + Send + 't> = Box::new(text);
        let (text, hash) = match format {
            Format::JsonLines => (Text::JsonLines(text), [0; 32]),
            Format::Csv => {
                let left = Arc::new(AtomicU64::new(LONGEST));
                let bounded = Bounded { text, left: left.clone() };
                let mut rows = ReaderBuilder::new().trim(Trim::All).from_reader(bounded);
                let names = rows.headers().cloned().unwrap_or_default();
                let hash = joined([0; 32], &names);
                (Text::Table(Box::new(Table { rows, names, left })), hash)
            }
        };
        Self { text, hash, last: 0 }
    }

    /// The number of the line that was read last; 0: none yet.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// `None`: there are no more. An error is the file's, not the line's.
    pub(super) fn next(&mut self) -> io::Result<Option<Told>> {
        let told = match &mut self.text {
            Text::JsonLines(text) => json_line(text, self.last, &mut self.hash)?,
            Text::Table(table) => table.row(&mut self.hash)?,
        };
        if let Some(told) = &told {
            self.last = told.line;
        }
        Ok(told)
    }

    /// What a line says. `kind`: as for [`Entry::parse`].
    pub(super) fn entry(&self, told: Told, kind: Option<&str>) -> Result<Entry, Wrong> {
        let fields: Map<String, Value> = match (told.content?, &self.text) {
            (Content::Object(text), _) => serde_json::from_str(&text).map_err(Wrong::line)?,
            (Content::Cells(cells), Text::Table(table)) => {
                let named = table.names.iter().zip(&cells);
                named.map(|(name, cell)| (name.to_owned(), cell.into())).collect()
            }
            (Content::Cells(_), Text::JsonLines(_)) => Map::new(),
        };
        Entry::parse(kind, fields)
    }
}

/// The next that is not empty after the line `last`.
fn json_line(
    text: &mut Box<dyn BufRead + Send + '_>,
    last: u64,
    hash: &mut [u8; 32],
) -> io::Result<Option<Told>> {
    let mut bytes = Vec::new();
    for line in last + 1.. {
        bytes.clear();
        text.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            break;
        }
        *hash = linked(*hash, &bytes);
        if !bytes.ends_with(b"\n") && u64::try_from(bytes.len()).is_ok_and(|n| n == LONGEST) {
            text.skip_until(b'\n')?;
            let content = Err(Wrong::line("the line is longer than 1 MiB"));
            return Ok(Some(Told { line, content }));
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let content = match String::from_utf8(bytes) {
            Ok(text) => Ok(Content::Object(text)),
            Err(_) => Err(Wrong::line("the line is not UTF-8")),
        };
        return Ok(Some(Told { line, content }));
    }
    Ok(None)
}

impl Table<'_> {
    fn row(&mut self, hash: &mut [u8; 32]) -> io::Result<Option<Told>> {
        let mut cells = StringRecord::new();
        let is_read = self.rows.read_record(&mut cells);
        self.left.store(LONGEST, Ordering::Relaxed);
        let (position, content) = match is_read {
            Ok(false) => return Ok(None),
            Ok(true) => {
                *hash = joined(*hash, &cells);
                (cells.position().cloned(), Ok(Content::Cells(cells)))
            }
            Err(error) => {
                let position = error.position().cloned();
                let why = Wrong::line(&error);
                if let ErrorKind::Io(error) = error.into_kind() {
                    return Err(error);
                }
                (position, Err(why))
            }
        };
        Ok(Some(Told { line: position.as_ref().map_or(0, Position::line), content }))
    }
}

/// Fails where a row does not end, as where a quote is left open.
struct Bounded<'t> {
    text: Box<dyn BufRead + Send + 't>,
    left: Arc<AtomicU64>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::Error::other("a row is longer than 1 MiB: is a quote left open?"));
        }
        let n = self.text.read(into)?;
        let n_read = u64::try_from(n).unwrap_or(u64::MAX);
        self.left.store(left.saturating_sub(n_read), Ordering::Relaxed);
        Ok(n)
    }
}

fn joined(hash: [u8; 32], cells: &StringRecord) -> [u8; 32] {
    let cells: Vec<&str> = cells.iter().collect();
    linked(hash, cells.join("\u{1f}").as_bytes())
}

fn linked(hash: [u8; 32], read: &[u8]) -> [u8; 32] {
    sha256(&[&hash[..], read].concat())
}
