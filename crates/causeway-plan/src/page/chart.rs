//! The drawing of the map: land, signs, arcs, and a part of it larger where things move over a short way.

use std::collections::BTreeMap;

use causeway_domain::Country;
use causeway_law::ActKind;

use super::standing::Standing;
use super::svg::{Anchor, Drawing, GUIDE, INK, Paint, Places, QUIET, Svg, Type, label, width};
use super::world::{HALF_WIDTH, Place, World, great_circle, project};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 480.0;
/// The least part of the world that is shown, in units of the projection: about 70 degrees at the equator.
const LEAST: f64 = 1.05;
/// The same of the part that is shown larger: about 20 degrees.
const CLOSE: f64 = 0.3;
/// Moves over less than this share of the map's width are shown larger.
const SHORT: f64 = 0.14;
/// Size of the part that is shown larger.
const INSET: [f64; 2] = [330.0, 214.0];
/// Points of an arc.
const STEPS: u32 = 48;

/// Something that goes over the line or stays.
pub(super) struct Moved {
    pub(super) kind: ActKind,
    pub(super) what: String,
    pub(super) from: Option<Country>,
    pub(super) to: Option<Country>,
    pub(super) standing: Standing,
}

impl Moved {
    /// Whether it crosses a border; none where an end is unknown.
    pub(super) fn crosses(&self) -> Option<bool> {
        Some(self.from? != self.to?)
    }
}

/// What is drawn.
pub(super) struct Sheet<'w> {
    pub(super) world: &'w World,
    /// The countries of all candidates with the best standing in each.
    pub(super) countries: BTreeMap<Country, Standing>,
    /// Where in its country the first of them is, where that is known.
    pub(super) points: BTreeMap<Country, Place>,
    /// What the best one moves.
    pub(super) moves: Vec<Moved>,
    /// Where the best one is.
    pub(super) chosen: Option<Country>,
    pub(super) home: Option<Country>,
}

impl Sheet<'_> {
    /// Where a country's sign stands; none for a small territory that the outlines lack.
    fn point(&self, country: Country) -> Option<Place> {
        let own = self.points.get(&country).copied();
        own.or_else(|| self.world.point(country))
    }

    /// Moves between two countries that have a point.
    fn ways(&self) -> impl Iterator<Item = (&Moved, (Country, Place), (Country, Place))> {
        self.moves.iter().filter_map(|moved| {
            let (from, to) = (moved.from?, moved.to?);
            let ends = (self.point(from)?, self.point(to)?);
            (from != to).then_some((moved, (from, ends.0), (to, ends.1)))
        })
    }

    fn points(&self) -> Vec<(f64, f64)> {
        let ends = self.moves.iter().flat_map(|moved| [moved.from, moved.to]);
        let places = self.countries.keys().copied();
        places
            .chain(ends.flatten())
            .chain(self.home)
            .filter_map(|country| self.point(country))
            .map(project)
            .collect()
    }
}

/// A part of the world in a part of the picture.
struct Window {
    left: f64,
    top: f64,
    scale: f64,
    /// Left, top, width and height in the picture.
    frame: [f64; 4],
}

impl Window {
    /// Around some projected points, with a margin, at least so wide a part of the world.
    fn around(points: &[(f64, f64)], frame: [f64; 4], least: f64) -> Self {
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
        let [_, _, width, height] = frame;
        let aspect = width / height;
        let wide = ((right - left) * 1.35)
            .max((high - low) * 1.6 * aspect)
            .clamp(least, 2.0 * HALF_WIDTH);
        let tall = wide / aspect;
        let centre =
            f64::midpoint(left, right).clamp(wide / 2.0 - HALF_WIDTH, HALF_WIDTH - wide / 2.0);
        // No land is shown south of about 57 degrees.
        let middle = f64::midpoint(low, high)
            .clamp((-1.0 + tall / 2.0).min(0.2), (1.42 - tall / 2.0).max(0.2));
        Self {
            left: centre - wide / 2.0,
            top: middle + tall / 2.0,
            scale: width / wide,
            frame,
        }
    }

    fn pixel(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let [left, top, _, _] = self.frame;
        (
            left + (x - self.left) * self.scale,
            top + (self.top - y) * self.scale,
        )
    }

    fn spot(&self, sheet: &Sheet<'_>, country: Country) -> Option<(f64, f64)> {
        sheet
            .point(country)
            .map(|point| self.pixel(project(point)))
            .filter(|at| within(*at, self.frame))
    }

    /// Left, top, right, bottom: where labels may stand.
    fn bounds(&self) -> [f64; 4] {
        let [left, top, width, height] = self.frame;
        [
            left + 4.0,
            top + 4.0,
            left + width - 4.0,
            top + height - 4.0,
        ]
    }
}

fn within((x, y): (f64, f64), [left, top, width, height]: [f64; 4]) -> bool {
    x >= left && y >= top && x <= left + width && y <= top + height
}

/// The map; none where no country is known.
pub(super) fn draw(sheet: &Sheet<'_>, about: &str) -> Option<Drawing> {
    let points = sheet.points();
    if points.is_empty() {
        return None;
    }
    // The whole way, too: it may go by the pole.
    let ways = sheet
        .ways()
        .flat_map(|(_, (_, from), (_, to))| great_circle(from, to, STEPS).into_iter().map(project));
    let all: Vec<(f64, f64)> = points.iter().copied().chain(ways).collect();
    let window = Window::around(&all, [0.0, 0.0, WIDTH, HEIGHT], LEAST);
    let mut svg = Svg::new(
        "map",
        WIDTH,
        HEIGHT + 26.0,
        "Countries of the candidates, and what moves between them",
        about,
    );
    svg.define(
        "<clipPath id=\"map-frame\"><rect width=\"960\" height=\"480\" rx=\"3\"/></clipPath>",
    );
    sea(&mut svg, window.frame);
    svg.clipped("map-frame", |svg| land(svg, sheet.world, &window));
    let inset = inset(sheet, &window);
    part(&mut svg, sheet, &window, inset.as_ref());
    if let Some(close) = &inset {
        let [x, y, _, _] = close.frame;
        svg.shifted((x, y), |svg| {
            svg.define("<clipPath id=\"inset-frame\"><rect width=\"330\" height=\"214\" rx=\"3\"/></clipPath>");
            let near = Window {
                frame: [0.0, 0.0, INSET[0], INSET[1]],
                ..*close
            };
            sea(svg, near.frame);
            svg.clipped("inset-frame", |svg| land(svg, sheet.world, &near));
            part(svg, sheet, &near, None);
            svg.rect(near.frame, 3.0, Paint::line(QUIET, 1.2));
        });
    }
    legend(&mut svg, sheet);
    Some(svg.finish())
}

fn sea(svg: &mut Svg, frame: [f64; 4]) {
    svg.rect(frame, 3.0, Paint::fill("#f3f6f8").edge(GUIDE, 1.0));
}

/// A window for what moves over a short way, in the corner that covers the fewest candidates.
fn inset(sheet: &Sheet<'_>, window: &Window) -> Option<Window> {
    let ends: Vec<(f64, f64)> = sheet
        .ways()
        .flat_map(|(_, (_, from), (_, to))| [project(from), project(to)])
        .collect();
    let pixels: Vec<(f64, f64)> = ends.iter().map(|end| window.pixel(*end)).collect();
    let (x, y) = pixels.first().copied()?;
    let far = pixels
        .iter()
        .map(|(a, b)| (a - x).hypot(b - y))
        .fold(0.0, f64::max);
    if far > SHORT * WIDTH {
        return None;
    }
    let [w, h] = INSET;
    let taken: Vec<(f64, f64)> = sheet
        .points()
        .into_iter()
        .map(|point| window.pixel(point))
        .collect();
    let corners = [
        (10.0, HEIGHT - h - 10.0),
        (WIDTH - w - 10.0, HEIGHT - h - 10.0),
        (f64::midpoint(0.0, WIDTH - w), HEIGHT - h - 10.0),
        (10.0, 10.0),
        (WIDTH - w - 10.0, 10.0),
    ];
    let covers = |(x, y): &(f64, f64)| {
        let frame = [x - 24.0, y - 24.0, w + 48.0, h + 48.0];
        taken.iter().filter(|at| within(**at, frame)).count()
    };
    let (x, y) = corners.into_iter().min_by_key(covers)?;
    Some(Window::around(&ends, [x, y, w, h], CLOSE))
}

/// Signs and arcs in a window. What is shown larger elsewhere is only framed here.
fn part(svg: &mut Svg, sheet: &Sheet<'_>, window: &Window, inset: Option<&Window>) {
    let mut places = Places::default();
    // The part of this window that is shown larger.
    let framed = inset.map(|close| {
        let [_, _, w, h] = close.frame;
        let (x, y) = window.pixel((close.left, close.top));
        let by = window.scale / close.scale;
        places.take(close.frame);
        [x, y, w * by, h * by]
    });
    if let Some(frame) = framed {
        svg.rect(frame, 2.0, Paint::fill("#fff").opacity(0.45));
        svg.rect(frame, 2.0, Paint::line(QUIET, 1.2));
    }
    for country in sheet.countries.keys().copied().chain(sheet.home) {
        if let Some((x, y)) = window.spot(sheet, country) {
            places.take([x - 9.0, y - 9.0, 18.0, 18.0]);
        }
    }
    let mut lanes: BTreeMap<(Country, Country), u32> = BTreeMap::new();
    if framed.is_none() {
        for (moved, (from, start), (to, end)) in sheet.ways() {
            let lane = lanes.entry((from, to)).or_default();
            arc(svg, window, &mut places, (start, end), *lane, moved);
            *lane += 1;
        }
    }
    for (country, standing) in &sheet.countries {
        let Some(at) = window.spot(sheet, *country) else {
            continue;
        };
        let chosen = sheet.chosen == Some(*country);
        let home = sheet.home == Some(*country);
        svg.group(
            &format!("{}: {}", country.name(), standing.words()),
            |svg| {
                if chosen {
                    svg.circle(at, 11.0, Paint::line(INK, 1.6));
                }
                // Beside the house, where both are in one country.
                let at = if home { (at.0 + 12.0, at.1 - 5.0) } else { at };
                svg.sign(at, 6.0, *standing);
            },
        );
        if !home && framed.is_none_or(|frame| !within(at, frame)) {
            let style = Type::of(12.0).bold(chosen);
            label(svg, &mut places, at, country.name(), style, window.bounds());
        }
    }
    if let Some(home) = sheet.home
        && let Some((x, y)) = window.spot(sheet, home)
    {
        let house = vec![
            (x - 6.0, y + 6.0),
            (x - 6.0, y - 1.0),
            (x, y - 7.0),
            (x + 6.0, y - 1.0),
            (x + 6.0, y + 6.0),
        ];
        svg.path(&[house], true, Paint::fill(INK).edge("#fff", 1.2));
        if framed.is_none_or(|frame| !within((x, y), frame)) {
            let words = format!("{}, home", home.name());
            let style = Type::of(12.0).bold(true);
            label(svg, &mut places, (x, y), &words, style, window.bounds());
        }
    }
}

fn legend(svg: &mut Svg, sheet: &Sheet<'_>) {
    let there: Vec<Standing> = Standing::ALL
        .into_iter()
        .filter(|one| sheet.countries.values().any(|other| other == one))
        .collect();
    let mut at = svg.legend((0.0, HEIGHT + 20.0), &there);
    for (kind, words) in [
        (ActKind::TransferDataset, "data out"),
        (ActKind::TransferTechnology, "code out"),
        (ActKind::TransferWeights, "weights home"),
    ] {
        if sheet.ways().any(|(moved, _, _)| moved.kind == kind) {
            svg.line([at, HEIGHT + 16.0, at + 26.0, HEIGHT + 16.0], pen(kind));
            svg.text((at + 32.0, HEIGHT + 20.0), Type::of(12.0), words);
            at += 32.0 + width(words, 12.0) + 20.0;
        }
    }
}

fn land(svg: &mut Svg, world: &World, window: &Window) {
    let [left, top, width, height] = window.frame;
    let (right, bottom) = (left + width, top + height);
    let rings: Vec<Vec<(f64, f64)>> = world
        .outlines()
        .map(|ring| {
            ring.into_iter()
                .map(|point| window.pixel(point))
                .collect::<Vec<_>>()
        })
        // What lies wholly to one side of the frame is not drawn.
        .filter(|ring| {
            !(ring.iter().all(|p| p.0 < left)
                || ring.iter().all(|p| p.0 > right)
                || ring.iter().all(|p| p.1 < top)
                || ring.iter().all(|p| p.1 > bottom))
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

/// Pushes a line to the left of the way that it goes, so that there and back and several things lie apart.
fn bend(line: &mut [(f64, f64)], window: &Window, lane: u32) {
    let far = window.scale * HALF_WIDTH;
    let steps: Vec<(f64, f64)> = line
        .windows(2)
        .map(|pair| match pair {
            [(x1, y1), (x2, y2)] if (x2 - x1).abs() < far => (x2 - x1, y2 - y1),
            // Over the edge of the map the way goes on as it came.
            _ => (0.0, 0.0),
        })
        .collect();
    let length: f64 = steps.iter().map(|(x, y)| x.hypot(*y)).sum();
    // A long way is bent enough by itself, and so is one over the edge of the map.
    let (first, next) = if length < 300.0 && steps.iter().all(|step| *step != (0.0, 0.0)) {
        ((length * 0.13).max(12.0), 15.0)
    } else {
        (4.0, 9.0)
    };
    let bow = first + next * f64::from(lane);
    let last = steps.len().saturating_sub(1);
    let pushed: Vec<(f64, f64)> = (0..line.len())
        .map(|index| {
            // Over a few steps, so that a corner of the projection is no corner of the line.
            let near = index.saturating_sub(4)..=(index + 3).min(last);
            let (x, y) = near
                .filter_map(|at| steps.get(at))
                .fold((0.0, 0.0), |sum, step| (sum.0 + step.0, sum.1 + step.1));
            let along = x.hypot(y).max(1e-6);
            let share = index as f64 / line.len().saturating_sub(1).max(1) as f64;
            let by = (std::f64::consts::PI * share).sin().max(0.0).sqrt() * bow;
            (y / along * by, -x / along * by)
        })
        .collect();
    for (point, by) in line.iter_mut().zip(pushed) {
        *point = (point.0 + by.0, point.1 + by.1);
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
    bend(&mut line, window, lane);
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
    if let Some((x, y)) = middle {
        // On the line, which makes room for it; beside it where another label stands there.
        let style = Type::of(11.5);
        let (w, h) = (width(&words, 11.5), 13.0);
        let on = [[x - w / 2.0, y - h / 2.0, w, h]];
        if places.first_free(&on, window.bounds()).is_some() {
            svg.text((x, y + 4.0), style.at(Anchor::Middle).halo(), &words);
        } else {
            label(svg, places, (x, y), &words, style, window.bounds());
        }
    }
}
