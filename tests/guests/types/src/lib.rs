//! Interface types and the table of functions that the modules `echo` and `relay` share.
//!
//! That they live in a crate of their own is part of the test: types describe themselves, whichever crate they are from.

use marine_sdk::marine;

/// A person.
#[marine]
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Given name.
    pub name: String,
    pub age: u8,
    pub nick_names: Vec<String>,
}

/// A group: records inside of records.
#[marine]
pub struct Group {
    pub leader: Person,
    pub members: Vec<Person>,
    pub deputy: Option<Box<Person>>,
    pub flag: bool,
}

/// Fields of every size, so that padding shows.
#[marine]
pub struct Padded {
    pub a: u8,
    pub b: u64,
    pub c: u16,
    pub d: f32,
    pub e: bool,
    pub f: f64,
    pub g: char,
    pub h: i8,
}

/// Flattens to exactly sixteen core values.
#[marine]
pub struct Sixteen {
    pub a: String,
    pub b: String,
    pub c: String,
    pub d: String,
    pub e: String,
    pub f: String,
    pub g: String,
    pub h: String,
}

/// Flattens to seventeen core values, one too many for parameters.
#[marine]
pub struct Seventeen {
    pub sixteen: Sixteen,
    pub last: u8,
}

/// Names that need care: keywords of Rust and WIT, digits.
#[marine]
pub struct Names {
    pub r#type: u8,
    pub record: u8,
    pub line_2: u8,
    #[marine(name = "renamed-here")]
    pub original: u8,
}

/// A generic record.
#[marine]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<T>,
}

/// Crosses as a `u64`.
#[marine]
#[derive(Clone, Copy)]
pub struct Cents(pub u64);

/// An alias is what it stands for.
pub type Table = Vec<Vec<Option<Cents>>>;

/// Cases without payload.
#[marine]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Color {
    Red,
    /// Like grass.
    Green,
    DeepBlue,
}

/// Cases with and without payload.
#[marine]
pub enum Shape {
    /// Nothing.
    Empty,
    Circle(f32),
    Named(String),
    Line(i64, f64),
    Polygon {
        points: Vec<(f32, f32)>,
        closed: bool,
    },
    Painted(Color),
}

/// A generic variant, with all three kinds of payload.
#[marine]
pub enum Branch<T> {
    Leaf(T),
    Pair(T, T),
    Fork { left: T, others: Vec<T> },
}

/// Cases without content, written in every way that Rust has.
#[marine]
pub enum Bare {
    Unit,
    Tuple(),
    Braces {},
}

/// Names given by hand, also as arguments of a generic type.
#[marine(name = "given-name")]
pub struct Renamed<T> {
    #[marine(name = "inner-value")]
    pub value: T,
}

/// Crosses as a text.
#[marine(as = "String")]
pub struct Version(u16, u16);

impl From<&Version> for String {
    fn from(version: &Version) -> String {
        format!("{}.{}", version.0, version.1)
    }
}

impl From<String> for Version {
    fn from(text: String) -> Version {
        let number = |text: &str| text.parse().unwrap_or_default();
        let (major, minor) = text.split_once('.').unwrap_or((&text, ""));
        Version(number(major), number(minor))
    }
}

/// Calls `$with!` with `name: type,` for every type that is echoed.
#[macro_export]
macro_rules! for_each_type {
    ($with:ident) => {
        $with! {
            echo_bool: bool,
            echo_u8: u8,
            echo_i8: i8,
            echo_u16: u16,
            echo_i16: i16,
            echo_u32: u32,
            echo_i32: i32,
            echo_u64: u64,
            echo_i64: i64,
            echo_f32: f32,
            echo_f64: f64,
            echo_char: char,
            echo_string: String,
            echo_bytes: Vec<u8>,
            echo_list_bool: Vec<bool>,
            echo_list_i64: Vec<i64>,
            echo_list_f32: Vec<f32>,
            echo_list_char: Vec<char>,
            echo_list_string: Vec<String>,
            echo_list_list: Vec<Vec<Vec<u16>>>,
            echo_option_u8: Option<u8>,
            echo_option_u64: Option<u64>,
            echo_option_string: Option<String>,
            echo_option_option: Option<Option<u32>>,
            echo_option_list: Option<Vec<Option<String>>>,
            echo_inner_result: (Result<u8, String>,),
            echo_results: Vec<Result<Result<u32, f64>, Result<(), String>>>,
            echo_join_f32_i32: (Result<f32, i32>, u8),
            echo_join_f64_i32: (Result<f64, i32>, u8),
            echo_join_i64_f32: (Result<i64, f32>, u8),
            echo_join_tuples: (Result<(f32, u64, String), (u64, f64)>, u8),
            echo_tuple_1: (u8,),
            echo_tuple_3: (bool, i64, String),
            echo_tuple_16: (u8, u16, u32, u64, i8, i16, i32, i64, f32, f64, bool, char, u8, u8, u8, u8),
            echo_tuple_spilled: (String, String, String, String, String, String, String, String, u8),
            echo_boxed: Box<u32>,
            echo_person: $crate::Person,
            echo_people: Vec<$crate::Person>,
            echo_group: $crate::Group,
            echo_padded: $crate::Padded,
            echo_list_padded: Vec<$crate::Padded>,
            echo_sixteen: $crate::Sixteen,
            echo_seventeen: $crate::Seventeen,
            echo_names: $crate::Names,
            echo_page: $crate::Page<$crate::Person>,
            echo_page_of_lists: $crate::Page<Vec<u8>>,
            echo_cents: $crate::Cents,
            echo_table: $crate::Table,
            echo_color: $crate::Color,
            echo_colors: Vec<Option<$crate::Color>>,
            echo_shape: $crate::Shape,
            echo_shapes: Vec<$crate::Shape>,
            echo_branch: $crate::Branch<$crate::Color>,
            echo_branches: ($crate::Branch<u8>, $crate::Branch<String>),
            echo_bare: Vec<$crate::Bare>,
            echo_renamed: $crate::Renamed<$crate::Renamed<$crate::Color>>,
            echo_version: $crate::Version,
            echo_versions: Vec<Option<$crate::Version>>,
            echo_array_u8: [u8; 4],
            echo_array_string: [String; 2],
            echo_array_array: [[u16; 2]; 3],
            echo_page_of_arrays: $crate::Page<[u8; 2]>,
            echo_boxed_str: Box<str>,
            echo_boxed_slice: Box<[Box<str>]>,
            echo_cow_str: ::std::borrow::Cow<'static, str>,
            echo_cow_slice: ::std::borrow::Cow<'static, [u32]>,
            echo_deque: ::std::collections::VecDeque<String>,
            echo_set: ::std::collections::BTreeSet<i16>,
            echo_hash_set: ::std::collections::HashSet<String>,
            echo_map: ::std::collections::BTreeMap<String, u32>,
            echo_hash_map: ::std::collections::HashMap<u32, $crate::Person>,
            echo_map_by_color: ::std::collections::HashMap<$crate::Color, Vec<u8>>,
            echo_map_of_maps: ::std::collections::BTreeMap<u8, ::std::collections::HashMap<String, Option<bool>>>,
            echo_http_error: marine_sdk::http::HttpError,
            echo_binary_result: marine_sdk::MountedBinaryResult,
        }
    };
}
