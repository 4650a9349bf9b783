//! The owners of a party as a picture: SVG that reads in black and white, on light and on dark.

mod layout;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use causeway_domain::Date;
use unicode_width::UnicodeWidthChar;

use self::layout::{Layout, Route, Size, Spot, place};
use super::tree::holding;
use super::words::by_verdict;
use super::{Edge, EdgeKind, OwnershipRecord, Verdict};

/// Width of a box.
const WIDTH: f64 = 236.0;
/// Height of a line of text.
const LINE: f64 = 17.0;
/// How far the tests stand behind the word of their verdict.
const INDENT: f64 = 60.0;
/// Space around the picture.
const MARGIN: f64 = 28.0;
/// Height of the title.
const HEAD: f64 = 64.0;
/// Height of the legend.
const FOOT: f64 = 72.0;
/// Columns of text that fit into a box: at 13 px a column is about 7 px wide.
const COLUMNS: usize = 30;
/// The same for the name, which is bold.
const NAME_COLUMNS: usize = 27;

/// Fills, lines and words: what a colour says, a line's form and a word say too.
const STYLE: &str = "\
text{font-family:system-ui,'Noto Sans','Noto Sans CJK SC','DejaVu Sans',sans-serif;font-size:13px;fill:#1b1f24}\
.ground{fill:#ffffff}\
.title{font-size:18px;font-weight:600}\
.soft{fill:#57606a}\
.name{font-size:14px;font-weight:600}\
.word{font-weight:700}\
.box{stroke-width:1.2;fill:#f6f8fa;stroke:#57606a}\
.caught.box{stroke-width:2.5;fill:#ffebe9;stroke:#a40e26}\
.caught.inner{fill:none;stroke:#a40e26;stroke-width:1}\
.review.box{stroke-width:2;stroke-dasharray:7 4;fill:#fff8c5;stroke:#7d4e00}\
.clear.box{fill:#eefbf0;stroke:#1a7f37}\
.subject{stroke:#0550ae;stroke-width:1;fill:none}\
.line{fill:none;stroke:#57606a;stroke-width:1.5}\
.lever{stroke-dasharray:4 4}\
.head{fill:#57606a}\
.tag{fill:#ffffff;stroke:#d0d7de}\
.share{font-weight:600;font-size:12.5px}\
@media (prefers-color-scheme:dark){\
text{fill:#e6edf3}\
.ground{fill:#0d1117}\
.soft{fill:#9da7b3}\
.box{fill:#161b22;stroke:#9da7b3}\
.caught.box{fill:#3d1418;stroke:#ff7b72}\
.caught.inner{stroke:#ff7b72}\
.review.box{fill:#332701;stroke:#e3b341}\
.clear.box{fill:#0f2d17;stroke:#56d364}\
.subject{stroke:#79c0ff}\
.line{stroke:#9da7b3}\
.head{fill:#9da7b3}\
.tag{fill:#0d1117;stroke:#30363d}}";

/// Draws the owners of a record's party up to whoever nobody owns, with shares on the lines and verdicts in the boxes.
#[must_use]
pub fn svg(record: &OwnershipRecord) -> String {
    let mut keys: Vec<&str> = record.graph.parties.keys().map(String::as_str).collect();
    for edge in &record.graph.edges {
        keys.extend([edge.owner.as_str(), edge.owned.as_str()]);
    }
    keys.push(&record.party);
    keys.sort_unstable();
    keys.dedup();
    let cards: Vec<Card> = keys.iter().map(|key| Card::new(record, key)).collect();
    let number = |key: &str| keys.binary_search(&key).ok();
    let mut lines: BTreeMap<(usize, usize), Vec<&Edge>> = BTreeMap::new();
    for edge in record
        .graph
        .edges
        .iter()
        .filter(|edge| edge.stands(record.as_of))
    {
        // What a party holds in itself stands in its box.
        if let (Some(owner), Some(owned)) = (number(&edge.owner), number(&edge.owned))
            && owner != owned
        {
            lines.entry((owner, owned)).or_default().push(edge);
        }
    }
    let sizes: Vec<Size> = cards.iter().map(Card::size).collect();
    let pairs: Vec<(usize, usize)> = lines.keys().copied().collect();
    let root = number(&record.party).unwrap_or_default();
    let layout = place(&sizes, root, &pairs);
    picture(record, &cards, root, &lines, &layout)
}

/// The text of a box.
struct Card {
    verdict: Verdict,
    name: Vec<String>,
    lines: Vec<String>,
    verdicts: Vec<(Verdict, Vec<String>)>,
}

impl Card {
    fn new(record: &OwnershipRecord, key: &str) -> Self {
        let graph = &record.graph;
        let mut lines = Vec::new();
        match graph.parties.get(key) {
            Some(node) => {
                lines.extend(wrap(&node.place_in_words(), COLUMNS));
                lines.extend(wrap(&node.lists_in_words(record.as_of), COLUMNS));
            }
            None => lines.push("nobody says who it is".to_owned()),
        }
        for own in own_shares(record, key) {
            lines.extend(wrap(&format!("holds {own} of itself"), COLUMNS));
        }
        if key != record.party {
            let through = record.look_through.in_words(key, &record.party);
            let through = format!("look-through {through}");
            lines.extend(wrap(&through, COLUMNS));
        }
        let assessed = by_verdict(&record.assessments, key);
        let verdict = assessed
            .first()
            .map_or(Verdict::Review, |(verdict, _)| *verdict);
        let verdicts = assessed
            .iter()
            .map(|(verdict, regimes)| (*verdict, wrap(&regimes.join(", "), COLUMNS - 8)))
            .collect();
        Self {
            verdict,
            name: clip(wrap(graph.name(key), NAME_COLUMNS), 3),
            lines,
            verdicts,
        }
    }

    fn rows(&self) -> usize {
        let verdicts: usize = self.verdicts.iter().map(|(_, rows)| rows.len()).sum();
        self.name.len() + self.lines.len() + verdicts
    }

    fn size(&self) -> Size {
        Size {
            width: WIDTH,
            height: self.rows() as f64 * LINE + 28.0,
        }
    }
}

fn own_shares(record: &OwnershipRecord, key: &str) -> Vec<String> {
    record
        .graph
        .edges
        .iter()
        .filter(|edge| edge.owner == key && edge.owned == key && edge.stands(record.as_of))
        .map(holding)
        .collect()
}

/// Breaks text into lines of so many columns: at spaces, else anywhere (Han text has none).
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut width = 0;
    for word in text.split_whitespace() {
        let long: usize = word.chars().filter_map(UnicodeWidthChar::width).sum();
        if width > 0 && width + 1 + long > columns {
            lines.push(std::mem::take(&mut line));
            width = 0;
        } else if width > 0 {
            line.push(' ');
            width += 1;
        }
        for letter in word.chars() {
            let wide = letter.width().unwrap_or(0);
            if width + wide > columns {
                lines.push(std::mem::take(&mut line));
                width = 0;
            }
            line.push(letter);
            width += wide;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// No more than so many lines; the last one says that more was cut off.
fn clip(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

/// Text that can stand anywhere in XML: marked characters escaped, characters that XML forbids left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => out.push(letter),
        }
    }
    out
}

fn picture(
    record: &OwnershipRecord,
    cards: &[Card],
    root: usize,
    lines: &BTreeMap<(usize, usize), Vec<&Edge>>,
    layout: &Layout,
) -> String {
    let name = record.graph.name(&record.party);
    // The legend and a short title need this much even above one box.
    let inner = layout.width.max(620.0);
    let shift = (inner - layout.width) / 2.0 + MARGIN;
    let (width, height) = (
        inner + 2.0 * MARGIN,
        layout.height + HEAD + FOOT + 2.0 * MARGIN,
    );
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"title desc\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\">"
    );
    let _ = writeln!(
        out,
        "<title id=\"title\">Owners of {}</title>",
        escape(name)
    );
    let _ = writeln!(
        out,
        "<desc id=\"desc\">{}</desc>",
        escape(&description(record, record.as_of))
    );
    let _ = writeln!(out, "<style>{STYLE}</style>");
    out.push_str("<defs><marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path class=\"head\" d=\"M0 1L10 5L0 9z\"/></marker></defs>\n");
    let _ = writeln!(
        out,
        "<rect class=\"ground\" width=\"{width:.0}\" height=\"{height:.0}\"/>"
    );
    let title = clip(wrap(&format!("Owners of {name}"), 60), 1).join(" ");
    text(&mut out, MARGIN, MARGIN + 16.0, "title", &title);
    let under = format!(
        "as of {}: owners above, shares on the lines, verdicts about ownership alone",
        record.as_of
    );
    text(&mut out, MARGIN, MARGIN + 38.0, "soft", &under);
    let _ = writeln!(
        out,
        "<g transform=\"translate({shift:.1} {:.1})\">",
        MARGIN + HEAD
    );
    let mut tags = Tags::default();
    for route in &layout.routes {
        let edges = lines.get(&(route.owner, route.owned));
        line(&mut out, route, edges.map_or(&[], Vec::as_slice), &mut tags);
    }
    for (index, (card, spot)) in cards.iter().zip(&layout.boxes).enumerate() {
        card_box(&mut out, card, spot, index == root);
    }
    out.push_str(&tags.drawn);
    out.push_str("</g>\n");
    legend(&mut out, height - FOOT - MARGIN / 2.0);
    out.push_str("</svg>\n");
    out
}

fn description(record: &OwnershipRecord, day: Date) -> String {
    let mut sentences = vec![format!("On {day}.")];
    for edge in record.graph.edges.iter().filter(|edge| edge.stands(day)) {
        sentences.push(format!(
            "{} holds {} of {}.",
            record.graph.name(&edge.owner),
            holding(edge),
            record.graph.name(&edge.owned)
        ));
    }
    for (verdict, regimes) in by_verdict(&record.assessments, &record.party) {
        sentences.push(format!(
            "{}: {verdict} under {}.",
            record.graph.name(&record.party),
            regimes.join(", ")
        ));
    }
    sentences.join(" ")
}

fn text(out: &mut String, x: f64, y: f64, class: &str, words: &str) {
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
        escape(words)
    );
}

fn card_box(out: &mut String, card: &Card, spot: &Spot, subject: bool) {
    let left = spot.x - spot.width / 2.0;
    let class = card.verdict.word();
    let rect = |out: &mut String, class: &str, by: f64, round: f64| {
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{round}\"/>",
            left + by,
            spot.top + by,
            spot.width - 2.0 * by,
            spot.height - 2.0 * by
        );
    };
    if subject {
        rect(out, "subject", -5.0, 11.0);
    }
    rect(out, &format!("{class} box"), 0.0, 7.0);
    if card.verdict == Verdict::Caught {
        rect(out, "caught inner", 4.0, 4.0);
    }
    let (x, mut y) = (left + 14.0, spot.top + 9.0);
    for row in &card.name {
        y += LINE;
        text(out, x, y, "name", row);
    }
    for row in &card.lines {
        y += LINE;
        text(out, x, y, "soft", row);
    }
    for (verdict, rows) in &card.verdicts {
        for (index, row) in rows.iter().enumerate() {
            y += LINE;
            if index == 0 {
                text(out, x, y, "word", verdict.word());
            }
            text(out, x + INDENT, y, "", row);
        }
    }
}

/// Labels of lines, so that no two stand on each other.
#[derive(Default)]
struct Tags {
    taken: Vec<(f64, f64, f64)>,
    drawn: String,
}

impl Tags {
    fn put(&mut self, words: &str, spots: &[(f64, f64)]) {
        let columns: usize = words.chars().filter_map(UnicodeWidthChar::width).sum();
        let width = columns as f64 * 7.1 + 14.0;
        let free = |(x, y): &(f64, f64)| {
            self.taken.iter().all(|(other, level, wide)| {
                (y - level).abs() > 21.0 || (x - other).abs() > (width + wide) / 2.0 + 2.0
            })
        };
        let spot = spots.iter().find(|spot| free(spot)).or(spots.first());
        let Some((x, y)) = spot.copied() else {
            return;
        };
        self.taken.push((x, y, width));
        let _ = writeln!(
            self.drawn,
            "<rect class=\"tag\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"20\" rx=\"10\"/><text class=\"share\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            x - width / 2.0,
            y - 10.0,
            y + 4.5,
            escape(words)
        );
    }
}

fn line(out: &mut String, route: &Route, edges: &[&Edge], tags: &mut Tags) {
    // A holding of nothing is written down only to say how somebody controls without one.
    let some: Vec<&&Edge> = edges.iter().filter(|edge| !nothing(edge)).collect();
    let held = some.iter().any(|edge| {
        matches!(
            edge.kind,
            EdgeKind::Share | EdgeKind::Votes | EdgeKind::Unknown
        )
    });
    let class = if held { "line" } else { "line lever" };
    let mut path = String::new();
    let mut points = route.points.iter().copied();
    let Some(mut last) = points.next() else {
        return;
    };
    let _ = write!(path, "M{:.1} {:.1}", last.0, last.1);
    for (x, y) in points {
        if route.back || (x - last.0).abs() < 0.5 {
            let _ = write!(path, "L{x:.1} {y:.1}");
        } else {
            // Leaves and arrives upright.
            let middle = (last.1 + y) / 2.0;
            let _ = write!(
                path,
                "C{:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}",
                last.0
            );
        }
        last = (x, y);
    }
    let _ = writeln!(
        out,
        "<path class=\"{class}\" d=\"{path}\" marker-end=\"url(#arrow)\"/>"
    );
    let words: Vec<String> = some.iter().map(|edge| holding(edge)).collect();
    let words = clip(wrap(&words.join(" + "), 34), 1).join(" ");
    let spots: Vec<(f64, f64)> = match route.points.as_slice() {
        // The part that leads up.
        [_, _, start, end, ..] if route.back => {
            vec![(start.0, f64::midpoint(start.1, end.1))]
        }
        [start, end, ..] => [0.5, 0.24, 0.76]
            .iter()
            .map(|part| along(*start, *end, *part))
            .collect(),
        _ => Vec::new(),
    };
    tags.put(&words, &spots);
}

fn nothing(edge: &Edge) -> bool {
    !edge.claims.is_empty()
        && matches!(edge.kind, EdgeKind::Share | EdgeKind::Votes)
        && edge
            .claims
            .iter()
            .all(|claim| claim.share.bounds().is_some_and(|(_, most)| most.is_zero()))
}

/// A point of the curve that [`line`] draws between two points.
fn along(start: (f64, f64), end: (f64, f64), part: f64) -> (f64, f64) {
    let rest = 1.0 - part;
    let near = rest.powi(3) + 3.0 * rest.powi(2) * part;
    let far = part.powi(3) + 3.0 * rest * part.powi(2);
    let middle = f64::midpoint(start.1, end.1);
    let x = near * start.0 + far * end.0;
    let y = rest.powi(3) * start.1
        + 3.0 * rest.powi(2) * part * middle
        + 3.0 * rest * part.powi(2) * middle
        + part.powi(3) * end.1;
    (x, y)
}

fn legend(out: &mut String, top: f64) {
    let entries = [
        ("caught", "caught: treated as listed"),
        ("review", "review: a person must look"),
        ("clear", "clear"),
    ];
    let mut x = MARGIN;
    for (class, words) in entries {
        let _ = writeln!(
            out,
            "<rect class=\"{class} box\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"26\" height=\"18\" rx=\"4\"/>"
        );
        if class == "caught" {
            let _ = writeln!(
                out,
                "<rect class=\"caught inner\" x=\"{:.1}\" y=\"{:.1}\" width=\"20\" height=\"12\" rx=\"2\"/>",
                x + 3.0,
                top + 3.0
            );
        }
        text(out, x + 34.0, top + 13.5, "", words);
        x += 34.0 + words.len() as f64 * 7.0 + 26.0;
    }
    let lines = [
        ("line", "shares or votes"),
        ("line lever", "control, board or accounts: no share stated"),
    ];
    let mut x = MARGIN;
    let y = top + 38.0;
    for (class, words) in lines {
        let _ = writeln!(
            out,
            "<path class=\"{class}\" d=\"M{x:.1} {y:.1}h34\" marker-end=\"url(#arrow)\"/>"
        );
        text(out, x + 44.0, y + 4.5, "", words);
        x += 44.0 + words.len() as f64 * 7.0 + 26.0;
    }
}
