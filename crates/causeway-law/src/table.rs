//! What an attribute is, and whether a policy is satisfied, for every value of the unknowns that it looks at; and the
//! product of several such tables.

use std::collections::BTreeMap;

use crate::candidates::{Candidate, sight};
use crate::scene::{Needs, Slot, Value, World};

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

/// A value (0 is no, 1 is yes, an atom may have more) for every combination of unknowns.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    axes: Vec<Axis>,
    /// Row-major over the axes.
    rows: Vec<usize>,
}

fn size(axes: &[Axis]) -> Option<usize> {
    axes.iter().try_fold(1usize, |all, axis| {
        all.checked_mul(axis.classes).filter(|all| *all <= LIMIT)
    })
}

/// Every combination of classes, in row-major order.
pub(crate) fn combinations(axes: &[usize]) -> impl Iterator<Item = Vec<usize>> + '_ {
    let total: usize = axes.iter().product();
    (0..total).map(move |mut index| {
        let mut digits = vec![0; axes.len()];
        for (digit, classes) in digits.iter_mut().zip(axes).rev() {
            *digit = index % classes;
            index /= classes;
        }
        digits
    })
}

impl Table {
    /// Fills a table by asking for the value in one world for each combination of classes. `None` past the limit.
    pub(crate) fn fill(
        looks_at: &BTreeMap<Slot, Needs>,
        candidates: &BTreeMap<Slot, Vec<Candidate>>,
        base: &World,
        mut value: impl FnMut(&World) -> usize,
    ) -> Option<Self> {
        let mut axes = Vec::new();
        let mut representatives: Vec<Vec<Value>> = Vec::new();
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
                            values.push(candidate.value.clone());
                            next
                        })
                })
                .collect();
            axes.push(Axis {
                slot: slot.clone(),
                class_of,
                classes: classes.len(),
            });
            representatives.push(values);
        }
        // An unknown without a value to try is as bad as too many.
        if size(&axes).is_none() || axes.iter().any(|axis| axis.classes == 0) {
            return None;
        }
        let widths: Vec<usize> = axes.iter().map(|axis| axis.classes).collect();
        let mut world = base.clone();
        let rows = combinations(&widths)
            .map(|digits| {
                for ((axis, values), digit) in axes.iter().zip(&representatives).zip(&digits) {
                    if let Some(value) = values.get(*digit) {
                        world.insert(axis.slot.clone(), value.clone());
                    }
                }
                value(&world)
            })
            .collect();
        Some(Self { axes, rows }.reduced())
    }

    /// The table of what is computed from the values of others. `None` past the limit.
    ///
    /// # Errors
    /// What `value` says.
    pub(crate) fn join<E>(
        tables: &[&Self],
        mut value: impl FnMut(&[usize]) -> Result<usize, E>,
    ) -> Result<Option<Self>, E> {
        let product = Product::of(tables);
        if product.size().is_none() {
            return Ok(None);
        }
        let rows = product
            .worlds(tables)
            .map(|(_, values)| value(&values))
            .collect::<Result<Vec<usize>, E>>()?;
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
                    slot: (*slot).clone(),
                    class_of,
                    classes: groups.len(),
                }
            })
            .collect();
        Ok(Some(Self { axes, rows }.reduced()))
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
        let widths: Vec<usize> = self.axes.iter().map(|axis| axis.classes).collect();
        let Some(width) = widths.get(position).copied() else {
            return;
        };
        let mut columns: Vec<Vec<usize>> = vec![Vec::new(); width];
        for (digits, row) in combinations(&widths).zip(&self.rows) {
            if let Some(column) = digits
                .get(position)
                .and_then(|digit| columns.get_mut(*digit))
            {
                column.push(*row);
            }
        }
        let mut merged: BTreeMap<&Vec<usize>, usize> = BTreeMap::new();
        let mut first = Vec::new();
        let to: Vec<usize> = columns
            .iter()
            .enumerate()
            .map(|(class, column)| {
                let next = merged.len();
                *merged.entry(column).or_insert_with(|| {
                    first.push(class);
                    next
                })
            })
            .collect();
        let rows = combinations(&widths)
            .zip(&self.rows)
            .filter(|(digits, _)| {
                digits
                    .get(position)
                    .is_some_and(|digit| first.contains(digit))
            })
            .map(|(_, row)| *row)
            .collect();
        let classes = first.len();
        if let Some(axis) = self.axes.get_mut(position) {
            axis.class_of = axis
                .class_of
                .iter()
                .map(|class| to.get(*class).copied().unwrap_or(0))
                .collect();
            axis.classes = classes;
        }
        self.rows = rows;
    }

    /// Yes whatever the unknowns are.
    pub(crate) fn always(&self) -> bool {
        self.rows.iter().all(|row| *row == 1)
    }

    /// Yes for some values of the unknowns.
    pub(crate) fn sometimes(&self) -> bool {
        self.rows.contains(&1)
    }

    /// The unknowns on which it turns.
    pub(crate) fn turns_on(&self) -> impl Iterator<Item = &Slot> {
        self.axes.iter().map(|axis| &axis.slot)
    }

    fn row(&self, choice: &BTreeMap<&Slot, usize>) -> usize {
        let mut index = 0;
        for axis in &self.axes {
            let class = choice
                .get(&axis.slot)
                .and_then(|candidate| axis.class_of.get(*candidate))
                .copied()
                .unwrap_or(0);
            index = index * axis.classes + class;
        }
        self.rows.get(index).copied().unwrap_or(0)
    }
}

/// All worlds that a set of tables tells apart.
pub(crate) struct Product<'a> {
    /// The unknowns, each with groups of candidates that no table tells apart.
    pub(crate) axes: Vec<(&'a Slot, Vec<Vec<usize>>)>,
}

impl<'a> Product<'a> {
    pub(crate) fn of(tables: &[&'a Table]) -> Self {
        let mut axes: BTreeMap<&'a Slot, Vec<&'a Axis>> = BTreeMap::new();
        for axis in tables.iter().flat_map(|table| &table.axes) {
            axes.entry(&axis.slot).or_default().push(axis);
        }
        let axes = axes
            .into_iter()
            .map(|(slot, axes)| {
                let candidates = axes
                    .iter()
                    .map(|axis| axis.class_of.len())
                    .max()
                    .unwrap_or(0);
                let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
                for candidate in 0..candidates {
                    let key = axes
                        .iter()
                        .map(|axis| axis.class_of.get(candidate).copied().unwrap_or(0))
                        .collect();
                    groups.entry(key).or_default().push(candidate);
                }
                let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
                groups.sort();
                (slot, groups)
            })
            .collect();
        Self { axes }
    }

    /// Number of worlds; `None` past the limit.
    pub(crate) fn size(&self) -> Option<usize> {
        self.axes.iter().try_fold(1usize, |all, (_, groups)| {
            all.checked_mul(groups.len()).filter(|all| *all <= LIMIT)
        })
    }

    /// Each world, in row-major order: which group each unknown is in, and the value of each table. Ask
    /// [`Product::size`] first.
    pub(crate) fn worlds<'t>(
        &'t self,
        tables: &'t [&Table],
    ) -> impl Iterator<Item = (Vec<usize>, Vec<usize>)> + 't {
        let widths: Vec<usize> = self.axes.iter().map(|(_, groups)| groups.len()).collect();
        let all: Vec<Vec<usize>> = combinations(&widths).collect();
        all.into_iter().map(|digits| {
            let choice: BTreeMap<&Slot, usize> = self
                .axes
                .iter()
                .zip(&digits)
                .map(|((slot, groups), digit)| {
                    (
                        *slot,
                        groups
                            .get(*digit)
                            .and_then(|group| group.first())
                            .copied()
                            .unwrap_or(0),
                    )
                })
                .collect();
            let values = tables.iter().map(|table| table.row(&choice)).collect();
            (digits, values)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn slot(name: &str) -> Slot {
        Slot::Flag(name.to_owned())
    }

    fn word(text: &str) -> Candidate {
        Candidate {
            value: Value::Word(text.to_owned()),
            labels: vec![text.to_owned()],
        }
    }

    fn needs(words: &[&str]) -> Needs {
        Needs {
            words: words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<BTreeSet<_>>(),
            ..Needs::default()
        }
    }

    #[test]
    fn what_does_not_matter_is_dropped_and_equal_classes_merge() {
        let letters = || ["a", "b", "c", "d"].map(word).to_vec();
        let candidates = BTreeMap::from([(slot("x"), letters()), (slot("y"), letters())]);
        let looks_at = BTreeMap::from([
            (slot("x"), needs(&["a", "b", "c"])),
            (slot("y"), needs(&["a"])),
        ]);
        let mut asked = 0;
        let table = Table::fill(&looks_at, &candidates, &World::new(), |world| {
            asked += 1;
            usize::from(world[&slot("x")] == Value::Word("b".to_owned()))
        })
        .unwrap();
        assert_eq!(asked, 4 * 2, "y has two classes: a, and the rest");
        assert_eq!(table.turns_on().collect::<Vec<_>>(), [&slot("x")]);
        assert!(table.sometimes() && !table.always());
        let tables = [&table];
        let product = Product::of(&tables);
        assert_eq!(product.axes[0].1, [vec![0, 2, 3], vec![1]]);
        let worlds: Vec<_> = product.worlds(&tables).collect();
        assert_eq!(worlds, [(vec![0], vec![0]), (vec![1], vec![1])]);
        let never = Table::join::<()>(&tables, |values| Ok(usize::from(values.is_empty())))
            .unwrap()
            .unwrap();
        assert!(never.turns_on().next().is_none() && !never.sometimes());
    }

    #[test]
    fn past_the_limit_there_is_no_table() {
        let many: Vec<Candidate> = (0..100).map(|n| word(&n.to_string())).collect();
        let all: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let candidates = BTreeMap::from([(slot("x"), many.clone()), (slot("y"), many)]);
        let looks_at = BTreeMap::from([(slot("x"), needs(&all)), (slot("y"), needs(&all))]);
        let table = Table::fill(&looks_at, &candidates, &World::new(), |_| {
            panic!("nothing is tried")
        });
        assert!(table.is_none());
    }
}
