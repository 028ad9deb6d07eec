//! What has to compile, and what it does natively.

use std::panic::{AssertUnwindSafe, catch_unwind};

use marine_sdk::marine;

#[marine]
#[derive(Debug, PartialEq)]
struct Ticket {
    seat: u16,
}

#[marine]
#[module_import("stock")]
unsafe extern "C" {
    fn reserve(item: &str, n: u32) -> Result<Ticket, String>;
}

mod elsewhere {
    use marine_sdk::marine;

    #[marine]
    #[link(wasm_import_module = "acme:store/api@1.2.0")]
    unsafe extern "C" {
        /// Each function has a visibility of its own.
        #[link_name = "price-of"]
        pub(super) fn price(items: &[&str], exact: &mut bool) -> Option<u64>;
        #[allow(dead_code, reason = "not used, so not imported")]
        fn unused();
    }
}

/// It stays an ordinary function.
#[marine(name = "order-tickets")]
fn order(#[marine(name = "how-many")] n: u32) -> Result<Ticket, String> {
    reserve("ticket", n)
}

#[marine]
#[host_import]
unsafe extern "C" {
    fn curl(cmd: &[&str]) -> Outcome;
}

/// Aliases are fine everywhere.
type Outcome = marine_sdk::MountedBinaryResult;

mod older {
    #![allow(deprecated, reason = "the older name of the attribute")]

    use marine_sdk::fce;

    #[fce]
    pub(super) fn still_exported(x: u8) -> u8 {
        x + 1
    }
}

#[test]
fn the_older_name_of_the_attribute_works() {
    assert_eq!(older::still_exported(1), 2);
}

fn message(call: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref().cloned()).unwrap()
}

#[test]
fn imports_say_that_they_need_a_service() {
    let text = message(|| drop(order(1)));
    assert_eq!(text, "`stock.reserve` can only be called inside a service");
    let text = message(|| drop(curl(&["-s"])));
    assert_eq!(text, "`host.curl` can only be called inside a service");
    let text = message(|| _ = elsewhere::price(&["a"], &mut true));
    assert_eq!(text, "`acme:store/api@1.2.0.price-of` can only be called inside a service");
}

#[test]
fn call_parameters_say_that_they_need_a_service() {
    let text = message(|| drop(marine_sdk::get_call_parameters()));
    assert!(text.starts_with("`get_call_parameters` can only be called inside a service"), "{text}");
}
