//! Tries what it was granted, and breaks down in the ways that Rust programs do.

use std::io::Write;
use std::time::Duration;
use std::{env, fs, thread};

use marine_sdk::{Result, marine};

/// The text of a file.
#[marine]
fn read(path: &str) -> Result<String> {
    Ok(fs::read_to_string(path)?)
}

/// Makes or replaces a file.
#[marine]
fn write(path: &str, text: &str) -> Result<()> {
    Ok(fs::write(path, text)?)
}

/// The same with any bytes.
#[marine]
fn write_bytes(path: &str, bytes: Vec<u8>) -> Result<()> {
    Ok(fs::write(path, bytes)?)
}

/// Writes so many KiB to a file that has no name any more.
#[marine]
fn hide(path: &str, kib: u32) -> Result<()> {
    let mut file = fs::File::create(path)?;
    fs::remove_file(path)?;
    (0..kib).try_for_each(|_| Ok(file.write_all(&[b'x'; 1024])?))
}

/// Nests directories deeper than any path is long: chains, each of which is moved to the end of the next.
#[marine]
fn nest(dir: &str, chains: u32, levels: u32) -> Result<()> {
    for chain in 0..chains {
        let mut path = format!("{dir}/{chain}");
        fs::create_dir(&path)?;
        for _ in 0..levels {
            path += "/a";
            fs::create_dir(&path)?;
        }
        if let Some(before) = chain.checked_sub(1) {
            fs::rename(format!("{dir}/{before}"), path + "/b")?;
        }
    }
    Ok(())
}

/// The names in a directory, sorted.
#[marine]
fn list(path: &str) -> Result<Vec<String>> {
    let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Where the particle's vault is.
#[marine]
fn vault() -> String {
    marine_sdk::vault::dir().display().to_string()
}

/// All variables, sorted.
#[marine]
fn variables() -> Vec<(String, String)> {
    let mut all: Vec<_> = env::vars().collect();
    all.sort();
    all
}

/// Prints a line to both outputs.
#[marine]
fn say(text: &str) {
    println!("{text}");
    eprintln!("{text}");
}

/// Opens one file so often; says how often it was open at once.
#[marine]
fn open_many(path: &str, times: u32) -> u32 {
    let files = (0..times).map_while(|_| fs::File::open(path).ok());
    files.collect::<Vec<_>>().len() as u32
}

/// Prints so many lines of a KiB.
#[marine]
fn chatter(lines: u32) {
    let line = "x".repeat(1023);
    (0..lines).for_each(|_| println!("{line}"));
}

/// Sleeps.
#[marine]
fn nap(ms: u64) {
    thread::sleep(Duration::from_millis(ms));
}

/// Panics.
#[marine]
fn fail(text: &str) {
    panic!("{text}");
}

/// Ends the program.
#[marine]
fn exit(code: i32) {
    std::process::exit(code);
}

/// Takes all memory there is; says how much, in bytes, that was if it is told to stop before the end.
#[marine]
fn hoard(most: u64) -> u64 {
    let mut all: Vec<Vec<u8>> = Vec::new();
    while (all.len() as u64) << 20 < most {
        all.push(vec![1; 1 << 20]);
    }
    all.iter().map(|part| part.len() as u64).sum()
}

/// Recurses `levels` deep.
#[marine]
#[expect(unconditional_recursion)]
fn recurse() -> u64 {
    fn deeper(level: u64) -> u64 {
        let here = [level; 16];
        deeper(std::hint::black_box(&here)[3] + 1) + here[5]
    }
    deeper(0)
}
