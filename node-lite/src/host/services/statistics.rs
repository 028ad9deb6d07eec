//! What became of the calls of one service: counts, times and changes of memory, per function and of all.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use serde_json::{Value, json};

/// Measurements that are kept of each series.
const SERIES: usize = 5;
/// Functions with an account of their own; others count in the total only.
const FUNCTIONS: usize = 1024;

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Statistics {
    total: Account,
    functions: BTreeMap<String, Account>,
}

/// One call that ended.
pub(crate) struct Measured {
    pub(crate) succeeded: bool,
    pub(crate) took: Duration,
    /// By how many bytes the service's memories grew.
    pub(crate) memory_delta: i64,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
}

#[derive(Default)]
struct Account {
    succeeded: u64,
    failed: u64,
    seconds: Series,
    memory: Series,
    at: VecDeque<u64>,
}

#[derive(Default)]
struct Series {
    total: f64,
    last: VecDeque<f64>,
}

impl Statistics {
    pub(crate) fn add(&mut self, function: &str, call: &Measured) {
        self.total.add(call);
        if self.functions.len() < FUNCTIONS || self.functions.contains_key(function) {
            self.functions.entry(function.to_owned()).or_default().add(call);
        }
    }

    /// As `stat.service_stat` answers.
    pub(crate) fn describe(&self) -> Value {
        let functions: Vec<_> =
            self.functions.iter().map(|(name, account)| json!({ "name": name, "stats": account.describe() })).collect();
        json!({ "total_stats": self.total.describe(), "functions_stats": functions })
    }
}

impl Account {
    fn add(&mut self, call: &Measured) {
        *(if call.succeeded { &mut self.succeeded } else { &mut self.failed }) += 1;
        self.seconds.add(call.took.as_secs_f64());
        self.memory.add(call.memory_delta as f64);
        keep(&mut self.at, call.at);
    }

    fn describe(&self) -> Value {
        let calls = self.succeeded + self.failed;
        json!({
            "success_req_count": self.succeeded,
            "failed_req_count": self.failed,
            "call_time_sec": self.seconds.describe(calls),
            "memory_deltas_bytes": self.memory.describe(calls),
            "timestamps": self.at,
        })
    }
}

impl Series {
    fn add(&mut self, measured: f64) {
        self.total += measured;
        keep(&mut self.last, measured);
    }

    fn describe(&self, calls: u64) -> Value {
        json!({ "avg": self.total / calls.max(1) as f64, "total": self.total, "series": self.last })
    }
}

fn keep<T>(series: &mut VecDeque<T>, measured: T) {
    if series.len() == SERIES {
        series.pop_front();
    }
    series.push_back(measured);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_sums_and_the_last_five() {
        let mut statistics = Statistics::default();
        for n in 1..=6 {
            let call =
                Measured { succeeded: n != 6, took: Duration::from_secs(n), memory_delta: -65_536, at: 1000 + n };
            statistics.add(if n == 1 { "first" } else { "second" }, &call);
        }
        let described = statistics.describe();
        let total = &described["total_stats"];
        assert_eq!((&total["success_req_count"], &total["failed_req_count"]), (&json!(5), &json!(1)));
        assert_eq!(total["call_time_sec"], json!({ "avg": 3.5, "total": 21.0, "series": [2.0, 3.0, 4.0, 5.0, 6.0] }));
        assert_eq!(total["memory_deltas_bytes"]["total"], json!(-6.0 * 65_536.0));
        assert_eq!(total["timestamps"], json!([1002, 1003, 1004, 1005, 1006]));
        let names: Vec<_> =
            described["functions_stats"].as_array().unwrap().iter().map(|part| part["name"].clone()).collect();
        assert_eq!(names, ["first", "second"]);
        assert_eq!(Statistics::default().describe()["total_stats"]["call_time_sec"]["avg"], json!(0.0));
    }
}
