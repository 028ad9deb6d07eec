//! Aqua: from text to scripts, in process. `cargo bench -p marine-aqua`.
//!
//! Demands: ten lines in 2 ms; 2,200 lines with 200 exported functions in 100 ms and 50 MB (the column `max alloc`); time linear
//! in the source. How large scripts are is asserted by a test (`tests/it/cases.rs`).

use std::fmt::Write;
use std::sync::Arc;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use marine_aqua::diagnostic::FileId;
use marine_aqua::{Options, Output, SourceError, Sources, check, compile, fmt, syntax};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

struct One(Arc<str>);

impl Sources for One {
    fn text(&self, path: &str) -> Option<Result<Arc<str>, SourceError>> {
        (path == "main.aqua").then(|| Ok(self.0.clone()))
    }
}

const TEN_LINES: &str = "\
aqua Hello
export hello
service Hello(\"hello\"):
  greet(name: string) -> string
func hello(name: string, peers: []string) -> []string:
  res: *string
  for p <- peers par:
    on p:
      res <- Hello.greet(name)
  <- res
";

/// So many exported functions of eleven lines each.
fn functions(count: usize) -> String {
    let mut text = String::from("aqua Many declares *\nexport f0");
    (1..count).for_each(|index| write!(text, ", f{index}").expect("a text takes all"));
    text.push_str("\n\nservice Kv(\"kv\"):\n  get(key: string) -> string\n  put(key: string, value: string)\n");
    for index in 0..count {
        write!(
            text,
            "\nfunc f{index}(p: string, r: string, ps: []string, k: string) -> []string, string:\n  \
             res: *string\n  on p via r:\n    v <- Kv.get(k)\n  for x <- ps par:\n    on x:\n      res <- Kv.get(v)\n  \
             if v == k:\n    Kv.put(\"same\", v)\n  <- res, v\n",
        )
        .expect("a text takes all");
    }
    text
}

fn sources(text: String) -> One {
    One(text.into())
}

fn compiled(sources: &One) -> Output {
    let output = compile("main.aqua", sources, &Options::default());
    assert!(!output.has_errors(), "the program is right");
    output
}

#[divan::bench]
fn ten_lines(bencher: Bencher) {
    let sources = sources(TEN_LINES.to_owned());
    bencher.bench_local(|| compiled(&sources));
}

/// The bundled library comes with it.
#[divan::bench]
fn ten_lines_and_the_library(bencher: Bencher) {
    let sources = sources(TEN_LINES.replace("export", "import \"aqua-lib/builtin.aqua\"\nexport"));
    bencher.bench_local(|| compiled(&sources));
}

/// 200 functions are 2,200 lines.
#[divan::bench(args = [50, 100, 200, 400])]
fn eleven_lines_each(bencher: Bencher, count: usize) {
    let sources = sources(functions(count));
    bencher.counter(BytesCount::of_str(&sources.0)).bench_local(|| compiled(&sources));
}

/// The stages of 2,200 lines.
mod stage {
    use super::*;

    #[divan::bench]
    fn parse(bencher: Bencher) {
        let text = functions(200);
        bencher.bench_local(|| syntax::parse(FileId(0), &text));
    }

    /// What an editor does at each key.
    #[divan::bench]
    fn checks(bencher: Bencher) {
        let sources = sources(functions(200));
        bencher.bench_local(|| check("main.aqua", &sources, &Options::default()));
    }

    #[divan::bench]
    fn format(bencher: Bencher) {
        let text = functions(200);
        bencher.bench_local(|| fmt::format(&text));
    }
}

/// Sizes that grow by two: time should grow by no more than 2.3.
mod growth {
    use super::*;

    /// Statements in a row.
    #[divan::bench(args = [250, 500, 1000, 2000])]
    fn statements(bencher: Bencher, count: usize) {
        let mut text =
            String::from("aqua Row\nexport f\nservice Kv(\"kv\"):\n  get(key: string) -> string\nfunc f(p: string):\n");
        for index in 0..count {
            write!(text, "  on p:\n    v{index} <- Kv.get(\"k\")\n").expect("a text takes all");
        }
        let sources = sources(text);
        bencher.bench_local(|| compiled(&sources));
    }

    /// Blocks in blocks.
    #[divan::bench(args = [15, 30, 60, 120])]
    fn nesting(bencher: Bencher, depth: usize) {
        let mut text = String::from(
            "aqua Deep\nexport f\nservice Kv(\"kv\"):\n  put(key: string)\nfunc f(p: string, q: string):\n",
        );
        for level in 0..depth {
            let peer = if level % 2 == 0 { "p" } else { "q" };
            writeln!(text, "{:width$}on {peer}:", "", width = level + 2).expect("a text takes all");
        }
        writeln!(text, "{:width$}Kv.put(\"k\")", "", width = depth + 2).expect("a text takes all");
        let sources = sources(text);
        bencher.bench_local(|| compiled(&sources));
    }

    /// Calls that are expanded: the output grows, the source does not.
    #[divan::bench(args = [6, 7, 8, 9])]
    fn output(bencher: Bencher, levels: usize) {
        let mut text = String::from(
            "aqua Calls\nexport f\nservice Kv(\"kv\"):\n  put(key: string)\nfunc g0(p: string):\n  on p:\n    Kv.put(\"k\")\n",
        );
        for level in 0..levels {
            write!(text, "func g{}(p: string):\n  g{level}(p)\n  g{level}(p)\n", level + 1).expect("a text takes all");
        }
        write!(text, "func f(p: string):\n  g{levels}(p)\n").expect("a text takes all");
        let sources = sources(text);
        bencher.bench_local(|| compiled(&sources));
    }
}
