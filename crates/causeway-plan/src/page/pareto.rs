//! What does it cost: money and time of every place that has both, and the places that nothing beats in both.

use causeway_domain::{Fact, Hours, Usd};
use causeway_estimate::Interval;
use rust_decimal::prelude::ToPrimitive;

use super::axis::{self, Axis};
use super::standing::Standing;
use super::svg::{Anchor, GUIDE, INK, Paint, Places, QUIET, Svg, Type, cut, label};
use super::{Cell, Picture, Section, Table, View, words};
use crate::candidate::{Candidate, span};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 500.0;
/// The frame: left, top, right, bottom.
const FRAME: [f64; 4] = [74.0, 16.0, 940.0, 424.0];

/// A candidate with both numbers.
struct Point<'a> {
    candidate: &'a Candidate,
    hours: f64,
    dollars: f64,
    standing: Standing,
}

pub(super) fn section(view: &View<'_>) -> Section {
    let points: Vec<Point<'_>> = view.all().iter().filter_map(point).collect();
    let frontier = frontier(&points);
    let without = view.all().len() - points.len();
    let mut notes = Vec::new();
    if without > 0 {
        let why = view
            .all()
            .iter()
            .find_map(words::unknown)
            .unwrap_or_default();
        notes.push(format!(
            "{} not drawn, since price or time is unknown ({why}). The table has them with a question mark: an unknown is not a zero.",
            if without == 1 { "1 offer is".to_owned() } else { format!("{without} offers are") }
        ));
    }
    Section {
        id: "cost",
        question: "What does it cost?",
        finding: finding(view, &points, &frontier),
        pictures: (!points.is_empty())
            .then(|| picture(view, &points, &frontier))
            .into_iter()
            .collect(),
        tables: vec![table(view), parts(view)],
        notes,
    }
}

fn point(candidate: &Candidate) -> Option<Point<'_>> {
    let hours = candidate.hours()?.get();
    let dollars = amount(candidate.cost()?);
    (hours.is_finite() && dollars.is_finite()).then(|| Point {
        candidate,
        hours,
        dollars,
        standing: Standing::of(candidate),
    })
}

fn amount(dollars: Usd) -> f64 {
    dollars.get().to_f64().unwrap_or(f64::NAN)
}

/// The points that are allowed and that no other allowed point beats in money and time, the fastest first. Where nothing is
/// allowed, of those that are not forbidden and can run.
fn frontier(points: &[Point<'_>]) -> Vec<usize> {
    let worst = if points
        .iter()
        .any(|point| point.standing == Standing::Allowed)
    {
        Standing::Allowed
    } else {
        Standing::LicenceRequired
    };
    let mut order: Vec<usize> = (0..points.len())
        .filter(|index| {
            points
                .get(*index)
                .is_some_and(|point| point.standing <= worst)
        })
        .collect();
    let of = |index: &usize| {
        points
            .get(*index)
            .map_or((0.0, 0.0), |point| (point.hours, point.dollars))
    };
    order.sort_by(|a, b| {
        let ((a_hours, a_money), (b_hours, b_money)) = (of(a), of(b));
        a_hours
            .total_cmp(&b_hours)
            .then(a_money.total_cmp(&b_money))
    });
    let mut least = f64::INFINITY;
    order.retain(|index| {
        let (_, money) = of(index);
        let better = money < least;
        least = least.min(money);
        better
    });
    order
}

fn finding(view: &View<'_>, points: &[Point<'_>], frontier: &[usize]) -> String {
    let of = |index: Option<&usize>| index.and_then(|index| points.get(*index));
    let (Some(fast), Some(cheap)) = (of(frontier.first()), of(frontier.last())) else {
        return if points.is_empty() {
            "No offer has both a known price and a known time, so nothing can be drawn.".to_owned()
        } else {
            "No offer that has a price and a time may be used and can run the task.".to_owned()
        };
    };
    let terms = |point: &Point<'_>| {
        format!(
            "{} ({}, {})",
            point.candidate.name(),
            point
                .candidate
                .cost()
                .map_or_else(String::new, words::dollars),
            span(Hours::new(point.hours))
        )
    };
    let what = if fast.standing == Standing::Allowed {
        "allowed"
    } else {
        "not forbidden"
    };
    let mut text = if std::ptr::eq(fast.candidate, cheap.candidate) {
        format!(
            "Of what is {what}, {} is both the cheapest and the fastest.",
            terms(fast)
        )
    } else {
        format!(
            "Of what is {what}, {} is the fastest and {} the cheapest.",
            terms(fast),
            terms(cheap)
        )
    };
    if let Some(chosen) = view.chosen {
        let is = |point: &Point<'_>| std::ptr::eq(point.candidate, chosen);
        let on = frontier.iter().any(|index| of(Some(index)).is_some_and(is));
        if !on && points.iter().any(is) {
            text += &format!(
                " The best by all five factors, {}, is not on the line: another is no dearer and no slower, and loses by risk, people or data, or is out of reach.",
                chosen.name()
            );
        }
    }
    let cheapest = frontier
        .last()
        .and_then(|index| points.get(*index))
        .map(|point| point.dollars);
    let unlawful = points
        .iter()
        .filter(|point| {
            point.standing == Standing::Prohibited
                && cheapest.is_some_and(|cheapest| point.dollars < cheapest)
        })
        .count();
    if unlawful > 0 {
        text += &format!(
            " {} would be cheaper and {} prohibited.",
            words::count(unlawful, "offer"),
            if unlawful == 1 { "is" } else { "are" }
        );
    }
    text
}

fn picture(view: &View<'_>, points: &[Point<'_>], frontier: &[usize]) -> Picture {
    let [left, top, right, bottom] = FRAME;
    let mut svg = Svg::new(
        "pareto",
        WIDTH,
        HEIGHT,
        "Cost and time of every place",
        &format!(
            "{} by time, to the right longer, and by cost, upwards dearer. {}",
            words::count(points.len(), "offer"),
            finding(view, points, frontier)
        ),
    );
    // The interval of the best has to find its place, too.
    let best = points.iter().find(|point| view.is_chosen(point.candidate));
    let spread = best.map_or(([0.0; 2], [0.0; 2]), spread);
    let hours = points.iter().map(|point| point.hours);
    let dollars = points.iter().map(|point| point.dollars);
    let some = |value: &f64| *value > 0.0;
    let x = Axis::over(hours.chain(spread.0.into_iter().filter(some)), left, right);
    let y = Axis::over(
        dollars.chain(spread.1.into_iter().filter(some)),
        bottom,
        top,
    );
    axes(&mut svg, &x, &y);
    let steps: Vec<(f64, f64)> = frontier
        .iter()
        .filter_map(|index| points.get(*index))
        .map(|point| (x.place(point.hours), y.place(point.dollars)))
        .collect();
    let mut stairs: Vec<(f64, f64)> = Vec::new();
    for (at, height) in &steps {
        if let Some((_, last)) = stairs.last().copied() {
            stairs.push((*at, last));
        }
        stairs.push((*at, *height));
    }
    svg.path(&[stairs], false, Paint::line(QUIET, 1.4).dash("5 4"));
    let mut places = Places::default();
    // The best is drawn last, on top of the others; the worst standing first.
    let mut order: Vec<&Point<'_>> = points.iter().collect();
    order.sort_by_key(|point| {
        (
            view.is_chosen(point.candidate),
            std::cmp::Reverse(point.standing),
        )
    });
    for point in &order {
        let at = (x.place(point.hours), y.place(point.dollars));
        let chosen = view.is_chosen(point.candidate);
        let words = format!(
            "{}, {}: {}; {}; {}",
            point.candidate.name(),
            words::country(point.candidate),
            point.standing.words(),
            words::cost(point.candidate),
            words::time(point.candidate)
        );
        svg.group(&words, |svg| {
            if chosen {
                for line in whiskers(point, &x, &y) {
                    let [x1, y1, x2, y2] = line;
                    svg.line(line, Paint::line(INK, 1.0));
                    let (left, top) = (x1.min(x2), y1.min(y2));
                    places.take([left, top, (x2 - x1).abs(), (y2 - y1).abs()]);
                }
                svg.circle(at, 11.0, Paint::line(INK, 1.6));
            }
            svg.sign(at, 5.5, point.standing);
        });
        places.take([at.0 - 7.0, at.1 - 7.0, 14.0, 14.0]);
    }
    let chosen = points.iter().find(|point| view.is_chosen(point.candidate));
    let ends = frontier.iter().filter_map(|index| points.get(*index));
    let bounds = [left, top, WIDTH, bottom];
    let mut labelled: Vec<&Candidate> = Vec::new();
    for point in chosen.into_iter().chain(ends) {
        if labelled
            .iter()
            .any(|one| std::ptr::eq(*one, point.candidate))
        {
            continue;
        }
        let style = Type::of(12.0).bold(view.is_chosen(point.candidate));
        let name = cut(&point.candidate.name(), 12.0, 230.0);
        let at = (x.place(point.hours), y.place(point.dollars));
        if label(&mut svg, &mut places, at, &name, style, bounds) {
            labelled.push(point.candidate);
        }
    }
    svg.legend((left, HEIGHT - 8.0), &Standing::ALL);
    let scales = match (x.is_log(), y.is_log()) {
        (false, false) => "",
        (true, true) => " Both scales are of powers of ten.",
        (true, false) => " The scale of time is of powers of ten.",
        (false, true) => " The scale of cost is of powers of ten.",
    };
    Picture {
        drawing: svg.finish(),
        caption: format!(
            "Cost is machines, and of storage, egress and people what is known; time is from the first step to the last, without queueing. The ringed sign is the best place, with its interval. \
             The dashed line joins what no other usable offer beats in both.{scales}"
        ),
    }
}

fn axes(svg: &mut Svg, x: &Axis, y: &Axis) {
    let [left, top, right, bottom] = FRAME;
    for value in y.ticks() {
        let at = y.place(value);
        svg.line([left, at, right, at], Paint::line(GUIDE, 1.0));
        svg.text(
            (left - 8.0, at + 4.0),
            Type::of(11.0).at(Anchor::End).quiet(),
            &axis::dollars(value),
        );
    }
    for value in time_ticks(x) {
        let at = x.place(value);
        svg.line([at, top, at, bottom], Paint::line(GUIDE, 1.0));
        let words = tick(value);
        svg.text(
            (at, bottom + 17.0),
            Type::of(11.0).at(Anchor::Middle).quiet(),
            &words,
        );
    }
    svg.line([left, bottom, right, bottom], Paint::line(INK, 1.2));
    svg.text(
        (right, bottom + 36.0),
        Type::of(12.0).at(Anchor::End),
        "time to the last step \u{2192}",
    );
    svg.text(
        (left + 6.0, top + 4.0),
        Type::of(12.0).halo(),
        "\u{2191} expected cost, US dollars",
    );
}

/// A time on the scale.
fn tick(hours: f64) -> String {
    let years = hours / 8760.0;
    if hours <= 0.0 {
        "0".to_owned()
    } else if years >= 1.0 && (years - years.round()).abs() < 1e-9 {
        format!("{years} year{}", if years > 1.0 { "s" } else { "" })
    } else {
        span(Hours::new(hours)).replace(".0 ", " ")
    }
}

/// Round times: what is round in hours is not in days.
fn time_ticks(x: &Axis) -> Vec<f64> {
    if x.is_log() {
        let all = [
            1.0 / 60.0,
            1.0 / 6.0,
            1.0,
            6.0,
            24.0,
            96.0,
            240.0,
            720.0,
            2400.0,
            8760.0,
            87_600.0,
        ];
        let first = x.place(0.0);
        return all
            .into_iter()
            .filter(|hours| x.place(*hours) > first + 1.0 && *hours < x.end())
            .collect();
    }
    let most = x.end();
    let unit = if most >= 96.0 {
        24.0
    } else if most >= 1.0 {
        1.0
    } else {
        1.0 / 60.0
    };
    axis::round_steps(0.0, most / unit, 7.0)
        .into_iter()
        .map(|value| value * unit)
        .collect()
}

/// The lines of the intervals of time and cost.
fn whiskers(point: &Point<'_>, x: &Axis, y: &Axis) -> [[f64; 4]; 2] {
    let (at_x, at_y) = (x.place(point.hours), y.place(point.dollars));
    let ([short, long], [cheap, dear]) = spread(point);
    [
        [x.place(short), at_y, x.place(long), at_y],
        [at_x, y.place(dear), at_x, y.place(cheap)],
    ]
}

/// The intervals of time and cost, in hours and dollars.
fn spread(point: &Point<'_>) -> ([f64; 2], [f64; 2]) {
    let hours = match point
        .candidate
        .estimate
        .as_ref()
        .map(|estimate| &estimate.hours)
    {
        Ok(Fact::Known(Interval { low, high, .. }, _)) => [low.get(), high.get()],
        Ok(Fact::Unknown(_)) | Err(_) => [point.hours; 2],
    };
    let dollars = point
        .candidate
        .costs()
        .map_or([point.dollars; 2], |Interval { low, high, .. }| {
            [amount(low), amount(high)]
        });
    (hours, dollars)
}

/// What the cost of each offer is made of, what it uses and what that emits.
fn parts(view: &View<'_>) -> Table {
    let rows = view
        .all()
        .iter()
        .map(|candidate| {
            let [machines, storage, egress, people] = words::bill(candidate);
            vec![
                Cell::text(candidate.name()),
                Cell::number(machines),
                Cell::number(storage),
                Cell::number(egress),
                Cell::number(people),
                Cell::number(words::energy(candidate)),
                Cell::number(words::carbon(candidate)),
            ]
        })
        .collect();
    Table {
        caption: "What the cost is made of, what the run uses and what that emits".to_owned(),
        head: vec![
            "offer", "machines", "storage", "egress", "people", "MWh", "t CO2e",
        ],
        rows,
    }
}

fn table(view: &View<'_>) -> Table {
    let rows = view
        .all()
        .iter()
        .map(|candidate| {
            vec![
                Cell::text(candidate.name()),
                Cell::text(words::country(candidate)),
                Cell::text(words::chips(candidate)),
                Cell::number(words::price(candidate)),
                Cell::number(words::cost(candidate)),
                Cell::number(words::time(candidate)),
                Cell::standing(Standing::of(candidate)),
                Cell::text(&candidate.offer_source),
            ]
        })
        .collect();
    Table {
        caption: "Every offer with its price, cost and time, best first".to_owned(),
        head: vec![
            "offer",
            "country",
            "machines",
            "US $ an hour",
            "expected cost, US $",
            "expected time",
            "stands",
            "read in",
        ],
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_beats_is_on_the_frontier() {
        let comparison = super::super::tests::comparison();
        let points: Vec<Point<'_>> = comparison.candidates.iter().filter_map(point).collect();
        let on = frontier(&points);
        assert!(!on.is_empty());
        for index in &on {
            let one = &points[*index];
            assert!(
                points
                    .iter()
                    .filter(|other| other.standing == one.standing)
                    .all(|other| {
                        !(other.hours <= one.hours && other.dollars <= one.dollars)
                            || (other.hours, other.dollars) == (one.hours, one.dollars)
                    })
            );
        }
        assert!(
            on.windows(2)
                .all(|pair| points[pair[0]].dollars > points[pair[1]].dollars)
        );
    }
}
