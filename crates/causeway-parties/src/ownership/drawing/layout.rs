//! Where boxes and lines go: owners above what they own, in layers, with few crossings.
//!
//! The usual four steps (Sugiyama, Tagawa, Toda 1981): loops are cut, layers are the longest way up, the order within a
//! layer follows the mean of the neighbours, and boxes move towards their neighbours as far as there is room. Nothing here
//! decides anything: positions are floating point numbers.

use std::collections::{BTreeMap, BTreeSet};

/// Space between boxes of a layer.
const GAP: f64 = 34.0;
/// Width that a line keeps free where it passes a layer.
const LANE: f64 = 26.0;
/// Space between layers.
const RISE: f64 = 92.0;
/// How far outside a layer a line turns that leads up.
const TURN: f64 = 22.0;
/// Rounds of ordering and of moving. More change nothing for graphs that a person can read.
const ROUNDS: usize = 12;

/// A box to place: its size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A placed box: its centre line and its top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    pub(super) x: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A placed line from an owner to what it owns: points where it leaves, passes layers, and arrives.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Route {
    pub(super) owner: usize,
    pub(super) owned: usize,
    pub(super) points: Vec<(f64, f64)>,
    /// Whether it closes a loop: it leads up, beside the boxes.
    pub(super) back: bool,
}

/// A finished layout.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub(super) boxes: Vec<Spot>,
    pub(super) routes: Vec<Route>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// What stands in a layer: a box, or a line that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Box(usize),
    /// The line by its number, at this layer.
    Lane(usize, usize),
}

/// Places boxes. `root` stands at the bottom; `edges` are pairs of owner and owned.
pub(super) fn place(sizes: &[Size], root: usize, edges: &[(usize, usize)]) -> Layout {
    let back = loops(sizes.len(), root, edges);
    let layers = layers(sizes.len(), edges, &back);
    let mut rows = rows(sizes.len(), &layers, edges, &back);
    let links = links(&layers, edges, &back);
    order(&mut rows, &links);
    let centres = spread(&rows, &links, sizes);
    draw(sizes, edges, &back, &layers, &rows, &centres)
}

/// Edges that close a loop, seen from the root upwards.
fn loops(count: usize, root: usize, edges: &[(usize, usize)]) -> BTreeSet<usize> {
    let mut above: Vec<Vec<(usize, usize)>> = vec![Vec::new(); count];
    for (number, (owner, owned)) in edges.iter().enumerate() {
        if let Some(above) = above.get_mut(*owned) {
            above.push((number, *owner));
        }
    }
    let mut back = BTreeSet::new();
    let mut done = BTreeSet::new();
    for start in std::iter::once(root).chain(0..count) {
        // The way from the start, each with the owners that are left to visit.
        let mut way: Vec<(usize, usize)> = Vec::new();
        if done.insert(start) {
            way.push((start, 0));
        }
        while let Some((node, next)) = way.last_mut() {
            let node = *node;
            let step = above.get(node).and_then(|above| above.get(*next)).copied();
            *next += 1;
            let Some((number, owner)) = step else {
                way.pop();
                continue;
            };
            if way.iter().any(|(on, _)| *on == owner) {
                back.insert(number);
            } else if done.insert(owner) {
                way.push((owner, 0));
            }
        }
    }
    back
}

/// The layer of each box: the longest way up from what it owns.
fn layers(count: usize, edges: &[(usize, usize)], back: &BTreeSet<usize>) -> Vec<usize> {
    let mut layers = vec![0_usize; count];
    // Without loops a longest way has fewer steps than there are boxes.
    for _ in 0..count {
        let mut changed = false;
        for (number, (owner, owned)) in edges.iter().enumerate() {
            if back.contains(&number) {
                continue;
            }
            let least = layers.get(*owned).map_or(0, |layer| layer + 1);
            if let Some(layer) = layers.get_mut(*owner)
                && *layer < least
            {
                *layer = least;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    layers
}

fn rows(
    count: usize,
    layers: &[usize],
    edges: &[(usize, usize)],
    back: &BTreeSet<usize>,
) -> Vec<Vec<Item>> {
    let top = layers.iter().copied().max().unwrap_or(0);
    let mut rows = vec![Vec::new(); top + 1];
    for (index, layer) in layers.iter().enumerate().take(count) {
        if let Some(row) = rows.get_mut(*layer) {
            row.push(Item::Box(index));
        }
    }
    for (number, (low, high)) in spans(layers, edges, back) {
        for layer in low + 1..high {
            if let Some(row) = rows.get_mut(layer) {
                row.push(Item::Lane(number, layer));
            }
        }
    }
    rows
}

/// Lines that lead down, with the layers of what is owned and of the owner.
fn spans(
    layers: &[usize],
    edges: &[(usize, usize)],
    back: &BTreeSet<usize>,
) -> Vec<(usize, (usize, usize))> {
    edges
        .iter()
        .enumerate()
        .filter(|(number, _)| !back.contains(number))
        .filter_map(|(number, (owner, owned))| {
            Some((number, (*layers.get(*owned)?, *layers.get(*owner)?)))
        })
        .collect()
}

/// Pieces of lines between neighbouring layers, lower end first.
fn links(layers: &[usize], edges: &[(usize, usize)], back: &BTreeSet<usize>) -> Vec<(Item, Item)> {
    let mut links = Vec::new();
    for (number, (low, high)) in spans(layers, edges, back) {
        let Some((owner, owned)) = edges.get(number) else {
            continue;
        };
        let mut below = Item::Box(*owned);
        for layer in low + 1..high {
            let lane = Item::Lane(number, layer);
            links.push((below, lane));
            below = lane;
        }
        links.push((below, Item::Box(*owner)));
    }
    links
}

fn positions(rows: &[Vec<Item>]) -> BTreeMap<Item, f64> {
    let mut positions = BTreeMap::new();
    for row in rows {
        let middle = row.len().saturating_sub(1) as f64 / 2.0;
        for (position, item) in row.iter().enumerate() {
            positions.insert(*item, position as f64 - middle);
        }
    }
    positions
}

fn crossings(rows: &[Vec<Item>], links: &[(Item, Item)]) -> usize {
    let at = positions(rows);
    let place = |item: &Item| at.get(item).copied().unwrap_or_default();
    let layer: BTreeMap<Item, usize> = rows
        .iter()
        .enumerate()
        .flat_map(|(layer, row)| row.iter().map(move |item| (*item, layer)))
        .collect();
    let mut count = 0;
    for (index, (low, high)) in links.iter().enumerate() {
        for (other_low, other_high) in links.iter().skip(index + 1) {
            if layer.get(low) == layer.get(other_low)
                && (place(low) - place(other_low)) * (place(high) - place(other_high)) < 0.0
            {
                count += 1;
            }
        }
    }
    count
}

/// Orders each layer by the mean position of neighbours, up and down; keeps the order with the fewest crossings.
fn order(rows: &mut Vec<Vec<Item>>, links: &[(Item, Item)]) {
    let neighbours = neighbours(links);
    let mut best = rows.clone();
    let mut fewest = crossings(rows, links);
    // Counting crossings is quadratic: graphs that nobody can read anyway keep the first order.
    if links.len() > 600 {
        return;
    }
    for round in 0..ROUNDS {
        let upwards: Vec<usize> = (0..rows.len()).collect();
        let sweep: Vec<usize> = if round % 2 == 0 {
            upwards
        } else {
            upwards.into_iter().rev().collect()
        };
        for layer in sweep {
            let at = positions(rows);
            if let Some(row) = rows.get_mut(layer) {
                row.sort_by(|one, other| {
                    let mean = |item: &Item| mean(item, &neighbours, &at);
                    mean(one).total_cmp(&mean(other)).then(one.cmp(other))
                });
            }
        }
        let now = crossings(rows, links);
        if now < fewest {
            fewest = now;
            best.clone_from(rows);
        }
    }
    *rows = best;
}

fn neighbours(links: &[(Item, Item)]) -> BTreeMap<Item, Vec<Item>> {
    let mut neighbours: BTreeMap<Item, Vec<Item>> = BTreeMap::new();
    for (low, high) in links {
        neighbours.entry(*low).or_default().push(*high);
        neighbours.entry(*high).or_default().push(*low);
    }
    neighbours
}

fn mean(item: &Item, neighbours: &BTreeMap<Item, Vec<Item>>, at: &BTreeMap<Item, f64>) -> f64 {
    let near: Vec<f64> = neighbours
        .get(item)
        .into_iter()
        .flatten()
        .filter_map(|near| at.get(near).copied())
        .collect();
    if near.is_empty() {
        at.get(item).copied().unwrap_or_default()
    } else {
        near.iter().sum::<f64>() / near.len() as f64
    }
}

/// Centres: each layer moves towards its neighbours, keeping order and distance.
fn spread(rows: &[Vec<Item>], links: &[(Item, Item)], sizes: &[Size]) -> BTreeMap<Item, f64> {
    let neighbours = neighbours(links);
    let width = |item: &Item| match item {
        Item::Box(index) => sizes.get(*index).map_or(LANE, |size| size.width),
        Item::Lane(..) => LANE,
    };
    let apart = |one: &Item, other: &Item| (width(one) + width(other)) / 2.0 + GAP;
    let mut at = BTreeMap::new();
    for row in rows {
        let mut x = 0.0;
        let mut last: Option<&Item> = None;
        for item in row {
            x += last.map_or(0.0, |last| apart(last, item));
            at.insert(*item, x);
            last = Some(item);
        }
        for item in row {
            if let Some(centre) = at.get_mut(item) {
                *centre -= x / 2.0;
            }
        }
    }
    for _ in 0..ROUNDS {
        for row in rows {
            let wanted: Vec<f64> = row
                .iter()
                .map(|item| mean(item, &neighbours, &at))
                .collect();
            // Pushed from the left and from the right; the mean of both keeps every distance.
            let mut left: Vec<f64> = Vec::with_capacity(row.len());
            for (index, (item, wish)) in row.iter().zip(&wanted).enumerate() {
                let least = index
                    .checked_sub(1)
                    .and_then(|before| Some(left.get(before)? + apart(row.get(before)?, item)));
                left.push(least.map_or(*wish, |least| least.max(*wish)));
            }
            let mut right: Vec<f64> = Vec::with_capacity(row.len());
            let backwards: Vec<(&Item, &f64)> = row.iter().zip(&wanted).rev().collect();
            for (index, (item, wish)) in backwards.iter().enumerate() {
                let most = index.checked_sub(1).and_then(|before| {
                    Some(right.get(before)? - apart(backwards.get(before)?.0, item))
                });
                right.push(most.map_or(**wish, |most| most.min(**wish)));
            }
            right.reverse();
            for (item, (left, right)) in row.iter().zip(left.iter().zip(&right)) {
                at.insert(*item, (left + right) / 2.0);
            }
        }
    }
    at
}

fn draw(
    sizes: &[Size],
    edges: &[(usize, usize)],
    back: &BTreeSet<usize>,
    layers: &[usize],
    rows: &[Vec<Item>],
    centres: &BTreeMap<Item, f64>,
) -> Layout {
    let centre = |item: Item| centres.get(&item).copied().unwrap_or_default();
    let height = |row: &Vec<Item>| {
        row.iter()
            .filter_map(|item| match item {
                Item::Box(index) => sizes.get(*index).map(|size| size.height),
                Item::Lane(..) => None,
            })
            .fold(0.0_f64, f64::max)
    };
    // The highest layer stands at the top.
    let mut tops = vec![0.0; rows.len()];
    let turn = if back.is_empty() { 0.0 } else { TURN + 6.0 };
    let mut y = turn;
    for (layer, row) in rows.iter().enumerate().rev() {
        if let Some(top) = tops.get_mut(layer) {
            *top = y;
        }
        y += height(row) + RISE;
    }
    let total = (y - RISE).max(0.0) + turn;
    let mut left = f64::MAX;
    let mut right = f64::MIN;
    for (item, x) in centres {
        let half = match item {
            Item::Box(index) => sizes.get(*index).map_or(LANE, |size| size.width) / 2.0,
            Item::Lane(..) => LANE / 2.0,
        };
        left = left.min(x - half);
        right = right.max(x + half);
    }
    let boxes: Vec<Spot> = sizes
        .iter()
        .enumerate()
        .map(|(index, size)| Spot {
            x: centre(Item::Box(index)) - left,
            top: layers
                .get(index)
                .and_then(|layer| tops.get(*layer))
                .copied()
                .unwrap_or_default(),
            width: size.width,
            height: size.height,
        })
        .collect();
    let near = |number: usize, index: usize, layer: Option<usize>| {
        let lane = layer.and_then(|layer| centres.get(&Item::Lane(number, layer)));
        lane.map_or_else(|| centre(Item::Box(index)), |x| *x) - left
    };
    let next: BTreeMap<usize, (f64, f64)> = edges
        .iter()
        .enumerate()
        .filter_map(|(number, (owner, owned))| {
            let (high, low) = (*layers.get(*owner)?, *layers.get(*owned)?);
            // Where the line stands one layer below its owner, and one above what is owned.
            let below = near(number, *owned, high.checked_sub(1));
            let above = near(number, *owner, Some(low + 1));
            Some((number, (below, above)))
        })
        .collect();
    let ports = ports(edges, back, &boxes, &next);
    let mut routes = Vec::new();
    let mut lanes = 0.0;
    for (number, (owner, owned)) in edges.iter().enumerate() {
        let (Some(from), Some(to)) = (boxes.get(*owner), boxes.get(*owned)) else {
            continue;
        };
        if back.contains(&number) {
            lanes += 1.0;
            let beside = right - left + GAP + LANE * (lanes - 1.0);
            let row = |index: &usize| {
                let layer = layers.get(*index).copied().unwrap_or_default();
                let top = tops.get(layer).copied().unwrap_or_default();
                (top, top + rows.get(layer).map_or(0.0, height))
            };
            // Below the owner's layer, up beside everything, and into what is owned from above: behind no box.
            let under = row(owner).1 + TURN - 4.0 * (lanes - 1.0);
            let over = row(owned).0 - TURN + 4.0 * (lanes - 1.0);
            let (out, into) = (from.x + from.width * 0.4, to.x + to.width * 0.42);
            routes.push(Route {
                owner: *owner,
                owned: *owned,
                points: vec![
                    (out, from.top + from.height),
                    (out, under),
                    (beside, under),
                    (beside, over),
                    (into, over),
                    (into, to.top),
                ],
                back: true,
            });
            continue;
        }
        let (start, end) = ports.get(&number).copied().unwrap_or((from.x, to.x));
        let mut points = vec![(start, from.top + from.height)];
        let (Some(high), Some(low)) = (layers.get(*owner), layers.get(*owned)) else {
            continue;
        };
        for layer in (low + 1..*high).rev() {
            let x = centre(Item::Lane(number, layer)) - left;
            let top = tops.get(layer).copied().unwrap_or_default();
            let depth = rows.get(layer).map_or(0.0, height);
            points.push((x, top));
            points.push((x, top + depth));
        }
        points.push((end, to.top));
        routes.push(Route {
            owner: *owner,
            owned: *owned,
            points,
            back: false,
        });
    }
    let beside = if lanes > 0.0 {
        GAP + LANE * (lanes + 1.0)
    } else {
        0.0
    };
    Layout {
        boxes,
        routes,
        width: (right - left).max(0.0) + beside,
        height: total,
    }
}

/// Where lines leave and arrive: spread over the side of a box in the order in which they stand in the next layer.
/// `next`: where each line stands one layer below its owner, and one layer above what is owned.
fn ports(
    edges: &[(usize, usize)],
    back: &BTreeSet<usize>,
    boxes: &[Spot],
    next: &BTreeMap<usize, (f64, f64)>,
) -> BTreeMap<usize, (f64, f64)> {
    let spread = |own: fn(&(usize, usize)) -> usize, near: fn(&(f64, f64)) -> f64| {
        let mut sides: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, edge) in edges.iter().enumerate() {
            if !back.contains(&number) {
                sides.entry(own(edge)).or_default().push(number);
            }
        }
        let mut ports: BTreeMap<usize, f64> = BTreeMap::new();
        for (index, mut numbers) in sides {
            let far = |number: &usize| next.get(number).map_or(0.0, near);
            numbers.sort_by(|one, two| far(one).total_cmp(&far(two)).then(one.cmp(two)));
            let (x, width) = boxes
                .get(index)
                .map_or((0.0, 0.0), |spot| (spot.x, spot.width * 0.7));
            let step = width / numbers.len() as f64;
            for (position, number) in numbers.iter().enumerate() {
                let offset = (position as f64 + 0.5) * step - width / 2.0;
                ports.insert(*number, x + offset);
            }
        }
        ports
    };
    let starts = spread(|edge| edge.0, |near| near.0);
    let ends = spread(|edge| edge.1, |near| near.1);
    starts
        .into_iter()
        .filter_map(|(number, start)| Some((number, (start, *ends.get(&number)?))))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: Size = Size {
        width: 100.0,
        height: 40.0,
    };

    #[test]
    fn owners_stand_above_what_they_own_and_loops_lead_up() {
        // 0 is owned by 1 and 2, 2 by 1, and 0 owns 2: a loop.
        let layout = place(&[SIZE; 3], 0, &[(1, 0), (2, 0), (1, 2), (0, 2)]);
        let tops: Vec<f64> = layout.boxes.iter().map(|spot| spot.top).collect();
        assert!(tops[1] < tops[2] && tops[2] < tops[0], "{tops:?}");
        let back: Vec<bool> = layout.routes.iter().map(|route| route.back).collect();
        assert_eq!(back, [false, false, false, true]);
    }

    proptest! {
        /// Boxes never overlap and stay inside the picture, whatever the graph.
        #[test]
        fn boxes_do_not_overlap(edges in proptest::collection::vec((0usize..7, 0usize..7), 0..16)) {
            let edges: Vec<(usize, usize)> = edges.into_iter().filter(|(owner, owned)| owner != owned).collect();
            let layout = place(&[SIZE; 7], 0, &edges);
            for (index, one) in layout.boxes.iter().enumerate() {
                prop_assert!(one.x - 50.0 >= -0.01 && one.x + 50.0 <= layout.width + 0.01);
                prop_assert!(one.top >= 0.0 && one.top + one.height <= layout.height + 0.01);
                for other in &layout.boxes[index + 1..] {
                    let apart = (one.x - other.x).abs() >= 100.0 || (one.top - other.top).abs() >= 40.0;
                    prop_assert!(apart, "{:?} {:?}", one, other);
                }
            }
            prop_assert_eq!(layout.routes.len(), edges.len());
            prop_assert_eq!(layout, place(&[SIZE; 7], 0, &edges));
        }
    }
}
