//! What may change, by chance: how the drawn futures go for the best plans, and how well each plan does in each reading.

use causeway_domain::Probability;
use rust_decimal::prelude::ToPrimitive;

use super::axis::{self, Axis};
use super::svg::{Anchor, BLUE, GUIDE, INK, Paint, QUIET, Svg, Type, cut};
use super::{Cell, Picture, Section, Table, View, words};
use crate::candidate::{Candidate, span};
use crate::scenario::{Moment, Outlook, Prospect, Reading};

const WIDTH: f64 = 960.0;
/// Plans whose futures are drawn.
const PLANS: usize = 3;
/// Plans that are compared over the readings.
const COMPARED: usize = 8;
/// Plans of a reading in the table.
const TOLD: usize = 12;
/// Top and height of the shares, then of the money.
const SHARES: [f64; 2] = [44.0, 150.0];
const MONEY: [f64; 2] = [232.0, 130.0];
/// Okabe and Ito 2008: bluish green, vermillion.
const FINISHED: &str = "#009E73";
/// What is still open has no colour of an end.
const GOING: &str = "#E4E2DA";
const STOPPED: &str = "#D55E00";

pub(super) fn section(view: &View<'_>) -> Section {
    let mut section = Section {
        id: "futures",
        question: "What may change? The futures",
        finding: "No futures were drawn. `causeway plan --scenarios base` draws them for the bills of the rule packs; a file of your own says what else may happen and how likely it is.".to_owned(),
        pictures: Vec::new(),
        tables: Vec::new(),
        notes: Vec::new(),
    };
    let Some(outlook) = view.page.outlook else {
        return section;
    };
    section.finding = finding(view, outlook);
    section.notes = outlook.notes.iter().map(|note| capitalised(note)).collect();
    section.tables = vec![premises(outlook), ends(outlook), days(view, outlook)];
    section.pictures = outlook
        .readings
        .first()
        .filter(|reading| !reading.prospects.is_empty())
        .map(|reading| vec![fans(view, outlook, reading), readings(outlook, reading)])
        .unwrap_or_default();
    section
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| {
            format!(
                "{}{}.",
                first.to_uppercase(),
                letters.as_str().trim_end_matches('.')
            )
        })
        .unwrap_or_default()
}

fn finding(view: &View<'_>, outlook: &Outlook) -> String {
    let mut parts = Vec::new();
    let first = outlook.readings.first();
    let best = view.chosen.and_then(|chosen| {
        let name = chosen.name();
        first?
            .prospects
            .iter()
            .find(|prospect| prospect.place == name)
    });
    if let Some(best) = best {
        let mut text = format!(
            "{} finishes, lawful all the way, in {} of {} futures",
            best.place,
            best.finishes,
            words::grouped(outlook.draws)
        );
        if let Some((why, share)) = best.stopped.first() {
            text += &format!("; what stops it most often is {why} ({share})");
        }
        parts.push(text + ".");
    }
    if let Some(top) = first.and_then(|reading| reading.prospects.first())
        && best.is_none_or(|best| top.finishes.get() > best.finishes.get() + 0.01)
    {
        parts.push(format!(
            "Of all plans {} does best there: {}.",
            top.place, top.finishes
        ));
    }
    match &outlook.robust {
        Some(robust) => parts.push(format!(
            "{} is robust: it finishes in {} at worst (reading: {}).",
            robust.place, robust.finishes, robust.worst
        )),
        None if first.is_some_and(|reading| reading.prospects.is_empty()) => {
            parts.push(
                "No plan that could run the task has a known time, so none was drawn.".to_owned(),
            );
        }
        None => {
            parts.push("No plan is robust: each fails for sure in one of the readings.".to_owned())
        }
    }
    parts.join(" ")
}

/// The plans whose futures are drawn: the best of the comparison, then those that do best.
fn drawn<'a>(view: &View<'_>, reading: &'a Reading) -> Vec<&'a Prospect> {
    let best = view.chosen.map(Candidate::name);
    let is_best = |prospect: &&Prospect| Some(&prospect.place) == best.as_ref();
    let others = reading.prospects.iter().filter(|one| !is_best(one));
    let best = reading.prospects.iter().find(is_best);
    best.into_iter().chain(others).take(PLANS).collect()
}

fn fans(view: &View<'_>, outlook: &Outlook, reading: &Reading) -> Picture {
    let shown = drawn(view, reading);
    let gap = 62.0;
    let left = 46.0;
    let column = (WIDTH - left) / shown.len().clamp(2, PLANS) as f64;
    let height = MONEY[0] + MONEY[1] + 64.0;
    let mut svg = Svg::new(
        "fans",
        WIDTH,
        height,
        "Futures of the best plans from day to day",
        &format!(
            "For each plan: above, the share of {} futures in which it has finished, is going on, or has stopped; below, the money spent, with the middle and nine in ten futures.",
            words::grouped(outlook.draws)
        ),
    );
    for (at, prospect) in shown.iter().enumerate() {
        let from = left + column * at as f64;
        plan(&mut svg, prospect, [from, from + column - gap], at == 0);
    }
    let mut x = left;
    for (colour, words) in [
        (FINISHED, "finished"),
        (GOING, "runs or waits"),
        (STOPPED, "stopped"),
    ] {
        svg.rect([x, height - 17.0, 14.0, 12.0], 1.5, Paint::fill(colour));
        svg.text((x + 20.0, height - 7.0), Type::of(12.0), words);
        x += 20.0 + super::svg::width(words, 12.0) + 22.0;
    }
    svg.rect(
        [x, height - 17.0, 22.0, 12.0],
        1.5,
        Paint::fill(BLUE).opacity(0.22),
    );
    svg.line(
        [x, height - 11.0, x + 22.0, height - 11.0],
        Paint::line(BLUE, 2.0),
    );
    svg.text(
        (x + 29.0, height - 7.0),
        Type::of(12.0),
        "money: the middle, and nine in ten futures",
    );
    Picture {
        drawing: svg.finish(),
        caption: format!(
            "Reading: {}. {} futures, seed {}; money from up to 500 of them. A checkpoint comes home every {}. Each plan has its own scales.",
            reading.title,
            words::grouped(outlook.draws),
            outlook.seed,
            span(outlook.home_every)
        ),
    }
}

fn plan(svg: &mut Svg, prospect: &Prospect, [left, right]: [f64; 2], first: bool) {
    let moments = &prospect.moments;
    let most = moments.last().map_or(1.0, |moment| moment.at.get());
    let x = |moment: &Moment| left + (right - left) * moment.at.get() / most.max(f64::MIN_POSITIVE);
    svg.text(
        (left, 16.0),
        Type::of(13.0).bold(true),
        &cut(&prospect.place, 13.0, right - left + 24.0),
    );
    svg.text(
        (left, 32.0),
        Type::of(11.0).quiet(),
        &format!("finishes in {}", prospect.finishes),
    );
    let [top, tall] = SHARES;
    let y = |share: f64| top + tall * (1.0 - share);
    let edge = |of: &dyn Fn(&Moment) -> f64| -> Vec<(f64, f64)> {
        moments
            .iter()
            .map(|moment| (x(moment), y(of(moment))))
            .collect()
    };
    let finished = |moment: &Moment| moment.finished.get();
    let ended = |moment: &Moment| 1.0 - moment.stopped.get();
    svg.rect([left, top, right - left, tall], 0.0, Paint::fill(STOPPED));
    for (colour, line) in [(GOING, edge(&ended)), (FINISHED, edge(&finished))] {
        let mut area = line;
        area.extend([(right, y(0.0)), (left, y(0.0))]);
        svg.path(&[area], true, Paint::fill(colour).edge("#fff", 0.8));
    }
    within(svg, [left, right], prospect);
    for share in [0.0, 0.5, 1.0] {
        svg.line(
            [left - 4.0, y(share), left, y(share)],
            Paint::line(QUIET, 1.0),
        );
        if first {
            svg.text(
                (left - 7.0, y(share) + 4.0),
                Type::of(10.5).at(Anchor::End).quiet(),
                &format!("{:.0} %", share * 100.0),
            );
        }
    }
    times(svg, [left, right], most, top + tall);
    money(svg, prospect, [left, right], &x);
}

/// Words on the areas, where they are broad enough at the end: nothing hangs on colour.
fn within(svg: &mut Svg, [left, right]: [f64; 2], prospect: &Prospect) {
    let Some(last) = prospect.moments.last() else {
        return;
    };
    let [top, tall] = SHARES;
    let (done, cut) = (last.finished.get(), last.stopped.get());
    if done > 0.12 {
        svg.text(
            (right - 6.0, top + tall * (1.0 - done / 2.0) + 4.0),
            Type::of(11.5).at(Anchor::End).halo(),
            "finished",
        );
    }
    if cut > 0.12 {
        svg.text(
            (right - 6.0, top + tall * cut / 2.0 + 4.0),
            Type::of(11.5).at(Anchor::End).halo(),
            "stopped",
        );
    }
    let early = prospect
        .moments
        .get(4)
        .map_or(0.0, |moment| moment.going().get());
    if early > 0.3 {
        svg.text(
            (left + 8.0, top + tall * 0.62),
            Type::of(11.5).halo(),
            "runs",
        );
    }
}

fn times(svg: &mut Svg, [left, right]: [f64; 2], hours: f64, y: f64) {
    let (unit, word) = if hours >= 96.0 {
        (24.0, "days")
    } else if hours >= 2.0 {
        (1.0, "h")
    } else {
        (1.0 / 60.0, "min")
    };
    let ticks = axis::round_steps(0.0, hours / unit, 4.0);
    let last = ticks.len().saturating_sub(1);
    for (index, value) in ticks.into_iter().enumerate() {
        let x = left + (right - left) * value * unit / hours.max(f64::MIN_POSITIVE);
        svg.line([x, y, x, y + 4.0], Paint::line(QUIET, 1.0));
        let words = if index == last {
            format!("{value} {word}")
        } else {
            value.to_string()
        };
        svg.text(
            (x, y + 16.0),
            Type::of(10.5).at(Anchor::Middle).quiet(),
            &words,
        );
    }
}

fn money(svg: &mut Svg, prospect: &Prospect, [left, right]: [f64; 2], x: &dyn Fn(&Moment) -> f64) {
    let [top, tall] = MONEY;
    let bands: Vec<(f64, [f64; 3])> = prospect
        .moments
        .iter()
        .filter_map(|moment| {
            let band = moment.money?;
            let of = |amount: causeway_domain::Usd| amount.get().to_f64();
            Some((x(moment), [of(band.p5)?, of(band.p50)?, of(band.p95)?]))
        })
        .collect();
    if bands.is_empty() {
        svg.text(
            (left, top + 20.0),
            Type::of(11.5).quiet(),
            "no price is known",
        );
        return;
    }
    // Even: money grows with time, and a straight line should look like one.
    let most = bands
        .iter()
        .map(|(_, [_, _, high])| *high)
        .fold(0.0, f64::max);
    let scale = Axis::over([most / 2.0, most].into_iter(), top + tall, top);
    for value in axis::round_steps(0.0, most.max(f64::MIN_POSITIVE), 3.0) {
        let y = scale.place(value);
        svg.line([left, y, right, y], Paint::line(GUIDE, 1.0));
        svg.text(
            (left - 5.0, y + 4.0),
            Type::of(10.5).at(Anchor::End).quiet(),
            &axis::dollars(value),
        );
    }
    let low = bands.iter().map(|(x, [low, _, _])| (*x, scale.place(*low)));
    let high = bands
        .iter()
        .rev()
        .map(|(x, [_, _, high])| (*x, scale.place(*high)));
    svg.path(
        &[low.chain(high).collect()],
        true,
        Paint::fill(BLUE).opacity(0.22),
    );
    let middle: Vec<(f64, f64)> = bands
        .iter()
        .map(|(x, [_, middle, _])| (*x, scale.place(*middle)))
        .collect();
    svg.path(&[middle], false, Paint::line(BLUE, 2.0));
    svg.line([left, top + tall, right, top + tall], Paint::line(INK, 1.0));
    let hours = prospect
        .moments
        .last()
        .map_or(1.0, |moment| moment.at.get());
    times(svg, [left, right], hours, top + tall);
}

/// Places of marks so far apart that none covers another, in the order of the wanted places, within both edges.
fn apart(wanted: &[f64], least: f64, [left, right]: [f64; 2]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    let of = |index: usize| wanted.get(index).copied().unwrap_or_default();
    order.sort_by(|a, b| of(*a).total_cmp(&of(*b)));
    let mut places = wanted.to_vec();
    // From the right to the left no mark may pass the edge or the next one, and then the same the other way.
    let mut most = right;
    for index in order.iter().rev() {
        if let Some(place) = places.get_mut(*index) {
            *place = place.min(most);
            most = *place - least;
        }
    }
    let mut first = left;
    for index in order {
        if let Some(place) = places.get_mut(index) {
            *place = place.max(first);
            first = *place + least;
        }
    }
    places
}

/// A row for each plan, a mark for each reading.
fn readings(outlook: &Outlook, first: &Reading) -> Picture {
    const NAMES: f64 = 250.0;
    const ROW: f64 = 30.0;
    const HEAD: f64 = 30.0;
    let plans: Vec<&Prospect> = first.prospects.iter().take(COMPARED).collect();
    let bottom = HEAD + ROW * plans.len() as f64;
    let columns = outlook.readings.len();
    let key = bottom + 26.0;
    let height = key + 18.0 * columns as f64;
    let mut svg = Svg::new(
        "readings",
        WIDTH,
        height,
        "How each plan does in each reading of the future",
        "A row for each plan; each number marks the share of the futures of a reading in which the plan finishes, lawful all the way.",
    );
    let right = WIDTH - 20.0;
    let x = |share: Probability| NAMES + (right - NAMES) * share.get().clamp(0.0, 1.0);
    for tenth in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let at = x(Probability::new(tenth));
        svg.line([at, HEAD - 8.0, at, bottom], Paint::line(GUIDE, 1.0));
        svg.text(
            (at, HEAD - 14.0),
            Type::of(11.0).at(Anchor::Middle).quiet(),
            &format!("{:.0} %", tenth * 100.0),
        );
    }
    svg.text(
        (0.0, HEAD - 14.0),
        Type::of(11.0).quiet(),
        "share of futures in which it finishes",
    );
    for (row, plan) in plans.iter().enumerate() {
        let y = HEAD + ROW * (row as f64 + 0.5);
        let robust = outlook
            .robust
            .as_ref()
            .is_some_and(|robust| robust.place == plan.place);
        svg.text(
            (0.0, y + 4.0),
            Type::of(12.0).bold(robust),
            &cut(&plan.place, 12.0, NAMES - 34.0),
        );
        let shares: Vec<Probability> = outlook
            .readings
            .iter()
            .filter_map(|reading| {
                reading
                    .prospects
                    .iter()
                    .find(|other| other.place == plan.place)
            })
            .map(|other| other.finishes)
            .collect();
        let least = shares.iter().copied().map(x).fold(f64::INFINITY, f64::min);
        let most = shares.iter().copied().map(x).fold(0.0, f64::max);
        svg.line([least, y, most, y], Paint::line(QUIET, 1.2));
        let wanted: Vec<f64> = shares.iter().copied().map(x).collect();
        let places = apart(&wanted, 18.0, [NAMES, right]);
        for (index, (share, at)) in shares.iter().zip(places).enumerate() {
            svg.group(
                &format!(
                    "{}: {share}",
                    outlook
                        .readings
                        .get(index)
                        .map_or("", |reading| reading.name.as_str())
                ),
                |svg| {
                    svg.circle(
                        (at, y),
                        8.5,
                        Paint::fill(if index == 0 { BLUE } else { "#fff" }).edge(BLUE, 1.5),
                    );
                    let text = Type::of(10.5).at(Anchor::Middle).bold(true);
                    let text = if index == 0 { text.white() } else { text };
                    svg.text((at, y + 3.8), text, &(index + 1).to_string());
                },
            );
        }
    }
    for (index, reading) in outlook.readings.iter().enumerate() {
        let y = key + 18.0 * index as f64;
        svg.text(
            (0.0, y),
            Type::of(11.5),
            &cut(
                &format!("{}  {}: {}", index + 1, reading.name, reading.title),
                11.5,
                WIDTH,
            ),
        );
    }
    Picture {
        drawing: svg.finish(),
        caption: "The further to the right the worst of its marks, the less a plan hangs on how things turn out; the most robust one is set in bold. Marks that would cover each other stand side by side.".to_owned(),
    }
}

/// What may happen, how likely that is, and who says so.
fn premises(outlook: &Outlook) -> Table {
    let rows = outlook
        .premises
        .iter()
        .map(|premise| {
            let source = premise.source.as_deref();
            vec![
                Cell::text(&premise.name),
                Cell::text(&premise.what),
                Cell::text(&premise.chance),
                Cell::text(source.unwrap_or("an assumption of the file's author")),
            ]
        })
        .collect();
    Table {
        caption: "What the futures rest on".to_owned(),
        head: vec!["name", "what", "when, and how likely", "who says so"],
        rows,
    }
}

fn ends(outlook: &Outlook) -> Table {
    let unknown = || "?".to_owned();
    let rows = outlook
        .readings
        .iter()
        .flat_map(|reading| {
            reading.prospects.iter().take(TOLD).map(|prospect| {
                let stops: Vec<String> = prospect
                    .stopped
                    .iter()
                    .take(3)
                    .map(|(why, share)| format!("{why} {share}"))
                    .collect();
                vec![
                    Cell::text(&prospect.place),
                    Cell::text(&reading.name),
                    Cell::number(format!("{} (\u{b1} {})", prospect.finishes, prospect.error)),
                    Cell::number(
                        prospect
                            .money
                            .map_or_else(unknown, |money| words::dollars(money.p50)),
                    ),
                    Cell::number(
                        prospect
                            .money
                            .map_or_else(unknown, |money| words::dollars(money.p95)),
                    ),
                    Cell::number(prospect.time.map_or_else(unknown, |time| span(time.p50))),
                    Cell::number(prospect.time.map_or_else(unknown, |time| span(time.p95))),
                    Cell::number(
                        prospect
                            .money_lost
                            .map_or_else(|| "?".to_owned(), |lost| words::dollars(lost.p95)),
                    ),
                    Cell::text(stops.join(", ")),
                ]
            })
        })
        .collect();
    Table {
        caption: "How each plan ends, by reading; \u{b1} is the standard error of the draws"
            .to_owned(),
        head: vec![
            "plan",
            "reading",
            "finishes",
            "money, half",
            "money, 95 %",
            "time, half",
            "time, 95 %",
            "lost, 95 %",
            "stopped by",
        ],
        rows,
    }
}

fn days(view: &View<'_>, outlook: &Outlook) -> Table {
    let rows = outlook
        .readings
        .first()
        .into_iter()
        .flat_map(|reading| drawn(view, reading))
        .flat_map(|prospect| {
            prospect.moments.iter().map(|moment| {
                let money = |of: fn(
                    &crate::scenario::Band<causeway_domain::Usd>,
                ) -> causeway_domain::Usd| {
                    Cell::number(
                        moment
                            .money
                            .as_ref()
                            .map_or_else(|| "?".to_owned(), |band| words::dollars(of(band))),
                    )
                };
                vec![
                    Cell::text(&prospect.place),
                    Cell::number(span(moment.at)),
                    Cell::number(moment.finished.to_string()),
                    Cell::number(moment.going().to_string()),
                    Cell::number(moment.stopped.to_string()),
                    money(|band| band.p5),
                    money(|band| band.p50),
                    money(|band| band.p95),
                ]
            })
        })
        .collect();
    Table {
        caption: "The drawn plans from day to day".to_owned(),
        head: vec![
            "plan",
            "after",
            "finished",
            "runs or waits",
            "stopped",
            "money, 5 %",
            "money, half",
            "money, 95 %",
        ],
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn marks_keep_their_order_and_do_not_cover_each_other() {
        assert_eq!(
            apart(&[50.0, 10.0, 48.0], 18.0, [0.0, 100.0]),
            [50.0, 10.0, 32.0]
        );
        assert_eq!(apart(&[99.0, 99.0], 18.0, [0.0, 90.0]), [72.0, 90.0]);
        assert_eq!(apart(&[3.0, 3.0], 18.0, [0.0, 90.0]), [0.0, 18.0]);
        assert!(apart(&[], 18.0, [0.0, 90.0]).is_empty());
    }
}
