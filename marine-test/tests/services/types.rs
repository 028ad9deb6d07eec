//! Every type, there and back, through typed bindings.

use marine_test::marine_test;

#[marine_test(manifest = "types.toml")]
fn values_come_back_equal(every_type: marine_test_env::every_type::ServiceInterface) {
    use marine_test_env::every_type::{Color, Group, Names, Padded, Person, Shape, ShapePolygon};

    macro_rules! same {
        ($($function:ident($value:expr);)*) => {$(
            let value = $value;
            assert_eq!(every_type.modules.echo.$function(value.clone()), value, stringify!($function));
            assert_eq!(every_type.$function(value.clone()), value, "relayed {}", stringify!($function));
        )*};
    }
    let ann = Person { name: "Ann".to_owned(), age: 255, nick_names: vec![String::new(), "🦀".to_owned()] };
    let bob = Person { name: "Bob".to_owned(), ..Person::default() };
    same! {
        echo_bool(true);
        echo_u64(u64::MAX);
        echo_i8(i8::MIN);
        echo_f32(-1.5f32);
        echo_char('ß');
        echo_bytes(vec![0u8, 255]);
        echo_option_option(Some(Some(7u32)));
        echo_option_option(Some(None::<u32>));
        echo_option_list(Some(vec![None, Some("x".to_owned())]));
        echo_results(vec![Ok(Ok(1u32)), Ok(Err(0.5f64)), Err(Ok(())), Err(Err("e".to_owned()))]);
        echo_person(ann.clone());
        echo_group(Group { leader: ann.clone(), members: vec![bob.clone()], deputy: Some(bob.clone()), flag: true });
        echo_padded(Padded { a: 1, b: u64::MAX, c: 2, d: 0.5, e: true, f: -1e300, g: '🦀', h: -128 });
        echo_names(Names { r#type: 1, record: 2, line_2: 3, renamed_here: 4 });
        echo_color(Color::DeepBlue);
        echo_shapes(vec![
            Shape::Empty,
            Shape::Circle(1.5),
            Shape::Line((-1, 0.5)),
            Shape::Polygon(ShapePolygon { points: vec![(0.5, 1.0)], closed: true }),
            Shape::Painted(Color::Red),
        ]);
    }
}

/// One name and one structure is one type, whichever module it comes from.
#[marine_test(manifest = "types.toml")]
fn equal_types_are_one(every_type: marine_test_env::every_type::ServiceInterface) {
    let from_echo = every_type.modules.echo.echo_person(Default::default());
    let same: marine_test_env::every_type::modules::relay::Person = from_echo;
    assert_eq!(every_type.echo_person(same.clone()), same);
}

/// Generated types are usable as Rust's own.
#[marine_test(manifest = "types.toml")]
fn types_derive_what_is_possible(every_type: marine_test_env::every_type::ServiceInterface) {
    use std::collections::HashSet;

    use marine_test_env::every_type::{Color, Person};

    let people: HashSet<Person> = [every_type.echo_person(Person::default()), Person::default()].into();
    assert_eq!(people.len(), 1);
    let json = serde_json::to_value(Person { name: "Ann".to_owned(), age: 1, nick_names: vec![] }).unwrap();
    assert_eq!(json, serde_json::json!({"name": "Ann", "age": 1, "nick_names": []}));
    assert_eq!(serde_json::from_value::<Color>(serde_json::json!("deep_blue")).unwrap(), Color::DeepBlue);
}
