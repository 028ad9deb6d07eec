//! [`Code`]: the table of everything this compiler can find.
//!
//! The page `docs/error-codes.md`, which `marine explain` reads, has the same rows; a test compares them.

use std::fmt;

use super::Severity;

/// The stable number of a kind of finding, printed as `A1404`. Never used for another meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

/// What a code means in general; messages carry the particulars.
#[derive(Clone, Copy, Debug)]
pub struct CodeInfo {
    /// The code.
    pub code: Code,
    /// What is wrong.
    pub title: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

impl Code {
    /// How grave findings of this code are.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            // Published libraries still have the old header, and they must compile as they are.
            Self::OLD_HEADER => Severity::Warning,
            Self(1900..) => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What the code means.
    #[must_use]
    pub fn info(self) -> Option<&'static CodeInfo> {
        Self::ALL.iter().find(|info| info.code == self)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A{}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

macro_rules! codes {
    ($($number:literal $name:ident $title:literal $remedy:literal)*) => {
        impl Code {
            $(#[doc = concat!("A", stringify!($number), ": ", $title, ".")]
            pub const $name: Self = Self($number);)*

            /// Every code, in ascending order.
            pub const ALL: &[CodeInfo] = &[
                $(CodeInfo { code: Self::$name, title: $title, remedy: $remedy },)*
            ];
        }
    };
}

codes! {
    // Characters, layout
    1001 CHARACTER "a character that Aqua does not use"
        "remove it, or put it into a string or comment"
    1002 STRING_OPEN "a string without its closing quote"
        "close it with `\"`; strings have no escapes"
    1003 NUMBER "a number in a form that Aqua does not have"
        "write decimal digits without leading zeros, exponent or `_`"
    1004 LITERAL_WIDTH "a literal that AIR cannot carry"
        "integers must lie in `i64`, floats print in at most 11 characters; pass the value as an argument"
    1005 INDENT "a line whose indent belongs to no open block"
        "give it exactly the indent of the block it should be in"
    1006 INDENT_UNEXPECTED "a line that is indented although no block was opened"
        "take the indent away, or end the line above with `:`"
    1007 BLOCK_EMPTY "a block without content"
        "write its body on the following lines, indented"
    1008 TABS "tabs and spaces that do not line up"
        "indent the whole file with spaces: `marine aqua fmt`"
    1009 TOO_BIG "nested too deeply, or a file that is too long"
        "split it into functions or files"
    // Grammar
    1101 UNEXPECTED "a token that does not fit here"
        "see what the message expects"
    1102 COLON_MISSING "`:` is missing before a block"
        "end the line with `:`"
    1103 AFTER_RETURN "a line after the return"
        "`<-` ends a function: move the line above it"
    1104 RETURN_IN_BLOCK "`<-` inside a nested block"
        "collect the result in a stream and return it at the end of the function"
    1105 PAR_FIRST "`par` without a statement before it"
        "start with the plain statement and write `par` before those that run beside it"
    1106 ORPHAN "`else`, `catch` or `otherwise` without the statement it belongs to"
        "put it directly below that statement, with the same indent"
    1107 HEADER_LATE "an import, use or export after a declaration"
        "move it up, below the header"
    1108 NAME_CASE "a name that begins with the wrong letter case"
        "functions, fields and arguments begin with a lower-case letter, types, services and abilities with an upper-case one"
    1109 OLD_HEADER "the old spelling of the header"
        "write `aqua` for `module`"
    // Modules
    1200 HEADER_MISSING "a file without header"
        "begin it with `aqua Name declares *`"
    1201 FILE_NOT_FOUND "an imported file that is nowhere"
        "correct the path, or add a location with `--import` or `[aqua.imports]`"
    1202 IMPORT_CYCLE "files that import each other in a ring"
        "move what they share into a file of its own"
    1203 IMPORT_CLASH "two imports give one name to different things"
        "rename one: `import a as b from \"..\"`, or `use` it behind a module name"
    1204 NOT_DECLARED "a name that its module does not declare"
        "add it to `declares` in the header of that module"
    1205 DECLARED_MISSING "the header declares a name that does not exist"
        "define it, or take it off the list"
    1206 NOT_EXPORTABLE "something that clients cannot call"
        "export functions of data arguments and results, and services"
    1207 CONST_OUTSIDE "a constant given from outside that does not fit"
        "give a value of the type of its `?=` default"
    // Names
    1301 NAME_UNKNOWN "a name that is not in scope"
        "define it above, pass it as an argument, or import it"
    1302 TYPE_UNKNOWN "a type that is not in scope"
        "define or import it"
    1303 DEFINED_TWICE "a name that is taken already"
        "choose another name: names are never reassigned"
    1304 RECURSION "a function that calls itself"
        "functions are expanded where they are called: loop over a stream with `for .. rec`"
    1305 DATA_RECURSION "a data type that contains itself"
        "refer to the other value by a key"
    1306 OUT_OF_SCOPE "a name that ended with its block"
        "declare a stream before the block and push to it"
    1307 MEMBER_UNKNOWN "a field, function or module member that does not exist"
        "correct the name, or declare the member"
    // Types
    1401 TYPES "a value of another type than is wanted here"
        "convert it, or change one of the declarations"
    1402 ARGUMENTS "a call with too many or too few arguments"
        "give what the signature in the message wants"
    1403 RESULTS "more names left of `<-` than results, or results that do not match the head"
        "take as many as there are"
    1404 RANGE "an integer literal outside its type"
        "choose a type that holds it"
    1405 NOT_COMPARABLE "values that cannot be compared"
        "compare values of one type"
    1406 NOT_ITERABLE "a loop over something that is no collection"
        "loop over an array, option, stream or stream map"
    1407 NOT_A_STREAM "a push to something that is no stream"
        "declare it as one: `name: *T`"
    1408 OPTION_INDEX "an index above 0 on an option"
        "an option holds at most one element: `o!`"
    1409 FIELDS "fields that do not match the struct or ability"
        "name exactly its fields"
    1410 OPERATOR "an operator that does not take these types"
        "operators work on numbers and bools; `Op.concat_strings` joins texts"
    1411 NOT_CALLABLE "a call of something that is no function"
        "call functions, closures, and members of services and abilities"
    1412 STREAM_INSIDE "a collection, option or struct of streams"
        "put the frozen content inside: `[]T`"
    1413 CONDITION "a condition that is no `bool`"
        "compare it with something"
    1414 PEER "a place or relay that is no peer id"
        "give a `string`, or for `via` a collection of them"
    1415 RETURN_MISSING "a function whose head promises results that its body does not return"
        "end it with `<- value`"
    // Services
    1501 SERVICE_ID "a service without id"
        "give one above the call: `Srv \"id\"`"
    1502 INTERFACE_DIFFERS "a declaration that does not agree with the built service"
        "paste the line of the message"
    1503 FUNCTION_GONE "a declared function that the built service does not have"
        "remove or rename it"
    1504 COMPONENT_MISSING "a service that is not built yet"
        "run the command of the message"
    1505 SEVERAL_RESULTS "a service function with more than one result"
        "return one value: a record or an array"
    // Output
    1601 OUTPUT_SIZE "a function whose script is too long"
        "calls are expanded: call less often, or raise `--max-air`"
    // Warnings
    1901 RESULT_DROPPED "a result that nobody takes"
        "take it, or write `_ <-`"
    1902 IMPORT_UNUSED "an import that is not used"
        "remove it"
    1903 WAITS_FOREVER "a wait for an element that never comes"
        "wait for fewer, or test `length`"
    1904 CLIENT_DIRECT "a client is addressed directly from another peer"
        "go through its relay: `on INIT_PEER_ID via HOST_PEER_ID:`"
    1905 NEVER_EQUAL "a comparison of integer and float: JSON `1` and `1.0` differ"
        "compare values of one type"
    1906 TOP_ELEMENTS "a collection whose elements have no type in common"
        "use elements of one type"
    1907 FIELD_UNKNOWN "a struct literal with a field that its type does not have"
        "remove it or correct its name"
    1908 RESULT_I64 "arithmetic without a type that holds both operands: the result is `i64`"
        "use operands of like sign"
    1911 MAYBE_UNSET "a name that may never get a value"
        "push to a stream on every path"
    1912 NOT_OFFERED "a service that nodes do not offer any more"
        "see the message for what replaces it"
    1913 OLD_INDEX "the old spelling of an index"
        "write `x[2]` for `x!2`"
    1914 CONST_UNKNOWN "a constant from outside that no file has"
        "correct the name; only `?=` constants can be set"
    1915 FOLDED_RANGE "constant arithmetic outside its type"
        "use a wider type"
    1916 PUSH_WIDER "a stream is passed where wider elements may be pushed"
        "give both streams one type"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn the_book_lists_every_code() {
        let page = include_str!("../../../docs/error-codes.md");
        for CodeInfo { code, title, remedy } in Code::ALL {
            let row = format!("| {code} | {title} | {remedy} |");
            assert!(page.contains(&row), "docs/error-codes.md lacks the row `{row}`");
        }
        let listed = page.lines().filter(|line| line.starts_with("| A1")).count();
        assert_eq!(listed, Code::ALL.len(), "docs/error-codes.md has rows that no code stands for");
    }
}
