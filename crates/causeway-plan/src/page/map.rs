//! What moves: the countries of the candidates, and what the best one sends and brings home.

use std::collections::BTreeMap;

use causeway_domain::Country;
use causeway_law::{ActKind, Described};

use super::standing::Standing;
use super::svg::{GUIDE, INK, Paint, Places, Svg, Type, label, width};
use super::world::{HALF_WIDTH, Place, World, great_circle, project};
use super::{Cell, Picture, Section, Table, View, words};
use crate::candidate::Candidate;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 480.0;
/// The least part of the world that is shown, in units of the projection: about 70 degrees at the equator.
const LEAST: f64 = 1.05;
/// Points of an arc.
const STEPS: u32 = 48;

/// Something that goes over the line or stays.
struct Moved {
    kind: ActKind,
    what: String,
    from: Option<Country>,
    to: Option<Country>,
    standing: Standing,
}

impl Moved {
    /// Whether it crosses a border; none where an end is unknown.
    fn crosses(&self) -> Option<bool> {
        Some(self.from? != self.to?)
    }
}

/// What a candidate moves, as the law sees it.
fn moves(view: &View<'_>, candidate: &Candidate) -> Vec<Moved> {
    candidate
        .bare(view.page.comparison.at)
        .into_iter()
        .zip(&candidate.clearance.verdicts)
        .filter_map(|(Described { act, items }, verdict)| {
            let items: Vec<String> = items.into_iter().collect();
            let what = match act.kind {
                ActKind::TransferDataset => words::listed(&items),
                ActKind::TransferTechnology => "code".to_owned(),
                ActKind::TransferWeights => "weights".to_owned(),
                _ => return None,
            };
            Some(Moved {
                kind: act.kind,
                what,
                from: act.from,
                to: act.to.known().copied(),
                standing: verdict.outcome.into(),
            })
        })
        .collect()
}

pub(super) fn section(view: &View<'_>) -> Section {
    let world = World::builtin();
    let place = |country: Option<Country>| {
        country.map_or_else(
            || "not stated".to_owned(),
            |country| country.name().to_owned(),
        )
    };
    let rows = view
        .shown
        .iter()
        .flat_map(|candidate| {
            moves(view, candidate).into_iter().map(|moved| {
                vec![
                    Cell::text(candidate.name()),
                    Cell::text(moved.what.clone()),
                    Cell::text(place(moved.from)),
                    Cell::text(place(moved.to)),
                    Cell::text(match moved.crosses() {
                        Some(true) => "yes",
                        Some(false) => "no",
                        None => "not known",
                    }),
                    Cell::standing(moved.standing),
                ]
            })
        })
        .collect();
    let mut notes = Vec::new();
    if let Some(world) = &world {
        let missing: Vec<String> = countries(view)
            .into_keys()
            .filter(|country| world.point(*country).is_none())
            .map(|country| country.name().to_owned())
            .collect();
        if !missing.is_empty() {
            notes.push(format!(
                "Without a point on this map: {}.",
                missing.join(", ")
            ));
        }
    }
    Section {
        id: "moves",
        question: "What moves?",
        finding: finding(view),
        pictures: world
            .and_then(|world| picture(view, &world))
            .into_iter()
            .collect(),
        tables: vec![Table {
            caption: "What the best candidates send and bring home".to_owned(),
            head: vec!["offer", "what", "from", "to", "crosses a border", "stands"],
            rows,
        }],
        notes,
    }
}

fn finding(view: &View<'_>) -> String {
    let Some(best) = view.shown.first() else {
        return "Nothing moves: there is no candidate.".to_owned();
    };
    let all = moves(view, best);
    let with = |crosses: Option<bool>| -> Vec<String> {
        all.iter()
            .filter(|moved| moved.crosses() == crosses)
            .map(|moved| match (moved.kind, moved.from, moved.to) {
                (ActKind::TransferWeights, Some(from), Some(to)) if crosses == Some(true) => {
                    format!(
                        "the weights from {} to {}",
                        words::in_country(from),
                        words::in_country(to)
                    )
                }
                (_, Some(from), Some(to)) if crosses == Some(true) => {
                    format!(
                        "{} from {} to {}",
                        moved.what,
                        words::in_country(from),
                        words::in_country(to)
                    )
                }
                _ => moved.what.clone(),
            })
            .collect()
    };
    let mut parts = Vec::new();
    let (over, stays, open) = (with(Some(true)), with(Some(false)), with(None));
    if !over.is_empty() {
        parts.push(format!(
            "{} over a border: {}.",
            if over.len() == 1 {
                "One thing goes"
            } else {
                "These go"
            },
            words::listed(&over)
        ));
    }
    if !stays.is_empty() {
        parts.push(format!(
            "No border is crossed by {}.",
            words::listed(&stays)
        ));
    }
    if !open.is_empty() {
        parts.push(format!(
            "For {} nobody states where it is or goes, so the law takes it as open.",
            words::listed(&open)
        ));
    }
    if parts.is_empty() {
        parts.push("Nothing is sent and nothing comes home.".to_owned());
    }
    format!("With {}: {}", best.name(), parts.join(" "))
}

/// The countries of all candidates with the best standing in each.
fn countries(view: &View<'_>) -> BTreeMap<Country, Standing> {
    let mut out = BTreeMap::new();
    for candidate in view.all() {
        if let Some(country) = candidate.country.known() {
            let standing = Standing::of(candidate);
            let best = out.entry(*country).or_insert(standing);
            *best = (*best).min(standing);
        }
    }
    out
}

/// The part of the world that is shown.
struct Window {
    left: f64,
    top: f64,
    scale: f64,
}

impl Window {
    /// Around some projected points, with a margin, as wide as the picture.
    fn around(points: &[(f64, f64)]) -> Self {
        let fold = |start: f64, by: fn(f64, f64) -> f64, of: fn(&(f64, f64)) -> f64| {
            points.iter().map(of).fold(start, by)
        };
        let (left, right) = (
            fold(f64::INFINITY, f64::min, |p| p.0),
            fold(f64::NEG_INFINITY, f64::max, |p| p.0),
        );
        let (low, high) = (
            fold(f64::INFINITY, f64::min, |p| p.1),
            fold(f64::NEG_INFINITY, f64::max, |p| p.1),
        );
        let aspect = WIDTH / HEIGHT;
        let wide = ((right - left) * 1.35)
            .max((high - low) * 1.6 * aspect)
            .clamp(LEAST, 2.0 * HALF_WIDTH);
        let tall = wide / aspect;
        let centre =
            f64::midpoint(left, right).clamp(wide / 2.0 - HALF_WIDTH, HALF_WIDTH - wide / 2.0);
        // No land is shown south of about 57 degrees.
        let middle = f64::midpoint(low, high)
            .clamp((-1.0 + tall / 2.0).min(0.15), (1.3 - tall / 2.0).max(0.15));
        Self {
            left: centre - wide / 2.0,
            top: middle + tall / 2.0,
            scale: WIDTH / wide,
        }
    }

    fn pixel(&self, (x, y): (f64, f64)) -> (f64, f64) {
        ((x - self.left) * self.scale, (self.top - y) * self.scale)
    }
}

fn picture(view: &View<'_>, world: &World) -> Option<Picture> {
    let countries = countries(view);
    let best = view
        .shown
        .first()
        .map(|best| moves(view, best))
        .unwrap_or_default();
    let ends = best
        .iter()
        .flat_map(|moved| [moved.from, moved.to])
        .flatten();
    let points: Vec<(f64, f64)> = countries
        .keys()
        .copied()
        .chain(ends)
        .chain(view.page.home)
        .filter_map(|country| world.point(country))
        .map(project)
        .collect();
    if points.is_empty() {
        return None;
    }
    let window = Window::around(&points);
    let mut svg = Svg::new(
        "map",
        WIDTH,
        HEIGHT + 26.0,
        "Countries of the candidates, and what moves between them",
        &finding(view),
    );
    svg.define(
        "<clipPath id=\"map-frame\"><rect width=\"960\" height=\"480\" rx=\"3\"/></clipPath>",
    );
    svg.rect(
        [0.0, 0.0, WIDTH, HEIGHT],
        3.0,
        Paint::fill("#f3f6f8").edge(GUIDE, 1.0),
    );
    svg.clipped("map-frame", |svg| land(svg, world, &window));
    let mut places = Places::default();
    let spot = |country: Country| {
        world
            .point(country)
            .map(|point| window.pixel(project(point)))
    };
    for country in countries.keys().copied().chain(view.page.home) {
        if let Some((x, y)) = spot(country) {
            places.take([x - 9.0, y - 9.0, 18.0, 18.0]);
        }
    }
    let mut lanes: BTreeMap<(Country, Country), u32> = BTreeMap::new();
    for moved in &best {
        if let (Some(from), Some(to)) = (moved.from, moved.to)
            && from != to
            && let (Some(a), Some(b)) = (world.point(from), world.point(to))
        {
            let lane = lanes.entry((from.min(to), from.max(to))).or_default();
            arc(&mut svg, &window, &mut places, (a, b), *lane, moved);
            *lane += 1;
        }
    }
    let bounds = [4.0, 4.0, WIDTH - 4.0, HEIGHT - 4.0];
    let chosen = view
        .chosen
        .and_then(|chosen| chosen.country.known().copied());
    for (country, standing) in &countries {
        let Some(at) = spot(*country) else { continue };
        svg.group(
            &format!("{}: {}", country.name(), standing.words()),
            |svg| {
                if chosen == Some(*country) {
                    svg.circle(at, 11.0, Paint::line(INK, 1.6));
                }
                svg.sign(at, 6.0, *standing);
            },
        );
        label(
            &mut svg,
            &mut places,
            at,
            country.name(),
            Type::of(12.0).bold(chosen == Some(*country)),
            bounds,
        );
    }
    if let Some(home) = view.page.home
        && let Some((x, y)) = spot(home)
    {
        let house = vec![
            (x - 6.0, y + 6.0),
            (x - 6.0, y - 1.0),
            (x, y - 7.0),
            (x + 6.0, y - 1.0),
            (x + 6.0, y + 6.0),
        ];
        svg.path(&[house], true, Paint::fill(INK).edge("#fff", 1.2));
        label(
            &mut svg,
            &mut places,
            (x, y),
            &format!("{}, home", home.name()),
            Type::of(12.0).bold(true),
            bounds,
        );
    }
    let there: Vec<Standing> = Standing::ALL
        .into_iter()
        .filter(|one| countries.values().any(|other| other == one))
        .collect();
    let mut at = svg.legend((0.0, HEIGHT + 20.0), &there);
    for (kind, words) in [
        (ActKind::TransferDataset, "data out"),
        (ActKind::TransferTechnology, "code out"),
        (ActKind::TransferWeights, "weights home"),
    ] {
        if best
            .iter()
            .any(|moved| moved.kind == kind && moved.crosses() == Some(true))
        {
            svg.line([at, HEIGHT + 16.0, at + 26.0, HEIGHT + 16.0], pen(kind));
            svg.text((at + 32.0, HEIGHT + 20.0), Type::of(12.0), words);
            at += 32.0 + width(words, 12.0) + 20.0;
        }
    }
    Some(Picture {
        drawing: svg.finish(),
        caption: format!(
            "Points are countries, not buildings. A sign is the best that an offer in the country has; the ring is the best place{}. Arcs follow great circles, drawn beside each other where they share a way. \
             Equal Earth projection (\u{160}avri\u{10d}, Patterson and Jenny 2019). Land: {}; {}.",
            if view.page.home.is_some() {
                ", the house is home"
            } else {
                ""
            },
            world.source,
            world.licence
        ),
    })
}

fn land(svg: &mut Svg, world: &World, window: &Window) {
    let rings: Vec<Vec<(f64, f64)>> = world
        .outlines()
        .map(|ring| {
            ring.into_iter()
                .map(|point| window.pixel(point))
                .collect::<Vec<_>>()
        })
        // What lies wholly to one side of the frame is not drawn.
        .filter(|ring| {
            !(ring.iter().all(|p| p.0 < 0.0)
                || ring.iter().all(|p| p.0 > WIDTH)
                || ring.iter().all(|p| p.1 < 0.0)
                || ring.iter().all(|p| p.1 > HEIGHT))
        })
        .collect();
    svg.path(&rings, true, Paint::fill("#e2e0d8").edge("#fff", 0.6));
}

fn pen(kind: ActKind) -> Paint {
    match kind {
        ActKind::TransferDataset => Paint::line("#0072B2", 2.2),
        ActKind::TransferTechnology => Paint::line("#B25C8B", 2.2).dash("7 4"),
        _ => Paint::line(INK, 2.2),
    }
}

/// An arc from one country to another, with an arrow at its end and its words at its middle.
fn arc(
    svg: &mut Svg,
    window: &Window,
    places: &mut Places,
    (from, to): (Place, Place),
    lane: u32,
    moved: &Moved,
) {
    let mut line: Vec<(f64, f64)> = great_circle(from, to, STEPS)
        .into_iter()
        .map(|place| window.pixel(project(place)))
        .collect();
    let (Some(first), Some(last)) = (line.first().copied(), line.last().copied()) else {
        return;
    };
    let length = (last.0 - first.0).hypot(last.1 - first.1).max(1.0);
    let normal = ((last.1 - first.1) / length, -(last.0 - first.0) / length);
    // Always to the right of the way that it goes, so that there and back lie apart.
    let bow = (length * 0.13).clamp(16.0, 60.0) + 17.0 * f64::from(lane);
    for (index, point) in line.iter_mut().enumerate() {
        let share = index as f64 / f64::from(STEPS);
        let by = (std::f64::consts::PI * share).sin() * bow;
        *point = (point.0 + normal.0 * by, point.1 + normal.1 * by);
    }
    // Free of the signs at both ends.
    line.retain(|(x, y)| {
        (x - first.0).hypot(y - first.1) > 11.0 && (x - last.0).hypot(y - last.1) > 13.0
    });
    let middle = line.get(line.len() / 2).copied();
    let tip = line.last().copied().zip(
        line.len()
            .checked_sub(3)
            .and_then(|at| line.get(at))
            .copied(),
    );
    // Over the edge of the map a line comes in on the other side.
    let mut pieces: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for point in line {
        let jumps = pieces
            .last()
            .and_then(|piece| piece.last())
            .is_some_and(|last: &(f64, f64)| (last.0 - point.0).abs() > window.scale * HALF_WIDTH);
        if jumps {
            pieces.push(Vec::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(point);
        }
    }
    let title = format!("{}: {}", moved.what, moved.standing.words());
    let colour = match moved.kind {
        ActKind::TransferDataset => "#0072B2",
        ActKind::TransferTechnology => "#B25C8B",
        _ => INK,
    };
    svg.group(&title, |svg| {
        svg.path(&pieces, false, Paint::line("#fff", 5.0).opacity(0.75));
        svg.path(&pieces, false, pen(moved.kind));
        if let Some((end, before)) = tip {
            let way = (end.0 - before.0).hypot(end.1 - before.1).max(0.1);
            let (dx, dy) = ((end.0 - before.0) / way, (end.1 - before.1) / way);
            let head = vec![
                (end.0 + dx * 7.0, end.1 + dy * 7.0),
                (end.0 - dx * 4.0 - dy * 5.0, end.1 - dy * 4.0 + dx * 5.0),
                (end.0 - dx * 4.0 + dy * 5.0, end.1 - dy * 4.0 - dx * 5.0),
            ];
            svg.path(&[head], true, Paint::fill(colour).edge("#fff", 0.8));
        }
    });
    let words = match moved.kind {
        ActKind::TransferDataset => format!("data: {}", super::svg::cut(&moved.what, 11.5, 150.0)),
        ActKind::TransferWeights => "weights home".to_owned(),
        _ => moved.what.clone(),
    };
    if let Some(at) = middle {
        label(
            svg,
            places,
            at,
            &words,
            Type::of(11.5),
            [4.0, 4.0, WIDTH - 4.0, HEIGHT - 4.0],
        );
    }
}
