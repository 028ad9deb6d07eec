//! What the libraries in Aqua call at each peer: notes, records of providers, a ballot.

use std::collections::BTreeMap;
use std::env;
use std::sync::Mutex;

use ed25519_dalek::{Signer, SigningKey};
use marine_sdk::{get_call_parameters, marine};

static NOTES: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
static RECORDS: Mutex<Vec<(String, Provider)>> = Mutex::new(Vec::new());
static VOTES: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
static KNOCKS: Mutex<u32> = Mutex::new(0);

/// Who provides something.
#[marine]
#[derive(Clone)]
pub struct Provider {
    pub peer: String,
    pub service: String,
}

/// A signed vote.
#[marine]
pub struct Vote {
    pub candidate: String,
    pub signature: Vec<u8>,
    pub voter: String,
}

/// Keeps a value.
#[marine]
fn put(key: &str, value: &str) {
    lock(&NOTES).insert(key.to_string(), value.to_string());
}

/// The value of a key.
#[marine]
fn get(key: &str) -> Result<String, String> {
    lock(&NOTES).get(key).cloned().ok_or_else(|| format!("there is no `{key}`"))
}

/// Fails so many times, then answers.
#[marine]
fn knock(times: u32) -> Result<String, String> {
    let mut knocks = lock(&KNOCKS);
    *knocks += 1;
    if *knocks > times { Ok(format!("open after {knocks}")) } else { Err("nobody opens".to_string()) }
}

/// Keeps a record.
#[marine]
fn add(key: &str, provider: Provider) {
    lock(&RECORDS).push((key.to_string(), provider));
}

/// Drops a peer's records.
#[marine]
fn remove(key: &str, peer: &str) {
    lock(&RECORDS).retain(|(of, provider)| of != key || provider.peer != peer);
}

/// The records of a key.
#[marine]
fn list(key: &str) -> Vec<Provider> {
    lock(&RECORDS).iter().filter(|(of, _)| of == key).map(|(_, provider)| provider.clone()).collect()
}

/// Votes once in a term, for the candidate with the number `CHOICE`; signed with the key of which every byte is `SEED`.
#[marine]
fn vote(term: &str, candidates: Vec<String>) -> Result<Vote, String> {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u8>().ok());
    let (seed, choice) = (number("SEED").ok_or("no SEED")?, number("CHOICE").ok_or("no CHOICE")?);
    let chosen = candidates.get(usize::from(choice)).ok_or("there is no such candidate")?;
    let candidate = lock(&VOTES).entry(term.to_string()).or_insert_with(|| chosen.clone()).clone();
    let key = SigningKey::from_bytes(&[seed; 32]);
    let signature = key.sign(format!("{term} {candidate}").as_bytes()).to_bytes().to_vec();
    Ok(Vote { candidate, signature, voter: get_call_parameters().host_id })
}

/// A call that panicked is followed by a new instance, so nothing is ever half done.
fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(|broken| broken.into_inner())
}
