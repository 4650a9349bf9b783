//! The page: one comparison as a document that a person reads, with pictures.
//!
//! [`render`] turns a [`Page`] into one self-contained file of HTML: no script, no network, no fonts of its own. It begins
//! with the answer in plain words and goes on in the order in which a reader asks: where may I, what does it cost, what
//! speaks for it, what moves, what may change. Each picture is SVG from the comparison's own data, has a finding in words
//! above it and a table below it. Same input, same bytes.
//!
//! The document is well-formed XML too, which the tests hold it to.

mod answer;
mod axis;
mod bars;
mod chart;
mod fan;
mod map;
mod matrix;
mod pareto;
mod pending;
mod standing;
mod svg;
mod timeline;
mod words;
mod world;

use askama::Template;
use causeway_domain::{Country, Date};
use causeway_law::{Packs, Settings};

pub use self::bars::bars;
use self::standing::Standing;
use self::svg::Drawing;
use crate::candidate::{Candidate, Comparison};
use crate::scenario::Outlook;

/// Candidates that are looked at more closely: their factors, moves and rules.
const SHOWN: usize = 8;
/// The page's look.
const STYLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/page.css"));

/// What a page is made from. Nothing else is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The places, compared.
    pub comparison: &'a Comparison,
    /// What may become of them, where futures were drawn.
    pub outlook: Option<&'a Outlook>,
    /// The rule packs by which they were judged.
    pub packs: &'a Packs,
    /// How the organisation reads the law.
    pub settings: &'a Settings,
    /// Where the weights come home to, if anybody says.
    pub home: Option<Country>,
    /// The document's title.
    pub title: &'a str,
}

/// The page as HTML.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let view = View::of(*page);
    let document = Document {
        title: page.title.chars().map(svg::printable).collect(),
        style: STYLE,
        made_for: format!(
            "{} for the law of {}",
            words::count(page.comparison.candidates.len(), "candidate"),
            words::long_day(view.today)
        ),
        answer: answer::answer(&view),
        legend: Standing::ALL,
        sections: vec![
            matrix::section(&view),
            pareto::section(&view),
            bars::section(&view),
            map::section(&view),
            timeline::section(&view),
            fan::section(&view),
        ],
        sources: answer::sources(&view),
    };
    // A template over strings has nothing that fails; were there something, the page says so and is not empty.
    document
        .render()
        .unwrap_or_else(|error| format!("<p>the page could not be written: {error}</p>"))
}

/// A page's input with what every picture asks for.
struct View<'a> {
    page: Page<'a>,
    today: Date,
    /// The best place that could be launched; it may be unlawful, and then says so.
    chosen: Option<&'a Candidate>,
    /// Why there is none.
    why_none: String,
    /// The candidates that are looked at more closely, the chosen one first.
    shown: Vec<&'a Candidate>,
}

impl<'a> View<'a> {
    fn of(page: Page<'a>) -> Self {
        let candidates = &page.comparison.candidates;
        let (name, why_none) = match page.comparison.choose() {
            Ok(planned) => (Some(planned.candidate().name()), String::new()),
            Err(why) => (None, why),
        };
        let chosen = name.and_then(|name| candidates.iter().find(|one| one.name() == name));
        let others = page
            .comparison
            .leaders()
            .into_iter()
            .map(|(one, _)| one)
            .filter(|one| chosen.is_none_or(|chosen| !std::ptr::eq(*one, chosen)));
        Self {
            today: words::day(page.comparison.at),
            shown: chosen.into_iter().chain(others).take(SHOWN).collect(),
            chosen,
            why_none,
            page,
        }
    }

    fn all(&self) -> &'a [Candidate] {
        &self.page.comparison.candidates
    }

    fn is_chosen(&self, candidate: &Candidate) -> bool {
        self.chosen
            .is_some_and(|chosen| std::ptr::eq(chosen, candidate))
    }
}

#[derive(Template)]
#[template(path = "page.html")]
struct Document {
    title: String,
    style: &'static str,
    made_for: String,
    answer: Answer,
    legend: [Standing; 5],
    sections: Vec<Section>,
    sources: Vec<String>,
}

/// The first thing on the page.
struct Answer {
    standing: Option<Standing>,
    /// The sentence up to the place, the place, and the rest.
    before: String,
    place: String,
    after: String,
    /// Price, time, machines.
    terms: String,
    /// What it hangs on, a line each.
    hangs_on: Vec<String>,
}

/// A question of the reader's.
struct Section {
    id: &'static str,
    question: &'static str,
    /// What the picture shows, in a sentence or two.
    finding: String,
    pictures: Vec<Picture>,
    tables: Vec<Table>,
    notes: Vec<String>,
}

struct Picture {
    drawing: Drawing,
    /// How to read it.
    caption: String,
}

struct Table {
    caption: String,
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Whether a column is one of numbers.
    fn numbers(&self, column: &usize) -> bool {
        let first = self.rows.first().and_then(|row| row.get(*column));
        first.is_some_and(|cell| cell.number)
    }
}

/// A cell; the first of a row is its head.
struct Cell {
    text: String,
    standing: Option<Standing>,
    number: bool,
}

impl Cell {
    fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            standing: None,
            number: false,
        }
    }

    /// Set flush right.
    fn number(text: impl Into<String>) -> Self {
        Self {
            number: true,
            ..Self::text(text)
        }
    }

    fn standing(standing: Standing) -> Self {
        Self {
            standing: Some(standing),
            ..Self::text(standing.words())
        }
    }
}

/// Running text, as the template asks for it: what stands between two backticks is set as code, everything is escaped.
#[derive(Debug, Clone, Copy)]
struct Prose<'a>(&'a str);

impl std::fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<&str> = self.0.split('`').collect();
        // Without a partner a backtick is a backtick.
        if parts.len().is_multiple_of(2) {
            return f.write_str(&svg::escaped(self.0));
        }
        for (index, part) in parts.iter().enumerate() {
            let text = svg::escaped(part);
            if index % 2 == 1 {
                write!(f, "<code>{text}</code>")?;
            } else {
                f.write_str(&text)?;
            }
        }
        Ok(())
    }
}

impl askama::filters::HtmlSafe for Prose<'_> {}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
