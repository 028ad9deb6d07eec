//! A trace as a sequence diagram in SVG: a lifeline per peer, a box per call where it was executed, an arrow for each way the
//! particle took.
//!
//! Nothing overlaps whatever the texts are: every event has a height of its own, and a lifeline has the width of the widest
//! box on it. Colours follow the scheme of who looks at it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Trace;
use super::order::{Event, events};
use super::rows::{Row, RowState};
use super::text::{Values, frame};

/// What a character of the monospaced font takes, in pixels; a little more than most fonts have.
const CHAR: usize = 8;
const MARGIN: usize = 20;
/// Left of the lifelines: the places in the script. Right of them: the signatures.
const GUTTER: usize = 72;
const LINE: usize = 17;
const BOX_PADDING: usize = 8;
const GAP: usize = 14;
const HEAD: usize = 104;
/// Characters of a peer's name.
const NAME_WIDTH: usize = 24;
/// Characters in a tooltip.
const TITLE_WIDTH: usize = 4000;

const STYLE: &str = "\
.back{fill:#fff}text{font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#1f2328}\
.bold{font-weight:bold}.quiet{fill:#59636e;font-size:12px}.name{text-anchor:middle;font-weight:bold}.end{text-anchor:end}\
.life{stroke:#d1d9e0;stroke-width:2}.head{fill:#f6f8fa;stroke:#8c959f}\
.move{stroke:#0969da;stroke-width:1.5;fill:none}.tip{fill:#0969da}\
.ok{fill:#e6f4ea;stroke:#2da44e}.failed{fill:#fdeceb;stroke:#cf222e}.seen{fill:#f1ebfc;stroke:#8250df}\
.waiting{fill:#f6f8fa;stroke:#8c959f;stroke-dasharray:5 3}.void{fill:#fff3dc;stroke:#9a6700}.fail{fill:#b3202b}\
@media(prefers-color-scheme:dark){.back{fill:#0d1117}text{fill:#e6edf3}.quiet{fill:#9198a1}\
.life{stroke:#3d444d}.head{fill:#151b23;stroke:#656c76}.move{stroke:#4493f8}.tip{fill:#4493f8}\
.ok{fill:#12261a;stroke:#3fb950}.failed{fill:#2d1517;stroke:#f85149}.seen{fill:#211a33;stroke:#ab7df8}\
.waiting{fill:#151b23;stroke:#656c76}.void{fill:#2a2110;stroke:#d29922}.fail{fill:#ff7b72}}";

impl Trace {
    /// The trace as a sequence diagram.
    ///
    /// What it shows in which order: each peer's entries in the order of its log, calls after the particle was sent to their
    /// peers; otherwise the order of the script.
    #[must_use]
    pub fn svg(&self) -> String {
        let events = events(&self.rows);
        let boxes: Vec<Option<Box>> = self.rows.iter().map(|row| Some(self.boxed(row))).collect();
        let columns = Columns::of(self, &events, &boxes);
        let mut picture = Picture { trace: self, columns, boxes, body: String::new(), y: HEAD + GAP };
        events.iter().for_each(|event| picture.draw(event));
        picture.finish()
    }

    /// What the box of a row says.
    fn boxed(&self, row: &Row) -> Box {
        let class = match &row.state {
            RowState::Ok { .. } => "ok",
            RowState::Seen { .. } => "seen",
            RowState::Failed { .. } => "failed",
            RowState::Waiting { .. } | RowState::Unreached => "waiting",
            RowState::Void { .. } => "void",
        };
        let iterations: Vec<String> = row.frames.iter().map(|of| frame(of, Values::Short)).collect();
        let state = self.state(&row.state, Values::Short);
        Box {
            class,
            iterations: iterations.join("  "),
            call: self.call(row, Values::Short),
            state: state.strip_prefix("ok ").map_or(state.clone(), |value| format!("→ {value}")),
            title: format!("{}\n{}", self.call(row, Values::Full), self.state(&row.state, Values::Full)),
        }
    }
}

struct Box {
    class: &'static str,
    iterations: String,
    call: String,
    state: String,
    title: String,
}

impl Box {
    fn width(&self) -> usize {
        let texts = [&self.iterations, &self.call, &self.state];
        texts.map(|text| text.chars().count()).into_iter().max().unwrap_or(0) * CHAR + 2 * BOX_PADDING
    }

    fn height(&self) -> usize {
        let lines = if self.iterations.is_empty() { 2 } else { 3 };
        lines * LINE + 2 * BOX_PADDING
    }
}

/// The peers, in the order in which they take part, with the middles of their lifelines.
struct Columns {
    middles: BTreeMap<String, usize>,
    end: usize,
}

/// The lifeline of calls whose peer is not known.
const UNKNOWN: &str = "?";

impl Columns {
    fn of(trace: &Trace, events: &[Event], boxes: &[Option<Box>]) -> Self {
        let mut order = vec![trace.init.clone()];
        let mut widths: BTreeMap<String, usize> = BTreeMap::new();
        let mut add = |peer: &str, width: usize| {
            if !order.iter().any(|known| known == peer) {
                order.push(peer.to_owned());
            }
            let widest = widths.entry(peer.to_owned()).or_default();
            *widest = width.max(*widest);
        };
        for event in events {
            match event {
                Event::Row(row) => {
                    let width = boxes[*row].as_ref().map_or(0, Box::width);
                    add(peer_of(&trace.rows[*row]), width);
                }
                Event::Move { from, to } => [from, to].into_iter().for_each(|peer| add(peer, 0)),
            }
        }
        let mut start = MARGIN + GUTTER;
        let mut middles = BTreeMap::new();
        for peer in order {
            let name = trace.column_name(&peer).chars().count() * CHAR + 2 * BOX_PADDING;
            let width = widths.get(&peer).copied().unwrap_or(0).max(name);
            middles.insert(peer, start + width / 2);
            start += width + 2 * GAP;
        }
        Self { middles, end: start }
    }

    fn middle(&self, peer: &str) -> usize {
        self.middles.get(peer).copied().unwrap_or(self.end)
    }
}

fn peer_of(row: &Row) -> &str {
    row.peer.as_deref().unwrap_or(UNKNOWN)
}

struct Picture<'t> {
    trace: &'t Trace,
    columns: Columns,
    boxes: Vec<Option<Box>>,
    body: String,
    y: usize,
}

impl Picture<'_> {
    fn draw(&mut self, event: &Event) {
        match event {
            Event::Move { from, to } => self.arrow(from, to),
            Event::Row(row) => {
                if let Some(content) = self.boxes[*row].take() {
                    self.row(&self.trace.rows[*row], &content);
                }
            }
        }
    }

    fn arrow(&mut self, from: &str, to: &str) {
        let (start, end, y) = (self.columns.middle(from), self.columns.middle(to), self.y + GAP / 2);
        let (tip, back) = if start < end { (end - 1, end - 9) } else { (end + 1, end + 9) };
        let (upper, lower) = (y - 4, y + 4);
        self.add(format_args!("<path class=\"move\" d=\"M{start} {y}H{back}\"/>"));
        self.add(format_args!("<path class=\"tip\" d=\"M{tip} {y}L{back} {upper}V{lower}Z\"/>"));
        self.y += GAP + 6;
    }

    fn row(&mut self, row: &Row, content: &Box) {
        let (width, height, y) = (content.width(), content.height(), self.y);
        let left = self.columns.middle(peer_of(row)) - width / 2;
        let class = content.class;
        self.add(format_args!("<g><title>{}</title>", escaped(&cut(&content.title, TITLE_WIDTH))));
        self.add(format_args!(
            "<rect class=\"{class}\" x=\"{left}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"5\"/>"
        ));
        let mut baseline = y + BOX_PADDING + 12;
        let is_bad = matches!(class, "failed" | "void");
        let state = if is_bad { "fail" } else { "" };
        for (text, class) in [(&content.iterations, "quiet"), (&content.call, ""), (&content.state, state)] {
            if !text.is_empty() {
                self.text(left + BOX_PADDING, baseline, class, text);
                baseline += LINE;
            }
        }
        self.add(format_args!("</g>"));
        let middle = y + height / 2 + 4;
        self.text(MARGIN, middle, "quiet", &format!("{}:{}", row.line, row.column));
        if let Some(signed) = &row.signed {
            let end = self.columns.end + GUTTER;
            self.text(end, middle, "quiet end", &format!("{}/{}", signed.entry, signed.length));
        }
        self.y += height + GAP;
    }

    fn finish(mut self) -> String {
        let body = std::mem::take(&mut self.body);
        let (end, bottom) = (self.columns.end + GUTTER, self.y + GAP);
        self.heads(bottom);
        let heads = std::mem::take(&mut self.body);
        let titles = self.trace.titles();
        let longest = titles.iter().map(|line| line.chars().count()).max().unwrap_or(0) * CHAR;
        let (width, height) = (end.max(longest + MARGIN) + MARGIN, bottom + GAP + LINE);
        for (index, line) in titles.iter().enumerate() {
            let class = if index == 0 { "bold" } else { "quiet" };
            let y = if index == 2 { height - MARGIN + 6 } else { MARGIN + 8 + index * 20 };
            self.text(MARGIN, y, class, line);
        }
        self.text(MARGIN, HEAD - 12, "quiet", "at");
        self.text(end, HEAD - 12, "quiet end", "signed");
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\">\n<style>{STYLE}</style>\n<rect class=\"back\" width=\"{width}\" height=\"{height}\"/>\n\
             {heads}{body}{}</svg>\n",
            self.body
        )
    }

    /// The lifelines with the names of the peers.
    fn heads(&mut self, bottom: usize) {
        let columns: Vec<(String, usize)> =
            self.columns.middles.iter().map(|(peer, middle)| (peer.clone(), *middle)).collect();
        for (peer, middle) in columns {
            let name = self.trace.column_name(&peer);
            let width = name.chars().count() * CHAR + 2 * BOX_PADDING;
            let (left, top) = (middle - width / 2, HEAD - 32);
            self.add(format_args!("<path class=\"life\" d=\"M{middle} {HEAD}V{bottom}\"/>"));
            self.add(format_args!("<g><title>{}</title>", escaped(&peer)));
            self.add(format_args!(
                "<rect class=\"head\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"30\" rx=\"5\"/>"
            ));
            self.text(middle, top + 20, "name", &name);
            self.add(format_args!("</g>"));
        }
    }

    fn text(&mut self, x: usize, y: usize, class: &str, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        self.add(format_args!("<text x=\"{x}\" y=\"{y}\"{class} xml:space=\"preserve\">{}</text>", escaped(text)));
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing into a string does not fail.
        let _ = writeln!(self.body, "{element}");
    }
}

impl Trace {
    fn column_name(&self, peer: &str) -> String {
        cut(&self.peer(peer), NAME_WIDTH)
    }

    /// Two lines above the picture and one below.
    fn titles(&self) -> [String; 3] {
        let Self { verified, void, unreached, outcome, .. } = self;
        let ttl = self.ttl / 1000;
        [
            format!("particle {}", self.particle),
            format!(
                "init {} · {} · ttl {ttl} s · signature ok",
                self.peer(&self.init),
                super::time::utc(self.timestamp)
            ),
            format!(
                "outcome: {} · entries: {verified} verified, {void} void, {unreached} unreached",
                cut(&outcome.to_string(), 100)
            ),
        ]
    }
}

fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.to_owned(),
        Some(_) => text.chars().take(width - 1).chain(['…']).collect(),
    }
}

/// Text for XML, which cannot hold control characters either.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
