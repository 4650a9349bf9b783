//! Where may I: places beside accelerators, each cell the law's answer for the best offer of its kind.

use std::collections::BTreeMap;

use super::standing::Standing;
use super::svg::{Anchor, GUIDE, Paint, Svg, Type, cut};
use super::{Cell, Picture, Section, Table, View, words};
use crate::candidate::Candidate;

const WIDTH: f64 = 960.0;
/// Room for the names of places.
const NAMES: f64 = 292.0;
const ROW: f64 = 34.0;
const HEAD: f64 = 34.0;
/// Accelerators beside each other; more begin a new block below.
const BLOCK: usize = 6;
/// Characters of a reason in the table.
const REASON: usize = 360;

/// Places in the order of their best offer, accelerators likewise, and the offers of each pair, best first.
struct Matrix<'a> {
    places: Vec<(String, String)>,
    chips: Vec<String>,
    cells: BTreeMap<(usize, usize), Vec<&'a Candidate>>,
}

impl<'a> Matrix<'a> {
    fn of(candidates: &'a [Candidate]) -> Self {
        let mut matrix = Self {
            places: Vec::new(),
            chips: Vec::new(),
            cells: BTreeMap::new(),
        };
        for candidate in candidates {
            let place = (words::country(candidate), candidate.operator.clone());
            let chip = candidate
                .accelerator
                .as_ref()
                .map_or_else(|| "processors".to_owned(), |(name, _)| name.clone());
            let at = (
                index(&mut matrix.places, place),
                index(&mut matrix.chips, chip),
            );
            matrix.cells.entry(at).or_default().push(candidate);
        }
        matrix
    }
}

fn index<T: PartialEq>(all: &mut Vec<T>, one: T) -> usize {
    all.iter()
        .position(|other| *other == one)
        .unwrap_or_else(|| {
            all.push(one);
            all.len() - 1
        })
}

pub(super) fn section(view: &View<'_>) -> Section {
    let matrix = Matrix::of(view.all());
    let rows = matrix
        .cells
        .iter()
        .filter_map(|((place, chip), offers)| {
            let (country, operator) = matrix.places.get(*place)?;
            let best = offers.first()?;
            Some(vec![
                Cell::text(format!("{country}, {operator}")),
                Cell::text(matrix.chips.get(*chip)?),
                Cell::standing(Standing::of(best)),
                Cell::number(offers.len().to_string()),
                Cell::text(best.name()),
                Cell::text(words::reason(best, REASON)),
            ])
        })
        .collect();
    Section {
        id: "where",
        question: "Where may I?",
        finding: finding(view),
        pictures: picture(view, &matrix).into_iter().collect(),
        tables: vec![Table {
            caption: "Places and accelerators, and why each stands as it does".to_owned(),
            head: vec![
                "place",
                "accelerator",
                "stands",
                "offers",
                "best offer",
                "why",
            ],
            rows,
        }],
        notes: Vec::new(),
    }
}

fn finding(view: &View<'_>) -> String {
    let all = view.all();
    if all.is_empty() {
        return "There is no place to show: no offer is of the kind that the task asks for."
            .to_owned();
    }
    let of: Vec<String> = Standing::ALL
        .into_iter()
        .filter_map(|standing| {
            let count = all
                .iter()
                .filter(|one| Standing::of(one) == standing)
                .count();
            (count > 0).then(|| standing.of_them(count))
        })
        .collect();
    let unreachable = all
        .iter()
        .filter(|one| Standing::of(one) == Standing::Allowed && one.unreachable.is_some())
        .count();
    let mut text = format!(
        "Of {}: {}.",
        words::count(all.len(), "offer"),
        words::listed(&of)
    );
    if unreachable > 0 {
        text += &format!(
            " {unreachable} of the allowed {} out of reach for now: no account, or no machine that Causeway can log in to.",
            if unreachable == 1 { "is" } else { "are" }
        );
    }
    text
}

fn picture(view: &View<'_>, matrix: &Matrix<'_>) -> Option<Picture> {
    if matrix.places.is_empty() {
        return None;
    }
    let blocks = matrix.chips.chunks(BLOCK);
    let block_height = HEAD + ROW * matrix.places.len() as f64 + 18.0;
    let height = block_height * blocks.len() as f64 + 24.0;
    let mut svg = Svg::new(
        "matrix",
        WIDTH,
        height,
        "Which place may be used with which accelerator",
        &format!(
            "A grid of {} and {}. {}",
            words::count(matrix.places.len(), "place"),
            words::count(matrix.chips.len(), "accelerator"),
            finding(view)
        ),
    );
    let column = ((WIDTH - NAMES) / matrix.chips.len().clamp(1, BLOCK) as f64).min(190.0);
    for (block, chips) in blocks.enumerate() {
        let top = block_height * block as f64;
        for (at, chip) in chips.iter().enumerate() {
            let x = NAMES + column * (at as f64 + 0.5);
            svg.text(
                (x, top + HEAD - 12.0),
                Type::of(12.5).at(Anchor::Middle).bold(true),
                &cut(chip, 12.5, column - 6.0),
            );
        }
        for (row, (country, operator)) in matrix.places.iter().enumerate() {
            let y = top + HEAD + ROW * row as f64;
            svg.line(
                [0.0, y, NAMES + column * chips.len() as f64, y],
                Paint::line(GUIDE, 1.0),
            );
            let name = cut(country, 14.2, 158.0);
            svg.text((0.0, y + 21.5), Type::of(13.0).bold(true), &name);
            svg.text(
                (162.0, y + 21.5),
                Type::of(12.0).quiet(),
                &cut(operator, 12.0, NAMES - 170.0),
            );
            for at in 0..chips.len() {
                let Some(offers) = matrix.cells.get(&(row, block * BLOCK + at)) else {
                    continue;
                };
                cell(
                    view,
                    &mut svg,
                    [NAMES + column * at as f64, y, column, ROW],
                    offers,
                );
            }
        }
    }
    svg.legend((0.0, height - 8.0), &Standing::ALL);
    Some(Picture {
        drawing: svg.finish(),
        caption: "Each cell is the strictest answer of the law to the best offer of its kind, and 'cannot run' where the law is not what stands in the way. \
                  A framed cell is the best place; an empty one has no offer; ×n counts offers where there are several."
            .to_owned(),
    })
}

fn cell(view: &View<'_>, svg: &mut Svg, [x, y, w, h]: [f64; 4], offers: &[&Candidate]) {
    let Some(best) = offers.first() else { return };
    let standing = Standing::of(best);
    let title = format!("{}: {}", best.name(), words::reason(best, 200));
    svg.group(&title, |svg| {
        let tile = Paint::fill(standing.tint());
        let tile = if offers.iter().any(|one| view.is_chosen(one)) {
            tile.edge(super::svg::INK, 2.0)
        } else {
            tile
        };
        svg.rect([x + 2.0, y + 3.0, w - 4.0, h - 6.0], 3.0, tile);
        svg.sign((x + 15.0, y + h / 2.0), 5.5, standing);
        let room = w - 30.0 - if offers.len() > 1 { 24.0 } else { 4.0 };
        let size = if super::svg::width(standing.words(), 12.0) > room {
            10.5
        } else {
            12.0
        };
        svg.text(
            (x + 26.0, y + h / 2.0 + 4.0),
            Type::of(size),
            standing.words(),
        );
        if offers.len() > 1 {
            svg.text(
                (x + w - 7.0, y + h / 2.0 + 4.0),
                Type::of(10.0).at(Anchor::End).quiet(),
                &format!("\u{d7}{}", offers.len()),
            );
        }
    });
}
