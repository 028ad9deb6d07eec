//! Exchange rates: an HTTP API becomes a service with types.

use std::collections::BTreeMap;

use marine_sdk::{Error, Result, http, marine};
use serde::Deserialize;

/// A rate of exchange.
#[marine]
#[derive(Debug, PartialEq)]
pub struct Rate {
    pub from: String,
    pub to: String,
    /// How much of `to` one of `from` is worth.
    pub rate: f64,
    /// The day of the rate, as `2026-01-31`.
    pub date: String,
}

/// What the API answers.
#[derive(Deserialize)]
struct Answer {
    date: String,
    rates: BTreeMap<String, f64>,
}

/// The latest rate between two currencies, given as three letters each.
#[marine]
fn rate(from: &str, to: &str) -> Result<Rate> {
    let (from, to) = (currency(from)?, currency(to)?);
    // Where the API lies is configuration: tests put their own server there.
    let url = std::env::var("RATES_URL")?;
    let response = http::get(format!("{url}?base={from}&symbols={to}"))
        .header("accept", "application/json")
        .timeout_ms(5_000)
        .send()?
        .error_for_status()?;
    read(from, to, &response.body)
}

fn read(from: String, to: String, body: &[u8]) -> Result<Rate> {
    let answer: Answer = serde_json::from_slice(body)?;
    let rate = *answer.rates.get(&to).ok_or_else(|| Error::new(format!("there is no rate from {from} to {to}")))?;
    Ok(Rate { from, to, rate, date: answer.date })
}

fn currency(text: &str) -> Result<String> {
    if text.len() == 3 && text.bytes().all(|letter| letter.is_ascii_alphabetic()) {
        return Ok(text.to_ascii_uppercase());
    }
    Err(Error::new(format!("`{text}` is no currency: give three letters, like EUR")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let body = br#"{"base": "EUR", "date": "2026-01-30", "rates": {"CHF": 0.9375}}"#;
        let rate = read("EUR".to_string(), "CHF".to_string(), body).unwrap();
        assert_eq!((rate.rate, rate.date.as_str()), (0.9375, "2026-01-30"));
        assert!(read("EUR".to_string(), "XXX".to_string(), body).is_err());
    }

    #[test]
    fn currencies_are_three_letters() {
        assert_eq!(currency("eur").unwrap(), "EUR");
        assert!(currency("euro").is_err() && currency("E&R").is_err());
    }
}
