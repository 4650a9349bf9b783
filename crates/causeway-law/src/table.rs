//! Whether a question or a policy is answered with yes, for every value of the unknowns that it looks at; and the product of
//! several such tables.

use std::collections::BTreeMap;

use crate::candidates::{Candidate, sight};
use crate::scene::{Needs, Slot, Value};

/// Most combinations that are tried for one policy, and for all together. Past it the answer is a review that names every
/// unknown in question: bounded work, never a guess.
pub(crate) const LIMIT: usize = 4096;

/// One unknown as a policy sees it: for each candidate the number of the class that it falls into.
#[derive(Debug, Clone)]
struct Axis {
    slot: Slot,
    class_of: Vec<usize>,
    classes: usize,
}

/// Yes or no for every combination of unknowns.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    axes: Vec<Axis>,
    /// Row-major over the axes.
    rows: Vec<bool>,
}

fn size(axes: impl Iterator<Item = usize>) -> Option<usize> {
    let mut axes = axes;
    axes.try_fold(1usize, |all, classes| {
        all.checked_mul(classes).filter(|all| *all <= LIMIT)
    })
}

/// Every combination of digits, in row-major order: the last digit changes first.
pub(crate) struct Digits<'w> {
    widths: &'w [usize],
    digits: Vec<usize>,
    started: bool,
}

impl<'w> Digits<'w> {
    pub(crate) fn new(widths: &'w [usize]) -> Self {
        Self {
            widths,
            digits: vec![0; widths.len()],
            started: false,
        }
    }

    /// The next combination.
    pub(crate) fn next(&mut self) -> Option<&[usize]> {
        if !self.started {
            self.started = true;
            return (!self.widths.contains(&0)).then_some(self.digits.as_slice());
        }
        for (digit, width) in self.digits.iter_mut().zip(self.widths).rev() {
            *digit += 1;
            if *digit < *width {
                return Some(&self.digits);
            }
            *digit = 0;
        }
        None
    }
}

impl Table {
    /// Fills a table by asking in one world for each combination of classes. `None` past the limit, and where the question
    /// has no answer in a world.
    pub(crate) fn fill(
        looks_at: &[(Slot, Needs)],
        candidates: &BTreeMap<Slot, Vec<Candidate>>,
        mut answer: impl FnMut(&[(Slot, &Value)]) -> Option<bool>,
    ) -> Option<Self> {
        let mut axes = Vec::new();
        let mut representatives: Vec<Vec<&Value>> = Vec::new();
        for (slot, needs) in looks_at {
            let list = candidates.get(slot).map_or(&[][..], Vec::as_slice);
            let mut classes: BTreeMap<Value, usize> = BTreeMap::new();
            let mut values = Vec::new();
            let class_of = list
                .iter()
                .map(|candidate| {
                    let next = classes.len();
                    *classes
                        .entry(sight(&candidate.value, needs))
                        .or_insert_with(|| {
                            values.push(&candidate.value);
                            next
                        })
                })
                .collect();
            axes.push(Axis {
                slot: *slot,
                class_of,
                classes: classes.len(),
            });
            representatives.push(values);
        }
        // An unknown without a value to try is as bad as too many.
        let widths: Vec<usize> = axes.iter().map(|axis| axis.classes).collect();
        if widths.contains(&0) {
            return None;
        }
        let mut rows = Vec::with_capacity(size(widths.iter().copied())?);
        let mut digits = Digits::new(&widths);
        let mut world = Vec::with_capacity(axes.len());
        while let Some(digits) = digits.next() {
            world.clear();
            for ((axis, values), digit) in axes.iter().zip(&representatives).zip(digits) {
                world.push((axis.slot, *values.get(*digit)?));
            }
            rows.push(answer(&world)?);
        }
        Some(Self { axes, rows }.reduced())
    }

    /// The table of what is computed from the answers of others. `None` past the limit.
    pub(crate) fn join(tables: &[&Self], mut answer: impl FnMut(&[bool]) -> bool) -> Option<Self> {
        let product = Product::of(tables);
        let mut rows = Vec::with_capacity(product.size()?);
        product.worlds(tables, |_, answers| rows.push(answer(answers)));
        let axes = product
            .axes
            .iter()
            .map(|(slot, groups)| {
                let mut class_of = vec![0; groups.iter().map(Vec::len).sum()];
                for (class, group) in groups.iter().enumerate() {
                    for candidate in group {
                        if let Some(place) = class_of.get_mut(*candidate) {
                            *place = class;
                        }
                    }
                }
                Axis {
                    slot: *slot,
                    class_of,
                    classes: groups.len(),
                }
            })
            .collect();
        Some(Self { axes, rows }.reduced())
    }

    /// Merges classes of an axis that never differ, and drops axes on which nothing turns.
    fn reduced(mut self) -> Self {
        for position in 0..self.axes.len() {
            self.merge(position);
        }
        // An axis of one class adds nothing to the row-major order: the rows stay as they are.
        self.axes.retain(|axis| axis.classes > 1);
        self
    }

    fn merge(&mut self, position: usize) {
        let Some(width) = self.axes.get(position).map(|axis| axis.classes) else {
            return;
        };
        let after: usize = self
            .axes
            .iter()
            .skip(position + 1)
            .map(|axis| axis.classes)
            .product();
        let digit_of = |index: usize| index / after % width;
        let mut columns: Vec<Vec<bool>> = vec![Vec::new(); width];
        for (index, row) in self.rows.iter().enumerate() {
            if let Some(column) = columns.get_mut(digit_of(index)) {
                column.push(*row);
            }
        }
        let mut first: Vec<usize> = Vec::new();
        let to: Vec<usize> = columns
            .iter()
            .enumerate()
            .map(|(class, column)| {
                let same = first
                    .iter()
                    .position(|earlier| columns.get(*earlier) == Some(column));
                same.unwrap_or_else(|| {
                    first.push(class);
                    first.len() - 1
                })
            })
            .collect();
        if first.len() == width {
            return;
        }
        let mut index = 0;
        self.rows.retain(|_| {
            index += 1;
            first.contains(&digit_of(index - 1))
        });
        if let Some(axis) = self.axes.get_mut(position) {
            for class in &mut axis.class_of {
                *class = to.get(*class).copied().unwrap_or(0);
            }
            axis.classes = first.len();
        }
    }

    /// Yes whatever the unknowns are.
    pub(crate) fn always(&self) -> bool {
        self.rows.iter().all(|row| *row)
    }

    /// Yes for some values of the unknowns.
    pub(crate) fn sometimes(&self) -> bool {
        self.rows.contains(&true)
    }

    /// The unknowns on which it turns.
    pub(crate) fn turns_on(&self) -> impl Iterator<Item = Slot> + '_ {
        self.axes.iter().map(|axis| axis.slot)
    }
}

/// All worlds that a set of tables tells apart.
pub(crate) struct Product {
    /// The unknowns, each with groups of candidates that no table tells apart.
    pub(crate) axes: Vec<(Slot, Vec<Vec<usize>>)>,
}

impl Product {
    pub(crate) fn of(tables: &[&Table]) -> Self {
        let mut axes: BTreeMap<Slot, Vec<&Axis>> = BTreeMap::new();
        for axis in tables.iter().flat_map(|table| &table.axes) {
            axes.entry(axis.slot).or_default().push(axis);
        }
        let axes = axes
            .into_iter()
            .map(|(slot, axes)| {
                let candidates = axes
                    .iter()
                    .map(|axis| axis.class_of.len())
                    .max()
                    .unwrap_or(0);
                let mut keys: Vec<Vec<usize>> = Vec::new();
                let mut groups: Vec<Vec<usize>> = Vec::new();
                for candidate in 0..candidates {
                    let key: Vec<usize> = axes
                        .iter()
                        .map(|axis| axis.class_of.get(candidate).copied().unwrap_or(0))
                        .collect();
                    match keys.iter().position(|known| *known == key) {
                        Some(group) => groups.get_mut(group).map(|group| group.push(candidate)),
                        None => {
                            keys.push(key);
                            groups.push(vec![candidate]);
                            None
                        }
                    };
                }
                (slot, groups)
            })
            .collect();
        Self { axes }
    }

    /// Number of worlds; `None` past the limit.
    pub(crate) fn size(&self) -> Option<usize> {
        size(self.axes.iter().map(|(_, groups)| groups.len()))
    }

    /// Each world, in row-major order: which group each unknown is in, and the answer of each table. Ask
    /// [`Product::size`] first.
    pub(crate) fn worlds(&self, tables: &[&Table], mut see: impl FnMut(&[usize], &[bool])) {
        let widths: Vec<usize> = self.axes.iter().map(|(_, groups)| groups.len()).collect();
        // For each table, by axis of the product and group: how far into its rows that group leads.
        let steps: Vec<Vec<(usize, Vec<usize>)>> = tables
            .iter()
            .map(|table| {
                let mut stride = table.rows.len();
                let mut steps = Vec::with_capacity(table.axes.len());
                for axis in &table.axes {
                    stride /= axis.classes.max(1);
                    let at = self.axes.iter().position(|(slot, _)| *slot == axis.slot);
                    let Some((position, (_, groups))) =
                        at.and_then(|at| Some((at, self.axes.get(at)?)))
                    else {
                        continue;
                    };
                    let leads = groups
                        .iter()
                        .map(|group| {
                            let first = group.first().copied().unwrap_or(0);
                            stride * axis.class_of.get(first).copied().unwrap_or(0)
                        })
                        .collect();
                    steps.push((position, leads));
                }
                steps
            })
            .collect();
        let mut answers = vec![false; tables.len()];
        let mut digits = Digits::new(&widths);
        while let Some(digits) = digits.next() {
            for ((answer, table), steps) in answers.iter_mut().zip(tables).zip(&steps) {
                let index: usize = steps
                    .iter()
                    .filter_map(|(position, leads)| leads.get(*digits.get(*position)?))
                    .sum();
                *answer = table.rows.get(index).copied().unwrap_or(false);
            }
            see(digits, &answers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidates::Label;

    fn slot(number: u16) -> Slot {
        Slot::Fact(number)
    }

    fn word(number: usize) -> Candidate {
        Candidate {
            value: Value::Word(Some(number)),
            label: Label::Text(number.to_string()),
        }
    }

    fn needs(words: &[usize]) -> Needs {
        Needs {
            words: words.iter().copied().collect(),
            ..Needs::default()
        }
    }

    #[test]
    fn what_does_not_matter_is_dropped_and_equal_classes_merge() {
        let letters = || [0, 1, 2, 3].map(word).to_vec();
        let candidates = BTreeMap::from([(slot(0), letters()), (slot(1), letters())]);
        let looks_at = [(slot(0), needs(&[0, 1, 2])), (slot(1), needs(&[0]))];
        let mut asked = 0;
        let table = Table::fill(&looks_at, &candidates, |world| {
            asked += 1;
            Some(world[0].1 == &Value::Word(Some(1)))
        })
        .unwrap();
        assert_eq!(asked, 4 * 2, "the second has two classes: 0, and the rest");
        assert_eq!(table.turns_on().collect::<Vec<_>>(), [slot(0)]);
        assert!(table.sometimes() && !table.always());
        let tables = [&table];
        let product = Product::of(&tables);
        assert_eq!(product.axes[0].1, [vec![0, 2, 3], vec![1]]);
        let mut worlds = Vec::new();
        product.worlds(&tables, |digits, answers| {
            worlds.push((digits.to_vec(), answers.to_vec()))
        });
        assert_eq!(worlds, [(vec![0], vec![false]), (vec![1], vec![true])]);
        let never = Table::join(&tables, |answers| answers.is_empty()).unwrap();
        assert!(never.turns_on().next().is_none() && !never.sometimes());
    }

    #[test]
    fn a_product_reads_each_table_at_its_own_place() {
        let candidates: BTreeMap<Slot, Vec<Candidate>> = (0..3)
            .map(|n| (slot(n), (0..3).map(word).collect()))
            .collect();
        let all = needs(&[0, 1, 2]);
        let equal = |one: u16, two: u16| {
            let looks_at = [(slot(one), all.clone()), (slot(two), all.clone())];
            Table::fill(&looks_at, &candidates, |world| {
                Some(world[0].1 == world[1].1)
            })
            .unwrap()
        };
        let (first, last) = (equal(0, 1), equal(1, 2));
        let mut seen = 0;
        Product::of(&[&first, &last]).worlds(&[&first, &last], |digits, answers| {
            assert_eq!(answers, [digits[0] == digits[1], digits[1] == digits[2]]);
            seen += 1;
        });
        assert_eq!(seen, 27);
    }

    #[test]
    fn past_the_limit_there_is_no_table() {
        let all: Vec<usize> = (0..100).collect();
        let many: Vec<Candidate> = all.iter().copied().map(word).collect();
        let candidates = BTreeMap::from([(slot(0), many.clone()), (slot(1), many)]);
        let looks_at = [(slot(0), needs(&all)), (slot(1), needs(&all))];
        let table = Table::fill(&looks_at, &candidates, |_| panic!("nothing is tried"));
        assert!(table.is_none());
    }
}
