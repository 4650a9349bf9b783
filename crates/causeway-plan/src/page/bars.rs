//! What speaks for it: the five factors of the best candidates, as bars with what the unknown facts leave open.

use super::standing::Standing;
use super::svg::{Anchor, BLUE, GUIDE, INK, Paint, QUIET, Svg, Type, cut};
use super::{Cell, Picture, Section, Table, View, words};
use crate::candidate::Candidate;
use crate::factors::{Factor, Factors};

const WIDTH: f64 = 960.0;
/// Room for names.
const NAMES: f64 = 250.0;
/// Room for the score.
const SCORE: f64 = 64.0;
const ROW: f64 = 40.0;
const HEAD: f64 = 46.0;
/// What each factor asks.
const ASKS: [&str; 5] = [
    "hardware: how fast",
    "cost: how cheap",
    "risk: rules that move",
    "talent: people there",
    "data: safe, and may be there",
];
/// Letters of a small bar.
const SMALL: usize = 5;

/// The five factors as small bars for a terminal, in the order of [`Factors::named`]: a letter and five steps each, `~`
/// where unknown facts leave the factor open, `?` where nothing is known. `ascii`: without block characters.
///
/// `h ▌···· c ██▌·· r ████▌ t ?     d ███▌·~`, in ASCII `h +.... c ##+.. r ####+ t ?     d ###+.~`.
#[must_use]
pub fn bars(factors: &Factors, ascii: bool) -> String {
    let (full, half, none) = if ascii {
        ('#', '+', '.')
    } else {
        ('\u{2588}', '\u{258c}', '\u{b7}')
    };
    let one = |(name, factor): (&str, &Factor)| {
        let letter = name.chars().next().unwrap_or(' ');
        if factor.doubt() > 0.99 {
            return format!("{letter} ?{:1$}", "", SMALL);
        }
        // Two steps a letter.
        let steps = (factor.score / 100.0 * SMALL as f64 * 2.0).round();
        let bar: String = (0..SMALL)
            .map(|at| match steps - 2.0 * at as f64 {
                left if left >= 2.0 => full,
                left if left >= 1.0 => half,
                _ => none,
            })
            .collect();
        let open = if factor.is_open() { '~' } else { ' ' };
        format!("{letter} {bar}{open}")
    };
    let all: Vec<String> = factors.named().map(one).to_vec();
    all.join(" ").trim_end().to_owned()
}

pub(super) fn section(view: &View<'_>) -> Section {
    let rows = view
        .shown
        .iter()
        .flat_map(|candidate| {
            candidate.factors.named().map(|(name, factor)| {
                vec![
                    Cell::text(candidate.name()),
                    Cell::text(name),
                    Cell::number(score(factor)),
                    Cell::text(factor.because.join("; ")),
                ]
            })
        })
        .collect();
    Section {
        id: "factors",
        question: "What speaks for it?",
        finding: finding(view),
        pictures: (!view.shown.is_empty())
            .then(|| picture(view))
            .into_iter()
            .collect(),
        tables: vec![Table {
            caption: "Each factor of the best candidates, with its arithmetic".to_owned(),
            head: vec!["offer", "factor", "0 to 100", "because"],
            rows,
        }],
        notes: Vec::new(),
    }
}

/// `72`, `72 (52 to 92)`, `?`.
fn score(factor: &Factor) -> String {
    if factor.doubt() > 0.99 {
        "?".to_owned()
    } else if factor.doubt() > 0.0 {
        format!(
            "{:.0} ({:.0} to {:.0})",
            factor.score, factor.low, factor.high
        )
    } else {
        format!("{:.0}", factor.score)
    }
}

fn finding(view: &View<'_>) -> String {
    let Some(best) = view.shown.first() else {
        return "There is no candidate to look at.".to_owned();
    };
    let known: Vec<(&str, &Factor)> = best
        .factors
        .named()
        .into_iter()
        .filter(|(_, factor)| factor.doubt() < 0.99)
        .collect();
    let by = |a: &&(&str, &Factor), b: &&(&str, &Factor)| a.1.score.total_cmp(&b.1.score);
    let mut text = format!("{} scores {:.0} of 100", best.name(), best.score);
    match (known.iter().max_by(by), known.iter().min_by(by)) {
        (Some(high), Some(low)) if high.1.score - low.1.score > 1.0 => {
            text += &format!(
                ": most speaks for it in {} ({:.0}), least in {} ({:.0}).",
                high.0, high.1.score, low.0, low.1.score
            );
        }
        _ => text += ".",
    }
    let open: Vec<String> = best
        .factors
        .named()
        .into_iter()
        .filter(|(_, factor)| factor.is_open())
        .map(|(name, _)| name.to_owned())
        .collect();
    if !open.is_empty() {
        text += &format!(
            " Missing facts and errors of estimates leave {} open.",
            words::listed(&open)
        );
    }
    text
}

fn picture(view: &View<'_>) -> Picture {
    let height = HEAD + ROW * view.shown.len() as f64 + 6.0;
    let mut svg = Svg::new(
        "factors",
        WIDTH,
        height,
        "The five factors of the best candidates",
        &format!(
            "A row for each of {}, a bar from 0 to 100 for each factor. {}",
            words::count(view.shown.len(), "candidate"),
            finding(view)
        ),
    );
    let column = (WIDTH - NAMES - SCORE) / 5.0;
    for (at, ask) in ASKS.iter().enumerate() {
        let (name, rest) = ask.split_once(": ").unwrap_or((ask, ""));
        let x = NAMES + column * at as f64;
        svg.text((x, 16.0), Type::of(12.5).bold(true), name);
        svg.text(
            (x, 31.0),
            Type::of(10.5).quiet(),
            &cut(rest, 10.5, column - 4.0),
        );
    }
    svg.text(
        (WIDTH, 16.0),
        Type::of(12.5).bold(true).at(Anchor::End),
        "score",
    );
    for (row, candidate) in view.shown.iter().enumerate() {
        line(view, &mut svg, HEAD + ROW * row as f64, candidate, column);
    }
    Picture {
        drawing: svg.finish(),
        caption: "More is better. The bar ends at the middle of what is possible; the thin line reaches from the least to the most that missing facts and errors of estimates leave open. \
                  The score is the mean by the weights of causeway.yaml."
            .to_owned(),
    }
}

fn line(view: &View<'_>, svg: &mut Svg, y: f64, candidate: &Candidate, column: f64) {
    let chosen = view.is_chosen(candidate);
    svg.line([0.0, y, WIDTH, y], Paint::line(GUIDE, 1.0));
    svg.sign((7.0, y + 15.0), 5.5, Standing::of(candidate));
    svg.text(
        (20.0, y + 19.0),
        Type::of(12.5).bold(chosen),
        &cut(&candidate.name(), 12.5, NAMES - 32.0),
    );
    svg.text(
        (20.0, y + 33.0),
        Type::of(10.5).quiet(),
        &cut(
            &format!("{}, {}", words::country(candidate), words::chips(candidate)),
            10.5,
            NAMES - 32.0,
        ),
    );
    let room = column - 52.0;
    for (at, (name, factor)) in candidate.factors.named().into_iter().enumerate() {
        let x = NAMES + column * at as f64;
        let to = |score: f64| room * (score / 100.0).clamp(0.0, 1.0);
        let title = format!("{name}, {}: {}", score(factor), factor.because.join("; "));
        svg.group(&title, |svg| {
            svg.rect([x, y + 12.0, room, 14.0], 1.5, Paint::fill("#f1f1ed"));
            let known = factor.doubt() < 0.99;
            if known {
                let bar = Paint::fill(BLUE).opacity(if chosen { 1.0 } else { 0.62 });
                svg.rect([x, y + 12.0, to(factor.score), 14.0], 1.5, bar);
            }
            if factor.doubt() > 0.0 {
                let (low, high) = (x + to(factor.low), x + to(factor.high));
                svg.line([low, y + 31.0, high, y + 31.0], Paint::line(QUIET, 1.2));
                svg.line([low, y + 28.5, low, y + 33.5], Paint::line(QUIET, 1.2));
                svg.line([high, y + 28.5, high, y + 33.5], Paint::line(QUIET, 1.2));
            }
            let words = if known {
                format!("{:.0}", factor.score)
            } else {
                "?".to_owned()
            };
            svg.text((x + room + 6.0, y + 23.5), Type::of(12.0), &words);
        });
    }
    svg.text(
        (WIDTH, y + 24.0),
        Type::of(15.0).bold(chosen).at(Anchor::End),
        &format!("{:.0}", candidate.score),
    );
    if chosen {
        svg.line([0.0, y, 0.0, y + ROW], Paint::line(INK, 2.0));
    }
}
