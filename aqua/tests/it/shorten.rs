//! Scripts in the notation of the worked examples.

/// The script in the notation of the specification's examples: hops and the init peer short, no balancing of sequences,
/// without relay, arguments and the handler around all.
pub(crate) fn shorten(air: &str) -> String {
    let short = air.replace("(new $-h (new #-h (canon ", "(hop ").replace(" $-h #-h)))", ")");
    let mut spaced = String::with_capacity(short.len());
    for c in short.chars() {
        // `)[a]r` as `) [a] r`
        if (spaced.ends_with(')') && c == '[') || (spaced.ends_with(']') && (c.is_alphanumeric() || c == '-')) {
            spaced.push(' ');
        }
        spaced.push(c);
    }
    let short = spaced.replace("%init_peer_id%", "I").replace("-relay-", "R");
    let tree = Sexp::parse(&short);
    let mut tree = tree.flat();
    if let Sexp::List(items) = &tree
        && items.len() == 3
        && items[0] == Sexp::Word("xor".into())
    {
        tree = items[1].clone();
    }
    tree.drop_arguments();
    let mut out = String::new();
    tree.layout(0, &mut out);
    out
}

#[derive(Clone, Debug, PartialEq)]
enum Sexp {
    Word(String),
    List(Vec<Sexp>),
}

impl Sexp {
    fn parse(text: &str) -> Self {
        let mut stack: Vec<Vec<Sexp>> = vec![Vec::new()];
        let mut word = String::new();
        let mut quoted = false;
        for c in text.chars() {
            match c {
                '"' => {
                    quoted = !quoted;
                    word.push(c);
                }
                '(' | ')' | ' ' if !quoted => {
                    if !word.is_empty() {
                        stack.last_mut().expect("parentheses match").push(Sexp::Word(std::mem::take(&mut word)));
                    }
                    if c == '(' {
                        stack.push(Vec::new());
                    } else if c == ')' {
                        let list = stack.pop().expect("parentheses match");
                        stack.last_mut().expect("parentheses match").push(Sexp::List(list));
                    }
                }
                c => word.push(c),
            }
        }
        stack.pop().expect("parentheses match").remove(0)
    }

    fn flat(self) -> Self {
        let Sexp::List(items) = self else { return self };
        let items: Vec<Sexp> = items.into_iter().map(Sexp::flat).collect();
        let Some(Sexp::Word(head)) = items.first().cloned() else { return Sexp::List(items) };
        if head != "seq" && head != "par" {
            return Sexp::List(items);
        }
        let mut flat = vec![items[0].clone()];
        for item in items.into_iter().skip(1) {
            match item {
                Sexp::List(inner) if inner.first() == Some(&Sexp::Word(head.clone())) => {
                    flat.extend(inner.into_iter().skip(1));
                }
                other => flat.push(other),
            }
        }
        Sexp::List(flat)
    }

    fn drop_arguments(&mut self) {
        let Sexp::List(items) = self else { return };
        let is_fetch = |item: &Sexp| matches!(item, Sexp::List(words) if words[0] == Sexp::Word("call".into()) && words[2].print().contains("getDataSrv"));
        items.retain(|item| !is_fetch(item));
        items.iter_mut().for_each(Sexp::drop_arguments);
    }

    fn print(&self) -> String {
        match self {
            Sexp::Word(word) => word.clone(),
            Sexp::List(items) => format!("({})", items.iter().map(Sexp::print).collect::<Vec<_>>().join(" ")),
        }
    }

    fn layout(&self, indent: usize, out: &mut String) {
        let line = self.print();
        if indent + line.len() <= 110 {
            return out.push_str(&line);
        }
        let Sexp::List(items) = self else { return out.push_str(&line) };
        out.push('(');
        for (index, item) in items.iter().enumerate() {
            match item {
                Sexp::Word(word) => {
                    if index > 0 {
                        out.push(' ');
                    }
                    out.push_str(word);
                }
                list => {
                    out.push('\n');
                    out.push_str(&" ".repeat(indent + 1));
                    list.layout(indent + 1, out);
                }
            }
        }
        out.push(')');
    }
}
