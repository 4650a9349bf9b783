//! What may change, by the calendar: the rules that decide, from their first day to their last, and the run among them.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Date, Fact};
use causeway_law::{ActKind, Effect, Outcome, RuleInfo, Status};
use jiff::Span;

use super::pending::bills;
use super::standing::Standing;
use super::svg::{Anchor, GUIDE, INK, Paint, Svg, Type, cut};
use super::{Cell, Picture, Section, Table, View, words};

const WIDTH: f64 = 960.0;
const NAMES: f64 = 300.0;
const ROW: f64 = 34.0;
const HEAD: f64 = 44.0;
/// The most rules that are drawn; the table has all.
const MOST: usize = 14;

/// A rule that gives nothing by itself.
const NEUTRAL: &str = "#8C8C88";

/// What a rule gives, where it stands in the way of something.
fn gives(outcome: Outcome) -> Option<Standing> {
    (outcome != Outcome::Allow).then(|| outcome.into())
}

/// A rule that decides a candidate, or would.
struct Line<'a> {
    info: &'a RuleInfo,
    /// The strictest that it gives; none for a rule that only says how others are read, or a bill that changes nothing.
    gives: Option<Standing>,
    from: Option<Date>,
    to: Option<Date>,
    bill: bool,
    /// The candidates that it decides.
    decides: BTreeSet<String>,
}

impl Line<'_> {
    fn days(&self) -> String {
        let day = |day: Option<Date>, none: &str| {
            day.map_or_else(|| none.to_owned(), |day| day.to_string())
        };
        format!(
            "{} to {}",
            day(self.from, "no first day"),
            day(self.to, "no last day")
        )
    }
}

/// The first and last day over all policies of a rule; none where one of them is open.
fn days(view: &View<'_>, info: &RuleInfo) -> (Option<Date>, Option<Date>) {
    let Some(detail) = view.page.packs.detail(&info.id) else {
        return (info.from, info.to);
    };
    let first: Option<Vec<Date>> = detail.parts.iter().map(|part| part.from).collect();
    let last: Option<Vec<Date>> = detail.parts.iter().map(|part| part.to).collect();
    (
        first.and_then(|all| all.into_iter().min()),
        last.and_then(|all| all.into_iter().max()),
    )
}

fn lines<'a>(view: &View<'a>) -> Vec<Line<'a>> {
    let mut effects: BTreeMap<&str, (Effect, BTreeSet<String>)> = BTreeMap::new();
    for candidate in &view.shown {
        for hit in candidate
            .clearance
            .verdicts
            .iter()
            .flat_map(|verdict| &verdict.deciding)
        {
            let entry = effects
                .entry(&hit.id)
                .or_insert((hit.outcome, BTreeSet::new()));
            entry.0 = entry.0.max(hit.outcome);
            entry.1.insert(candidate.name());
        }
    }
    let mut out: Vec<Line<'a>> = view
        .page
        .packs
        .rules()
        .filter_map(|info| {
            let (effect, decides) = effects.remove(info.id.as_str())?;
            let (from, to) = days(view, info);
            Some(Line {
                info,
                gives: gives(effect.outcome()),
                from,
                to,
                bill: matches!(info.status, Status::Bill | Status::Proposed),
                decides,
            })
        })
        .collect();
    for bill in bills(view) {
        let worst = bill.changes.iter().map(|(_, standing)| *standing).max();
        for info in bill.rules {
            let (from, to) = days(view, info);
            out.push(Line {
                info,
                gives: worst,
                from,
                to,
                bill: true,
                decides: bill.changes.iter().map(|(name, _)| name.clone()).collect(),
            });
        }
    }
    // Rules before bills, the strictest first.
    out.sort_by(|a, b| {
        a.bill
            .cmp(&b.bill)
            .then(b.gives.cmp(&a.gives))
            .then_with(|| a.info.id.cmp(&b.info.id))
    });
    out
}

/// The days of the best candidate's run, were it to begin today: first, expected last, and last of the interval.
pub(super) fn run(view: &View<'_>) -> Option<(Date, Date, Date)> {
    let best = view.shown.first()?;
    let Fact::Known(hours, _) = &best.estimate.as_ref().ok()?.hours else {
        return None;
    };
    Some((
        view.today,
        after(view.today, hours.mid.get())?,
        after(view.today, hours.high.get())?,
    ))
}

fn after(day: Date, hours: f64) -> Option<Date> {
    // A run longer than two centuries has no end that a picture could show.
    let days = (hours / 24.0).ceil().min(73_000.0);
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    let days = if days >= 0.0 {
        days as i64
    } else {
        return None;
    };
    day.checked_add(Span::new().days(days)).ok()
}

/// The days within the run on which the law may read otherwise, for acts of a plan.
pub(super) fn turning(view: &View<'_>, until: Date) -> Vec<Date> {
    let kinds = BTreeSet::from([
        ActKind::RentIaas,
        ActKind::UseChip,
        ActKind::TransferDataset,
        ActKind::TransferTechnology,
        ActKind::TransferWeights,
    ]);
    view.page
        .packs
        .turning_days(&kinds)
        .into_iter()
        .filter(|day| *day > view.today && *day <= until)
        .collect()
}

pub(super) fn section(view: &View<'_>) -> Section {
    let lines = lines(view);
    let rows = lines.iter().map(|line| row(view, line)).collect();
    let mut notes = Vec::new();
    if lines.len() > MOST {
        notes.push(format!(
            "{} more are in the table.",
            words::count(lines.len() - MOST, "rule")
        ));
    }
    Section {
        id: "rules",
        question: "What may change? The rules",
        finding: finding(view, &lines),
        pictures: (!lines.is_empty())
            .then(|| picture(view, &lines))
            .into_iter()
            .collect(),
        tables: vec![Table {
            caption: "Rules that decide one of the best candidates, and bills that would"
                .to_owned(),
            head: vec![
                "rule",
                "what",
                "where it is written",
                "days",
                "status",
                "gives at most",
                "for",
                "changes next",
                "seen",
            ],
            rows,
        }],
        notes,
    }
}

fn row(view: &View<'_>, line: &Line<'_>) -> Vec<Cell> {
    let next = view
        .page
        .packs
        .detail(&line.info.id)
        .and_then(|detail| {
            detail
                .timeline()
                .into_iter()
                .find(|event| event.day > view.today)
        })
        .map_or_else(
            || "no day known".to_owned(),
            |event| format!("{}: {}", event.day, event.what),
        );
    let names: Vec<String> = line.decides.iter().cloned().collect();
    let decides = match names.len() {
        0 => "no candidate otherwise than today".to_owned(),
        1..=3 => words::listed(&names),
        more => format!("{more} of the best candidates"),
    };
    vec![
        Cell::text(&line.info.id),
        Cell::text(&line.info.title),
        Cell::text(line.info.citation.join("; ")),
        Cell::text(line.days()),
        Cell::text(if line.bill {
            format!("bill, not in force ({})", line.info.status)
        } else {
            line.info.status.word().replace('_', " ")
        }),
        line.gives.map_or_else(
            || {
                Cell::text(if line.bill {
                    "no change"
                } else {
                    "how other rules read"
                })
            },
            Cell::standing,
        ),
        Cell::text(decides),
        Cell::text(next),
        Cell::text(line.info.verified.word()),
    ]
}

fn finding(view: &View<'_>, lines: &[Line<'_>]) -> String {
    let (bills, rules): (Vec<&Line<'_>>, Vec<&Line<'_>>) = lines.iter().partition(|line| line.bill);
    let mut parts = Vec::new();
    let ids = |lines: &[&Line<'_>]| {
        let mut all: Vec<String> = lines
            .iter()
            .take(4)
            .map(|line| line.info.id.clone())
            .collect();
        if lines.len() > 4 {
            all.push(format!("{} more", lines.len() - 4));
        }
        words::listed(&all)
    };
    if rules.is_empty() {
        parts.push("No rule stands in the way of the candidates that were looked at.".to_owned());
    } else {
        parts.push(format!(
            "{} the candidates that were looked at: {}.",
            if rules.len() == 1 {
                "One rule decides"
            } else {
                "These rules decide"
            },
            ids(&rules)
        ));
    }
    let changing: Vec<&Line<'_>> = bills
        .iter()
        .copied()
        .filter(|line| !line.decides.is_empty())
        .collect();
    if changing.is_empty() {
        parts.push(
            "No bill of the rule packs would change how they stand, judged as of today.".to_owned(),
        );
    } else {
        parts.push(format!(
            "{} would change how they stand if passed: {}.",
            words::count(changing.len(), "bill"),
            ids(&changing)
        ));
    }
    match run(view) {
        Some((_, end, _)) => {
            let days = turning(view, end);
            parts.push(match days.first() {
                None => format!("Begun today the run would end by {}; the law names no day before that on which it would read otherwise.", words::long_day(end)),
                Some(day) => format!("Begun today the run would end by {}; the law itself may read otherwise from {} on.", words::long_day(end), words::long_day(*day)),
            });
        }
        None => parts.push("How long the run takes is not known, so it is not drawn.".to_owned()),
    }
    parts.join(" ")
}

/// From days to pixels.
struct Calendar {
    first: Date,
    days: f64,
}

impl Calendar {
    fn of(view: &View<'_>) -> Self {
        let year = Span::new().months(12);
        let end = run(view).map_or(view.today, |(_, _, last)| last);
        let first = view.today.checked_sub(year).unwrap_or(view.today);
        // A run of many years would squeeze the rest: what lies past six years is cut.
        let last = end.min(after(view.today, 6.0 * 365.25 * 24.0).unwrap_or(end));
        let last = last.checked_add(year).unwrap_or(last);
        Self {
            days: f64::from((last - first).get_days()).max(1.0),
            first,
        }
    }

    fn raw(&self, day: Date) -> f64 {
        let days = f64::from((day - self.first).get_days());
        NAMES + (WIDTH - NAMES) * days / self.days
    }

    fn place(&self, day: Date) -> f64 {
        self.raw(day).clamp(NAMES, WIDTH)
    }

    /// First days of quarters, or of years where there are many.
    fn ticks(&self) -> Vec<Date> {
        let every = if self.days > 1500.0 { 12 } else { 3 };
        let mut day = self.first.first_of_month();
        let mut out = Vec::new();
        while out.len() < 40 {
            if (day.month() - 1) % every == 0 && self.raw(day) > NAMES + 4.0 {
                if self.raw(day) > WIDTH - 16.0 {
                    break;
                }
                out.push(day);
            }
            match day.checked_add(Span::new().months(1)) {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
        out
    }
}

fn picture(view: &View<'_>, lines: &[Line<'_>]) -> Picture {
    let drawn = lines.len().min(MOST);
    let bottom = HEAD + ROW * drawn as f64;
    let height = bottom + 30.0;
    let mut svg = Svg::new(
        "timeline",
        WIDTH,
        height,
        "Rules over the run",
        &finding(view, lines),
    );
    svg.define(
        "<linearGradient id=\"fade-out\"><stop offset=\"0\" stop-color=\"#fff\" stop-opacity=\"0\"/><stop offset=\"1\" stop-color=\"#fff\"/></linearGradient>\
         <linearGradient id=\"fade-in\"><stop offset=\"0\" stop-color=\"#fff\"/><stop offset=\"1\" stop-color=\"#fff\" stop-opacity=\"0\"/></linearGradient>",
    );
    let calendar = Calendar::of(view);
    for day in calendar.ticks() {
        let x = calendar.place(day);
        svg.line([x, HEAD - 6.0, x, bottom], Paint::line(GUIDE, 1.0));
        let words = if day.month() == 1 {
            day.year().to_string()
        } else {
            day.strftime("%b").to_string()
        };
        svg.text(
            (x, HEAD - 12.0),
            Type::of(11.0)
                .at(Anchor::Middle)
                .quiet()
                .bold(day.month() == 1),
            &words,
        );
    }
    for (row, line) in lines.iter().take(MOST).enumerate() {
        bar(&mut svg, &calendar, HEAD + ROW * row as f64, line);
    }
    span_of_run(view, &mut svg, &calendar, bottom);
    let mut there: Vec<Standing> = lines.iter().filter_map(|line| line.gives).collect();
    there.sort();
    there.dedup();
    let at = svg.legend((0.0, height - 6.0), &there);
    if lines.iter().any(|line| line.bill) {
        svg.rect(
            [at, height - 16.0, 26.0, 11.0],
            2.0,
            Paint::fill("#fff").edge(INK, 1.2).dash("4 3"),
        );
        svg.text(
            (at + 33.0, height - 6.0),
            Type::of(12.0),
            "a bill: not in force, drawn as if passed",
        );
    }
    Picture {
        drawing: svg.finish(),
        caption: "Each bar goes from the first day of a rule to its last. An end that fades has no day, or lies outside the picture. The upright band is the run of the best candidate, were it to begin today; \
                  its lighter part reaches to the upper end of the expected time."
            .to_owned(),
    }
}

fn bar(svg: &mut Svg, calendar: &Calendar, y: f64, line: &Line<'_>) {
    svg.line([0.0, y, WIDTH, y], Paint::line(GUIDE, 1.0));
    if let Some(gives) = line.gives {
        svg.sign((7.0, y + 17.0), 5.5, gives);
    }
    let name = if line.bill {
        format!("{} (bill)", line.info.id)
    } else {
        line.info.id.clone()
    };
    svg.text(
        (20.0, y + 15.0),
        Type::of(12.0).bold(true),
        &cut(&name, 12.0, NAMES - 40.0),
    );
    svg.text(
        (20.0, y + 28.0),
        Type::of(10.5).quiet(),
        &cut(&line.info.title, 10.5, NAMES - 34.0),
    );
    let open_start = line.from.is_none_or(|day| day < calendar.first);
    let open_end = line.to.is_none_or(|day| calendar.raw(day) > WIDTH);
    let (from, to) = (
        line.from.map_or(NAMES, |day| calendar.place(day)),
        line.to.map_or(WIDTH, |day| calendar.place(day)),
    );
    let title = format!(
        "{}: {}, {}",
        line.info.title,
        line.gives
            .map_or("gives nothing by itself", Standing::words),
        line.days()
    );
    svg.group(&title, |svg| {
        let paint = if line.bill {
            Paint::fill(line.gives.map_or("#f3f3f1", Standing::tint))
                .edge(line.gives.map_or(NEUTRAL, Standing::colour), 1.4)
                .dash("5 3")
        } else {
            Paint::fill(line.gives.map_or(NEUTRAL, Standing::colour))
        };
        svg.rect([from, y + 9.0, (to - from).max(2.0), 16.0], 2.0, paint);
        // White over what fades.
        let fade = (to - from).min(46.0);
        if open_start {
            svg.rect(
                [from - 1.0, y + 7.0, fade, 20.0],
                0.0,
                Paint::fill("url(#fade-in)"),
            );
        }
        if open_end {
            svg.rect(
                [to - fade + 2.0, y + 7.0, fade, 20.0],
                0.0,
                Paint::fill("url(#fade-out)"),
            );
        }
    });
    if let Some(day) = line.from.filter(|_| open_start && !line.bill) {
        svg.text(
            (NAMES + 6.0, y + 21.0),
            Type::of(10.5).halo(),
            &format!("since {day}"),
        );
    }
}

fn span_of_run(view: &View<'_>, svg: &mut Svg, calendar: &Calendar, bottom: f64) {
    let today = calendar.place(view.today);
    if let Some((first, end, last)) = run(view) {
        let (x, to, late) = (
            calendar.place(first),
            calendar.place(end),
            calendar.place(last),
        );
        svg.group(
            &format!("the run, {first} to {end}, {last} at the latest"),
            |svg| {
                svg.rect(
                    [x, HEAD - 4.0, (late - x).max(3.0), bottom - HEAD + 4.0],
                    0.0,
                    Paint::fill(INK).opacity(0.10),
                );
                svg.rect(
                    [x, HEAD - 4.0, (to - x).max(3.0), bottom - HEAD + 4.0],
                    0.0,
                    Paint::fill(INK).opacity(0.20),
                );
            },
        );
        for day in turning(view, last) {
            let x = calendar.place(day);
            svg.path(
                &[vec![
                    (x - 4.0, HEAD - 9.0),
                    (x + 4.0, HEAD - 9.0),
                    (x, HEAD - 3.0),
                ]],
                true,
                Paint::fill(INK),
            );
        }
    }
    svg.line([today, HEAD - 22.0, today, bottom], Paint::line(INK, 1.4));
    let what = if run(view).is_some() {
        "today, and the run"
    } else {
        "today"
    };
    svg.text(
        (today, HEAD - 28.0),
        Type::of(11.5).bold(true).at(Anchor::Middle).halo(),
        what,
    );
}
