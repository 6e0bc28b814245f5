//! Seals anew what an older root has sealed, and makes look-up hashes anew: a few rows at a time, each
//! only as it was read, so that whoever writes meanwhile has the last word, and nobody waits. It begins
//! again where it was killed, because a row that is done is recognised. Every sealed column of the
//! schema stands here; a test reads the schema and says which does not.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use uuid::Uuid;

use super::link::Link;
use super::non_residents::Content;
use super::roots::SETTLED_SECONDS;
use super::{Store, StoreError};
use crate::base::clock::Timestamp;
use crate::domain::number::document::DocumentType;
use crate::domain::number::email::EmailAddress;

/// Rows of one step, where they are small.
const BATCH: usize = 100;

/// Bytes of one step where rows hold files, unless one row alone is larger: as much again is made of them, and one
/// transaction writes it.
pub const MOST_BYTES: usize = 8 << 20;

/// A table with sealed columns.
pub struct Sealed {
    pub table: &'static str,
    key: Key,
    /// Column, and what its place begins with (`Cipher::seal`); the row's key follows.
    pub columns: &'static [(&'static str, &'static str)],
    /// Columns of look-up hashes, each made from what the row says.
    pub hashes: &'static [(&'static str, Hash)],
    /// A column in the clear that a hash depends on.
    also: Option<&'static str>,
    /// Megabytes in one row, so that a step is measured before it is read.
    holds_files: bool,
}

/// What a row is found by, in the order in which rows are gone through.
#[derive(Clone, Copy)]
enum Key {
    Id(&'static str),
    Text(&'static str),
    /// Realm and number.
    Numbered(&'static str),
}

/// Kind and value of a look-up hash; `None`: the row has none.
type Hash = fn(&Plain) -> Option<(&'static str, String)>;

/// A row as it reads.
pub struct Plain {
    columns: BTreeMap<&'static str, String>,
    also: String,
}

impl Plain {
    fn text(&self, column: &str) -> Option<&str> {
        self.columns.get(column).map(String::as_str)
    }
}

const fn table(
    table: &'static str,
    key: Key,
    columns: &'static [(&'static str, &'static str)],
) -> Sealed {
    Sealed { table, key, columns, hashes: &[], also: None, holds_files: false }
}

const fn of_files(of: Sealed) -> Sealed {
    Sealed { holds_files: true, ..of }
}

/// Every sealed column.
pub const SEALED: [Sealed; 15] = [
    table("signing_key", Key::Text("kid"), &[("private", "key.")]),
    of_files(table("realm_version", Key::Numbered("generation"), &[("files", "realm_version.")])),
    table("authenticator", Key::Id("account_id"), &[("secret", "authenticator.")]),
    table("officer", Key::Id("id"), &[("name", "officer.name.")]),
    of_files(table("hall_portrait", Key::Id("id"), &[("content", "hall_portrait.content.")])),
    table("authorisation", Key::Id("id"), &[("named", "authorisation.named.")]),
    table("awaited_phone", Key::Id("id"), &[("phone", "awaited_phone.")]),
    table(
        "event_stream",
        Key::Id("id"),
        &[("authorization_header", "event_stream.authorization_header.")],
    ),
    table("enterprise_profile", Key::Id("enterprise_id"), &[("profile", "profile.")]),
    of_files(table(
        "nr_file",
        Key::Id("id"),
        &[("name", "nr_file.name."), ("content", "nr_file.content.")],
    )),
    Sealed {
        hashes: &[
            ("number_index", |row| Some(("home_number", form(row)?.comparable_number()))),
            ("name_index", |row| Some(("enterprise_name", form(row)?.name_zh.comparable()))),
            ("foreign_name_index", |row| {
                Some(("enterprise_name", form(row)?.name_foreign.comparable()))
            }),
        ],
        ..table("nr_application", Key::Id("id"), &[("content", "nr_application.content.")])
    },
    Sealed {
        hashes: &[("phone_index", |row| Some(("phone", row.text("phone")?.to_owned())))],
        ..table("phone_binding", Key::Id("id"), &[("phone", "phone.")])
    },
    Sealed {
        hashes: &[("number_index", document)],
        also: Some("kind"),
        ..table("identity_document", Key::Id("id"), &[("number", "document.number.")])
    },
    Sealed {
        hashes: &[("number_index", document)],
        also: Some("kind"),
        holds_files: true,
        ..table(
            "hall_record",
            Key::Id("id"),
            &[
                ("number", "hall_record.number."),
                ("name", "hall_record.name."),
                ("phone", "hall_record.phone."),
                ("portrait", "hall_record.portrait."),
            ],
        )
    },
    Sealed {
        hashes: &[("email_index", |row| {
            let email = EmailAddress::parse(row.text("email")?).ok()?;
            Some(("email", email.comparable()))
        })],
        ..table(
            "person",
            Key::Id("id"),
            &[("name", "person.name."), ("email", "person.email."), ("address", "person.address.")],
        )
    },
];

fn document(row: &Plain) -> Option<(&'static str, String)> {
    let kind = DocumentType::parse(&row.also)?;
    Some(("document", kind.comparable(row.text("number")?).to_owned()))
}

fn form(row: &Plain) -> Option<crate::domain::non_resident::Form> {
    Some(serde_json::from_str::<Content>(row.text("content")?).ok()?.form)
}

impl Key {
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Id("account_id") => &["account_id"],
            Self::Id("enterprise_id") => &["enterprise_id"],
            Self::Id(_) => &["id"],
            Self::Text(_) => &["kid"],
            Self::Numbered(_) => &["realm", "generation"],
        }
    }

    fn of(self, row: &QueryResult) -> Result<(Vec<Value>, String), StoreError> {
        Ok(match self {
            Self::Id(column) => {
                let id: Uuid = row.try_get("", column)?;
                (vec![id.into()], id.to_string())
            }
            Self::Text(column) => {
                let text: String = row.try_get("", column)?;
                (vec![text.clone().into()], text)
            }
            Self::Numbered(column) => {
                let (realm, number): (String, i64) =
                    (row.try_get("", "realm")?, row.try_get("", column)?);
                let place = format!("{realm}.{number}");
                (vec![realm.into(), number.into()], place)
            }
        })
    }
}

/// How far a table is.
#[derive(Default)]
struct Cursor(Vec<Value>);

/// What a pass has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Resealed {
    pub rows: u64,
    /// Changed meanwhile, or in the way of another row: the next pass looks at them again.
    pub left: u64,
    /// Bytes of the largest step, of those that hold files.
    pub largest: usize,
}

impl Store {
    /// Whether a pass is due: something older may still be sealed, and everybody seals by the current
    /// root by now.
    pub fn is_reseal_due(&self, now: Timestamp) -> bool {
        let (_, _, since) = self.ring.current();
        self.ring.has_older() && since.plus(SETTLED_SECONDS) <= now
    }

    /// Goes through everything; older roots retire when it was due and nothing was left. `None`: another
    /// node is at it. `now`: asked again for each batch, `rest`: what to do between two, told how long one took.
    pub async fn reseal<F>(
        &self,
        takes_over: bool,
        now: impl Fn() -> Timestamp,
        rest: impl Fn(std::time::Duration) -> F,
    ) -> Result<Option<Resealed>, StoreError>
    where
        F: Future<Output = ()>,
    {
        let (root, is_settled) = (self.ring.current().0, self.is_reseal_due(now()));
        if !self.takes_resealing(root, now(), takes_over).await? {
            return Ok(None);
        }
        let mut done = Resealed::default();
        for of in &SEALED {
            let mut cursor = Cursor::default();
            loop {
                let began = std::time::Instant::now();
                let Some(next) = self.reseal_batch(of, &cursor, &mut done, now()).await? else {
                    break;
                };
                cursor = next;
                self.takes_resealing(root, now(), true).await?;
                rest(began.elapsed()).await;
            }
        }
        // Before everybody seals by the current root, more may come.
        if done.left == 0 && is_settled {
            self.retire_before(root, now()).await?;
            self.learn_roots().await?;
        }
        Ok(Some(done))
    }

    /// `None`: there are no more.
    async fn reseal_batch(
        &self,
        of: &Sealed,
        after: &Cursor,
        done: &mut Resealed,
        now: Timestamp,
    ) -> Result<Option<Cursor>, StoreError> {
        let readers = Link::Pool(&self.readers);
        let backend = readers.get_database_backend();
        let n_rows = if of.holds_files { self.fitting_rows(of, after).await? } else { BATCH };
        let look = of.looks(after, n_rows);
        let look = Statement::from_sql_and_values(backend, look, after.0.clone());
        let rows = readers.query_all_raw(look).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        if of.holds_files {
            let bytes = rows.iter().map(|row| of.bytes(row)).sum::<Result<usize, StoreError>>()?;
            done.largest = done.largest.max(bytes);
        }
        let next = Cursor(of.key.of(last)?.0);
        let mut changes = Vec::new();
        for row in &rows {
            match self.change(of, row) {
                Ok(change) => changes.extend(change),
                // One row that nobody can read does not keep all others where they are.
                Err(StoreError::Sealed(_)) => {
                    let (_, row) = of.key.of(row)?;
                    tracing::error!(table = of.table, row, "A row at rest does not open");
                    done.left += 1;
                }
                Err(other) => return Err(other),
            }
        }
        if !changes.is_empty() {
            let tx = self.begin("", now).await?;
            for change in changes {
                let change = Statement::from_sql_and_values(backend, change.sql, change.values);
                let n = tx.rows().db().execute_raw(change).await?.rows_affected();
                done.rows += n;
                done.left += u64::from(n == 0);
            }
            tx.commit().await?;
        }
        Ok(Some(next))
    }

    /// How many of the next rows are read at once; one at least.
    async fn fitting_rows(&self, of: &Sealed, after: &Cursor) -> Result<usize, StoreError> {
        let readers = Link::Pool(&self.readers);
        let backend = readers.get_database_backend();
        let look = Statement::from_sql_and_values(backend, of.sizes(after), after.0.clone());
        let (mut n_rows, mut bytes) = (0, 0_usize);
        for row in readers.query_all_raw(look).await? {
            let size: i64 = row.try_get("", "bytes")?;
            bytes = bytes.saturating_add(usize::try_from(size).unwrap_or_default());
            if bytes > MOST_BYTES {
                break;
            }
            n_rows += 1;
        }
        Ok(n_rows.max(1))
    }

    /// The statement that brings a row to the current root, values and hashes; `None`: it is there.
    fn change(&self, of: &Sealed, row: &QueryResult) -> Result<Option<Change>, StoreError> {
        let (key, place) = of.key.of(row)?;
        let mut change = Change::default();
        let (mut texts, mut was, mut is_behind) = (BTreeMap::new(), Vec::new(), false);
        for (column, prefix) in of.columns {
            let Some(sealed) = row.try_get::<Option<Vec<u8>>>("", column)? else { continue };
            let place = format!("{prefix}{place}");
            is_behind |= self.cipher.open_if_older(&place, &sealed)?.is_some();
            let plain = self.cipher.open(&place, &sealed)?;
            change.set(column, self.cipher.seal(&self.random, &place, &plain));
            texts.extend(String::from_utf8(plain.to_vec()).map(|text| (*column, text)));
            was.push((*column, sealed));
        }
        let also = of.also.map(|column| row.try_get("", column)).transpose()?.unwrap_or_default();
        let reads = Plain { columns: texts, also };
        for (column, hash) in of.hashes {
            let Some((kind, value)) = hash(&reads) else { continue };
            let hash = self.cipher.index(kind, &value);
            is_behind |= row.try_get::<Option<Vec<u8>>>("", column)?.as_ref() != Some(&hash);
            let number = change.set(column, hash);
            change.unless = of.taken(column, number);
        }
        for (column, value) in of.key.columns().iter().zip(key) {
            change.only(column, value);
        }
        for (column, sealed) in was {
            change.only(column, sealed.into());
        }
        change.sql = change.statement(of.table);
        Ok(is_behind.then_some(change))
    }
}

/// An `UPDATE` on its way; values are numbered as they come.
#[derive(Default)]
struct Change {
    set: Vec<String>,
    only: Vec<String>,
    unless: String,
    sql: String,
    values: Vec<Value>,
}

impl Change {
    /// Returns the value's number.
    fn set(&mut self, column: &str, value: Vec<u8>) -> usize {
        self.values.push(value.into());
        self.set.push(format!("{column} = ${}", self.values.len()));
        self.values.len()
    }

    fn only(&mut self, column: &str, value: Value) {
        self.values.push(value);
        self.only.push(format!("{column} = ${}", self.values.len()));
    }

    fn statement(&self, table: &str) -> String {
        let (set, only) = (self.set.join(", "), self.only.join(" AND "));
        format!("UPDATE {table} SET {set} WHERE {only}{}", self.unless)
    }
}

/// Where no two rows may have the same hash, and what else they would share.
fn unique(table: &str) -> Option<&'static str> {
    match table {
        "phone_binding" => Some(""),
        "identity_document" => Some(" AND o.kind = identity_document.kind"),
        "hall_record" => Some(
            " AND o.kind = hall_record.kind AND o.superseded_at IS NULL \
             AND hall_record.superseded_at IS NULL",
        ),
        _ => None,
    }
}

impl Sealed {
    /// A row whose hash another row has already stays as it is, and is told.
    fn taken(&self, column: &str, number: usize) -> String {
        let Some(shared) = unique(self.table) else { return String::new() };
        format!(
            " AND NOT EXISTS (SELECT 1 FROM {0} o WHERE o.realm = {0}.realm{shared} \
             AND o.{column} = ${number} AND o.id <> {0}.id)",
            self.table
        )
    }

    fn looks(&self, after: &Cursor, n_rows: usize) -> String {
        let keys = self.key.columns().join(", ");
        let hashes = self.hashes.iter().map(|(column, _)| *column);
        let sealed = self.columns.iter().map(|(column, _)| *column);
        let columns = sealed.chain(hashes).chain(self.also);
        let columns = columns.collect::<Vec<_>>().join(", ");
        format!("SELECT {keys}, {columns} {}", self.next(after, n_rows))
    }

    /// Of the rows that `looks` would find, in the same order.
    fn sizes(&self, after: &Cursor) -> String {
        let size = |(column, _): &(&str, &str)| format!("COALESCE(length({column}), 0)");
        let sizes = self.columns.iter().map(size).collect::<Vec<_>>().join(" + ");
        format!("SELECT CAST({sizes} AS BIGINT) AS bytes {}", self.next(after, BATCH))
    }

    fn next(&self, after: &Cursor, n_rows: usize) -> String {
        let keys = self.key.columns().join(", ");
        let beyond = match after.0.len() {
            0 => String::new(),
            1 => format!(" WHERE {keys} > $1"),
            _ => format!(" WHERE ({keys}) > ($1, $2)"),
        };
        format!("FROM {}{beyond} ORDER BY {keys} LIMIT {n_rows}", self.table)
    }

    fn bytes(&self, row: &QueryResult) -> Result<usize, StoreError> {
        let length = |(column, _): &(&str, &str)| {
            let sealed: Option<Vec<u8>> = row.try_get("", column)?;
            Ok::<usize, StoreError>(sealed.map_or(0, |sealed| sealed.len()))
        };
        self.columns.iter().map(length).sum()
    }
}
