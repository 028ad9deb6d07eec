//! Decoding of the items section: everything that can be written is read back, everything else is refused without harm.

use marine_build::encode::{Case, Items, ItemsError, ModuleInfo, Requirement, SECTION, Type};
use proptest::prelude::*;

use crate::section::{encode, export, import, record};

fn decode(section: &[u8]) -> Result<Items, ItemsError> {
    let mut items = Items::default();
    items.decode(section)?;
    Ok(items)
}

/// Items of every kind and type.
fn sample() -> Items {
    let line = record("Line", &[("item", Type::String), ("cents", Type::U64)]);
    let case = |name: &str, ty| Case { name: name.into(), docs: "A case.".into(), ty };
    let color = Type::Enum("Color".into(), "Bare.".into(), vec![case("Red", Type::Unit), case("Blue", Type::Unit)]);
    let shape = Type::Variant("Shape".into(), String::new(), vec![case("Dot", Type::Unit), case("Line", line.clone())]);
    let all = vec![
        Type::List(Box::new(line.clone())),
        Type::Option(Box::new(color)),
        Type::Result(Box::new(Type::Unit), Box::new(Type::String)),
        Type::Fixed(3, Box::new(Type::F32)),
        Type::Char,
        Type::S8,
    ];
    let info = ModuleInfo { name: "till".into(), version: "1.2.3".into(), sdk: "0.1.0".into(), ..Default::default() };
    Items {
        exports: vec![
            export("total", &[("lines", Type::Tuple(all)), ("_x", shape)], Type::Unit),
            export("b", &[], Type::U8),
        ],
        imports: vec![import("stock", "reserve", &[("item", Type::String)], line)],
        info: Some(info),
        binaries: vec!["curl".into()],
        requirements: vec![Requirement { source: "stock".into(), version: "^1.2".into() }],
    }
}

#[test]
fn what_is_written_is_read_back() {
    assert_eq!(decode(&encode(&sample())), Ok(sample()));
}

#[test]
fn a_section_that_breaks_off_is_refused() {
    let whole = encode(&sample());
    let read = decode(&whole).unwrap();
    for length in 0..whole.len() {
        // Cut between two entries, it is a shorter section; anywhere else, an error.
        match decode(&whole[..length]) {
            Ok(items) => assert!(items != read, "{length}"),
            Err(error) => assert!(matches!(error, ItemsError::Truncated(_)), "{length}: {error}"),
        }
    }
}

#[test]
fn unknown_and_excessive_content_is_refused() {
    let entry = |bytes: &[u8]| [&(bytes.len() as u32).to_le_bytes(), bytes].concat();
    let text = [0, 0, 0, 0];
    let head = |kind| [&[1, kind][..], &text, &text, &text].concat();
    let nested = |depth: usize| [&head(0)[..], &[0], &vec![14; depth], &[1]].concat();
    assert!(matches!(decode(&entry(&[2, 0])), Err(ItemsError::Unknown { what: "version", value: 2, .. })));
    assert!(matches!(decode(&entry(&[1, 9])), Err(ItemsError::Unknown { what: "kind", value: 9, .. })));
    let unknown = [&head(0)[..], &[0, 77]].concat();
    assert!(matches!(decode(&entry(&unknown)), Err(ItemsError::Unknown { what: "type", value: 77, .. })));
    assert!(matches!(decode(&entry(&nested(10_000))), Err(ItemsError::Limit { .. })));
    assert!(decode(&entry(&nested(60))).is_ok());
    let left_over = [&head(0)[..], &[0, 0, 1, 2]].concat();
    assert!(matches!(decode(&entry(&left_over)), Err(ItemsError::LeftOver(_, 2))));
    let not_text = [&[1, 0, 1, 0, 0, 0, 0xff][..], &text, &text, &[0, 0]].concat();
    assert!(matches!(decode(&entry(&not_text)), Err(ItemsError::NotUtf8(_))));
    let many = entry(&[&head(0)[..], &[0, 0]].concat()).repeat(5000);
    assert!(matches!(decode(&many), Err(ItemsError::Limit { .. })));
}

#[test]
fn one_description_of_the_module_is_enough() {
    let info =
        |name: &str| Items { info: Some(ModuleInfo { name: name.into(), ..Default::default() }), ..Default::default() };
    let twice = [encode(&info("a")), encode(&info("b"))].concat();
    assert_eq!(decode(&twice), Err(ItemsError::TwoInfos("a".into(), "b".into())));
    let same = [encode(&info("a")), encode(&info("a"))].concat();
    assert_eq!(decode(&same), Ok(info("a")));
}

proptest! {
    #[test]
    fn garbage_is_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
        let _ = Items::of_module(&bytes);
    }

    #[test]
    fn damage_is_refused_or_read(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = encode(&sample());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(items) = decode(&bytes) {
            prop_assert_eq!(encode(&items).len(), bytes.len());
        }
    }
}

#[test]
fn a_component_is_no_core_module() {
    let error = Items::of_module(b"\0asm\x0d\0\x01\0").unwrap_err();
    assert_eq!(error, ItemsError::Module("it is a component already".into()));
    assert_eq!(Items::of_module(b"\0asm\x01\0\0\0"), Ok(Items::default()), "a module without section {SECTION}");
}
