//! A weather station in the style of sources that were written for the predecessor's SDK.

use marine_rs_sdk::marine;
use marine_rs_sdk::module_manifest;
use marine_rs_sdk::MountedBinaryResult;
use marine_rs_sdk::TargetMap;
use marine_rs_sdk::WasmLoggerBuilder;

use std::cell::RefCell;

module_manifest!();

const TARGETS: [(&str, i32); 2] = [("station", 1 << 1), ("network", 1 << 2)];

thread_local!(static READINGS: RefCell<Vec<Reading>> = RefCell::new(Vec::new()));

pub fn main() {
    use std::iter::FromIterator;

    let targets = TargetMap::from_iter(TARGETS.iter().cloned());
    WasmLoggerBuilder::new()
        .with_log_level(log::Level::Info)
        .with_target_map(targets)
        .build()
        .unwrap();
    log::info!(target: "station", "the station is up");
}

#[marine]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    pub place: String,
    pub degrees: f64,
    pub taken_by: String,
}

#[marine]
pub struct Summary {
    pub success: bool,
    pub error: String,
    pub count: u32,
    pub warmest: Vec<Reading>,
}

#[marine]
pub fn record(place: String, degrees: f64) -> Summary {
    if degrees < -273.15 {
        return Summary { success: false, error: format!("{} is too cold", degrees), count: 0, warmest: vec![] };
    }
    let taken_by = marine_rs_sdk::get_call_parameters().particle.init_peer_id;
    READINGS.with(|readings| readings.borrow_mut().push(Reading { place, degrees, taken_by }));
    summary()
}

#[marine]
pub fn summary() -> Summary {
    READINGS.with(|readings| {
        let readings = readings.borrow();
        let warmest = readings.iter().cloned().fold(None, |best: Option<Reading>, reading| match best {
            Some(best) if best.degrees >= reading.degrees => Some(best),
            _ => Some(reading),
        });
        Summary {
            success: true,
            error: String::new(),
            count: readings.len() as u32,
            warmest: warmest.into_iter().collect(),
        }
    })
}

#[marine]
pub fn next_count() -> u32 {
    let count = summary().count;
    unsafe { increase(count) }
}

#[marine]
pub fn forecast(url: String) -> String {
    let result: MountedBinaryResult = unsafe { curl(vec!["-sS".to_string(), url]) };
    match result.into_std() {
        Some(Ok(text)) => text,
        Some(Err(error)) => format!("no forecast: {}", error),
        None => String::from("no forecast: not a text"),
    }
}

#[marine]
#[link(wasm_import_module = "echo")]
extern "C" {
    #[link_name = "inc"]
    pub fn increase(x: u32) -> u32;
}

#[marine]
#[link(wasm_import_module = "host")]
extern "C" {
    pub fn curl(cmd: Vec<String>) -> MountedBinaryResult;
}
