//! Prints how long the template `sqlite` takes natively, in nanoseconds: `native-sqlite ROWS SAMPLES` writes a line `insert ..` and a line
//! `select ..`, a number per sample each.

use std::env;
use std::time::Instant;

#[path = "../../../templates/sqlite/src/database.rs"]
mod database;

/// The template's records, without `#[marine]`.
pub(crate) struct NewNote {
    title: String,
    text: String,
}

/// See [`NewNote`].
pub(crate) struct Note {
    id: i64,
    title: String,
    text: String,
}

const TEXT: &str = "some words that are found again";

fn main() -> Result<(), marine_sdk::Error> {
    let mut arguments = env::args().skip(1);
    let mut number = || arguments.next().unwrap_or_default().parse::<i64>();
    let (rows, samples) = (number()?, number()?);
    let (mut inserts, mut selects) = (Vec::new(), Vec::new());
    for _ in 0..samples {
        let dir = tempfile::tempdir()?;
        database::open(&dir.path().join("notes.db").display().to_string())?;
        let notes: Vec<_> =
            (0..rows).map(|row| NewNote { title: format!("note {row}"), text: TEXT.to_owned() }).collect();

        let started = Instant::now();
        database::with(|db| database::insert(db, &notes))?;
        inserts.push(started.elapsed().as_nanos().to_string());

        let started = Instant::now();
        for id in 1..=rows {
            let note = database::with(|db| database::by_id(db, id))?;
            assert!(note.is_some_and(|note| note.id == id && note.title.len() > 4 && note.text == TEXT));
        }
        selects.push(started.elapsed().as_nanos().to_string());

        // What the template does beyond this, so that nothing of it counts as unused.
        assert!(database::with(|db| database::delete(db, 1))?);
        assert_eq!(database::with(database::count)?, rows - 1);
        assert_eq!(database::with(|db| database::containing(db, "found again", 1))?.len(), 1);
    }
    println!("insert {}", inserts.join(" "));
    println!("select {}", selects.join(" "));
    Ok(())
}
