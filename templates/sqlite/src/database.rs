//! Everything that speaks SQL.

use std::cell::RefCell;

use marine_sdk::{Error, Result};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction, params};

use crate::{NewNote, Note};

/// Tables, and an index of words that triggers keep in step with the notes.
const SCHEMA: &str = "
    create table if not exists notes (id integer primary key, title text not null, text text not null);
    create virtual table if not exists words using fts5(title, text, content = 'notes', content_rowid = 'id');
    create trigger if not exists note_added after insert on notes begin
        insert into words(rowid, title, text) values (new.id, new.title, new.text);
    end;
    create trigger if not exists note_removed after delete on notes begin
        insert into words(words, rowid, title, text) values ('delete', old.id, old.title, old.text);
    end;
";

thread_local! {
    static DATABASE: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

/// Opens the file at `path`. Nobody else can reach the volume: the file needs no locks, which WebAssembly does not offer, and what was read
/// of it once need not be looked at again.
pub(crate) fn open(path: &str) -> Result<()> {
    let vfs = if cfg!(target_family = "wasm") { c"unix-none" } else { c"unix" };
    let connection = Connection::open_with_flags_and_vfs(path, OpenFlags::default(), vfs)?;
    connection.execute_batch(
        "pragma locking_mode = exclusive; pragma journal_mode = truncate; pragma temp_store = memory; pragma cache_size = -8192;",
    )?;
    connection.execute_batch(SCHEMA)?;
    DATABASE.set(Some(connection));
    Ok(())
}

/// Does `work` in a transaction: all of it counts, or nothing.
pub(crate) fn with<T>(work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
    DATABASE.with_borrow_mut(|database| {
        let transaction = database.as_mut().ok_or_else(|| Error::new("the database is not open"))?.transaction()?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    })
}

pub(crate) fn insert(db: &Transaction<'_>, notes: &[NewNote]) -> Result<Vec<i64>> {
    let mut statement = db.prepare_cached("insert into notes (title, text) values (?1, ?2)")?;
    notes.iter().map(|note| Ok(statement.insert(params![note.title, note.text])?)).collect()
}

pub(crate) fn by_id(db: &Transaction<'_>, id: i64) -> Result<Option<Note>> {
    let mut statement = db.prepare_cached("select id, title, text from notes where id = ?1")?;
    Ok(statement.query_row([id], note).optional()?)
}

pub(crate) fn containing(db: &Transaction<'_>, words: &str, limit: u32) -> Result<Vec<Note>> {
    let mut statement = db.prepare_cached(
        "select notes.id, notes.title, notes.text from words join notes on notes.id = words.rowid
         where words match ?1 order by rank limit ?2",
    )?;
    let found = statement.query_map(params![quoted(words), limit], note)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn delete(db: &Transaction<'_>, id: i64) -> Result<bool> {
    Ok(db.execute("delete from notes where id = ?1", [id])? > 0)
}

pub(crate) fn count(db: &Transaction<'_>) -> Result<i64> {
    Ok(db.query_row("select count(*) from notes", [], |row| row.get(0))?)
}

fn note(row: &Row<'_>) -> rusqlite::Result<Note> {
    Ok(Note { id: row.get(0)?, title: row.get(1)?, text: row.get(2)? })
}

/// Words as plain words: the search has a language of its own, which callers need not know.
fn quoted(words: &str) -> String {
    let words = words.split_whitespace().map(|word| format!("\"{}\"", word.replace('"', "\"\"")));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_be_commands() {
        assert_eq!(quoted(r#"tea OR "milk"#), r#""tea" "OR" """milk""#);
    }
}
