//! Sets of interned words.

use std::cmp::Ordering;

/// A set of small numbers. Sets with the same members are equal however they came about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Bits(
    // INVARIANT: the last block is not zero.
    Vec<u64>,
);

const WIDTH: usize = 64;

impl Bits {
    pub(crate) const EMPTY: Self = Self(Vec::new());

    pub(crate) fn insert(&mut self, number: usize) {
        let block = number / WIDTH;
        if self.0.len() <= block {
            self.0.resize(block + 1, 0);
        }
        if let Some(block) = self.0.get_mut(block) {
            *block |= 1 << (number % WIDTH);
        }
    }

    pub(crate) fn has(&self, number: usize) -> bool {
        self.0
            .get(number / WIDTH)
            .is_some_and(|block| block >> (number % WIDTH) & 1 == 1)
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, two)| one & two != 0)
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut blocks: Vec<u64> = self
            .0
            .iter()
            .zip(&other.0)
            .map(|(one, two)| one & two)
            .collect();
        while blocks.last() == Some(&0) {
            blocks.pop();
        }
        Self(blocks)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (block, more) in self.0.iter_mut().zip(&other.0) {
            *block |= more;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(index, block)| {
            (0..WIDTH)
                .filter(move |bit| block >> bit & 1 == 1)
                .map(move |bit| index * WIDTH + bit)
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.iter().count()
    }
}

impl FromIterator<usize> for Bits {
    fn from_iter<T: IntoIterator<Item = usize>>(numbers: T) -> Self {
        let mut bits = Self::default();
        for number in numbers {
            bits.insert(number);
        }
        bits
    }
}

/// By the members in order, as sets of words are: words are interned in the order of their letters.
impl Ord for Bits {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Bits {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What of a set is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'b> {
    One(u16),
    Any(&'b Bits),
}

impl Asked<'_> {
    pub(crate) fn of(self, held: &Bits) -> bool {
        match self {
            Self::One(number) => held.has(usize::from(number)),
            Self::Any(numbers) => held.meets(numbers),
        }
    }

    pub(crate) fn members(self) -> impl Iterator<Item = u16> {
        let (one, numbers) = match self {
            Self::One(number) => (Some(number), None),
            Self::Any(numbers) => (None, Some(numbers)),
        };
        // Words are numbered by 16 bits: nothing is left out.
        let numbers = numbers.into_iter().flat_map(Bits::iter);
        one.into_iter()
            .chain(numbers.filter_map(|number| u16::try_from(number).ok()))
    }

    pub(crate) fn includes(self, number: usize) -> bool {
        match self {
            Self::One(one) => usize::from(one) == number,
            Self::Any(numbers) => numbers.has(number),
        }
    }

    pub(crate) fn add_to(self, all: &mut Bits) {
        match self {
            Self::One(number) => all.insert(usize::from(number)),
            Self::Any(numbers) => all.add(numbers),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_are_sets(one: BTreeSet<u8>, two: BTreeSet<u8>) {
            let bits = |set: &BTreeSet<u8>| set.iter().map(|number| usize::from(*number)).collect::<Bits>();
            let (a, b) = (bits(&one), bits(&two));
            prop_assert_eq!(a.meets(&b), !one.is_disjoint(&two));
            prop_assert_eq!(a.and(&b), bits(&one.intersection(&two).copied().collect()));
            prop_assert_eq!(a.cmp(&b), one.cmp(&two));
            prop_assert_eq!(a.count(), one.len());
            let mut sum = a.clone();
            sum.add(&b);
            prop_assert_eq!(&sum, &bits(&one.union(&two).copied().collect()));
            prop_assert!(one.iter().all(|number| sum.has(usize::from(*number))));
        }
    }
}
