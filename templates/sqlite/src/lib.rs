//! Notes with full-text search. SQLite, compiled to WebAssembly, is part of the module; its file lies in the volume that `Marine.toml`
//! grants.

mod database;

use marine_sdk::{Result, marine};

/// What is to be noted.
#[marine]
pub struct NewNote {
    pub title: String,
    pub text: String,
}

/// A note.
#[marine]
#[derive(Debug, PartialEq)]
pub struct Note {
    pub id: i64,
    pub title: String,
    pub text: String,
}

/// Opens the database before the first call, and makes it if it is not there.
#[marine(init)]
fn open() -> Result<()> {
    database::open("/data/notes.db")
}

/// Keeps all of `notes` or, if something is wrong, none of them; returns their ids.
#[marine]
fn add(notes: Vec<NewNote>) -> Result<Vec<i64>> {
    database::with(|db| database::insert(db, &notes))
}

/// The note with this id, if there is one.
#[marine]
fn get(id: i64) -> Result<Option<Note>> {
    database::with(|db| database::by_id(db, id))
}

/// Notes that contain all of `words`, best match first.
#[marine]
fn search(words: &str, limit: u32) -> Result<Vec<Note>> {
    database::with(|db| database::containing(db, words, limit))
}

/// Forgets a note; says whether there was one.
#[marine]
fn remove(id: i64) -> Result<bool> {
    database::with(|db| database::delete(db, id))
}

/// How many notes there are.
#[marine]
fn count() -> Result<i64> {
    database::with(database::count)
}
