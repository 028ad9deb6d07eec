//! What a checked script tells the executor: scopes, the fold of a `next`, definitions.

use std::sync::Arc;

use marine_air::check::ScopeKind;
use marine_air::syntax::{NodeId, Severity, parse, print_script};
use marine_air::{Limits, Script};

fn script(text: &str) -> Arc<Script> {
    Script::parse(text, &Limits::default()).script().unwrap()
}

/// Nodes: 0 seq, 1 ap, 2 fold i, 3 new t, 4 fold j, 5 seq, 6 ap, 7 next j, 8 next i.
const NESTED: &str = "(seq (ap [] xs) (fold xs i (new t (fold xs j (seq (ap j t) (next j)) (next i)))))";

#[test]
fn scopes_are_found_from_inside_out() {
    let script = script(NESTED);
    let scopes = script.scopes();
    let around = |node| scopes.around(NodeId(node)).map(|scope| scope.node.0).collect::<Vec<_>>();
    assert_eq!(around(0), [0_u32; 0]);
    assert_eq!(around(2), [0_u32; 0]);
    assert_eq!(around(3), [2]);
    assert_eq!(around(6), [4, 3, 2]);
    assert_eq!(around(8), [4, 3, 2]);
    assert_eq!(scopes.folds(NodeId(6)), [NodeId(2), NodeId(4)]);
    assert_eq!(scopes.folds(NodeId(1)), [NodeId(0); 0]);
    assert_eq!((scopes.fold(NodeId(4)), scopes.fold_depth(NodeId(6))), (Some(NodeId(2)), 2));
    let t = script.tree().find_name("t").unwrap();
    let binder = scopes.binder(NodeId(6), t).unwrap();
    assert_eq!((binder.node, binder.kind), (NodeId(3), ScopeKind::New));
    assert_eq!(scopes.binder(NodeId(1), t), None);
}

#[test]
fn a_next_knows_its_fold() {
    let script = script(NESTED);
    let scopes = script.scopes();
    assert_eq!(scopes.fold_of_next(NodeId(7)), Some(NodeId(4)));
    assert_eq!(scopes.fold_of_next(NodeId(8)), Some(NodeId(2)));
    assert_eq!(scopes.fold_of_next(NodeId(6)), None);
    assert_eq!(scopes.next_of_fold(NodeId(2)), Some(NodeId(8)));
    assert_eq!(scopes.next_of_fold(NodeId(4)), Some(NodeId(7)));
}

#[test]
fn definitions_are_listed_by_name() {
    let script = script(
        "(seq (ap 1 x) (xor (call %init_peer_id% (\"s\" \"f\") [x] y) (call %init_peer_id% (\"s\" \"g\") [] y)))",
    );
    let definitions = |name| script.definitions(script.tree().find_name(name).unwrap());
    assert_eq!(definitions("x"), [NodeId(1)]);
    assert_eq!(definitions("y"), [NodeId(3), NodeId(4)]);
}

#[test]
fn children_and_parents() {
    let script = script(NESTED);
    let tree = script.tree();
    let children = |node| tree.children(NodeId(node)).map(|child| child.0).collect::<Vec<_>>();
    assert_eq!(children(0), [1, 2]);
    assert_eq!(children(4), [5, 8]);
    assert_eq!(children(1), [0_u32; 0]);
    assert_eq!((tree.first_child(NodeId(4)), tree.second_child(NodeId(4))), (Some(NodeId(5)), Some(NodeId(8))));
    assert_eq!(tree.parent(NodeId(8)), Some(NodeId(4)));
    assert!(tree.is_first_child(NodeId(5)) && !tree.is_first_child(NodeId(8)));
    assert_eq!(tree.subtree_end(NodeId(5)), NodeId(8));
}

#[test]
fn a_script_with_errors_is_refused_with_all_of_them() {
    let error = Script::parse("(seq (ap x y)\n (fail 0 \"\"))", &Limits::default()).script().unwrap_err();
    insta::assert_snapshot!(error, @"
    the script has 2 errors:
    1:10: error[A020]: variable 'x' wasn't defined
    2:8: error[A025]: error code 0 with fail is unsupported
      help: 0 means no error
    ");
}

/// What the existing Aqua compiler emitted for each construct of its language.
#[test]
fn scripts_of_the_aqua_compiler_have_no_errors() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/aqua");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let parsed = Script::parse(&text, &Limits::default());
        let errors: Vec<_> =
            parsed.diagnostics().iter().filter(|finding| finding.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        assert_eq!(parse(&print_script(parsed.tree()), &Limits::default()).0, *parsed.tree(), "{}", path.display());
        count += 1;
    }
    assert!(count > 50, "{count} scripts");
}
