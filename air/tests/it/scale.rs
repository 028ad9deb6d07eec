//! Deep and long scripts: constant stack, no limit below the promised ones.

use marine_air::syntax::{format, parse, print_script};
use marine_air::{Limits, Script};

/// A stack that recursion over 65 536 levels would overflow at once.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(128 * 1024).spawn(work).unwrap().join().unwrap();
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}(null){}", open.repeat(depth - 1), close.repeat(depth - 1))
}

#[test]
fn deep_nesting_takes_no_stack() {
    on_a_small_stack(|| {
        let depth = Limits::default().script_nesting;
        for (open, close) in [("(seq ", "(null))"), ("(par(null)", ")"), ("(new x ", ")"), ("(match 1 1 ", ")")] {
            let parsed = Script::parse(&nested(open, close, depth), &Limits::default());
            assert!(!parsed.has_errors());
            let (again, _) = parse(&print_script(parsed.tree()), &Limits::default());
            assert_eq!(&again, parsed.tree());
            assert!(format(parsed.tree()).len() < 200 * parsed.tree().len());
        }
    });
}

#[test]
fn deeper_nesting_is_refused_once() {
    on_a_small_stack(|| {
        let depth = Limits::default().script_nesting + 1;
        let parsed = Script::parse(&nested("(new x ", ")", depth), &Limits::default());
        let ids: Vec<_> = parsed.diagnostics().iter().map(|diagnostic| diagnostic.id.to_string()).collect();
        assert_eq!(ids, ["A011"]);
    });
}

/// Work that grows with depth times length would not end within the test's patience.
#[test]
fn folds_inside_folds_are_checked_in_linear_time() {
    on_a_small_stack(|| {
        let depth = 60_000;
        let mut text = String::new();
        for level in 0..depth {
            text += &format!("(fold [] i{level} (seq (ap i{level} x) ");
        }
        text += "(null)";
        for level in (0..depth).rev() {
            text += &format!(") (next i{level}))");
        }
        let mut limits = Limits::default();
        limits.script_nesting = 2 * depth + 2;
        let parsed = Script::parse(&text, &limits);
        let errors: Vec<_> = parsed.diagnostics().iter().filter(|finding| finding.id.0 == 27).collect();
        assert_eq!(errors.len(), depth, "each `next` is in the last instruction of its fold");
    });
}

#[test]
fn unclosed_parentheses_are_reported_once() {
    on_a_small_stack(|| {
        let parsed = Script::parse(&"(seq".repeat(60_000), &Limits::default());
        assert_eq!(parsed.diagnostics().len(), 1);
        let parsed = Script::parse(&"(".repeat(1_000_000), &Limits::default());
        assert!(parsed.diagnostics().len() <= 2);
    });
}

#[test]
fn a_long_script_is_read_whole() {
    let calls = 200_000;
    let mut text = String::new();
    for call in 0..calls {
        text += &format!("(seq (call %init_peer_id% (\"op\" \"identity\") [{call}] x{call})\n");
    }
    text += &format!("(null){}", ")".repeat(calls));
    let mut limits = Limits::default();
    limits.script_nesting = calls + 2;
    let parsed = Script::parse(&text, &limits);
    assert_eq!(parsed.diagnostics(), []);
    assert_eq!(parsed.tree().len(), 2 * calls + 1);
}
