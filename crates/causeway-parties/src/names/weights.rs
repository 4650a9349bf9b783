//! How much a word tells: rare ones decide.

use foldhash::fast::FixedState;
use std::hash::BuildHasher;

use super::Name;
use super::tables::Map;

/// Weights of words by how many loaded names carry them (inverse document frequency).
///
/// [`Weights::builtin`] knows the classes alone: brand, place, industry word, and so on. [`Weights::learn`] also counts the
/// words of loaded lists, so that a brand that a thousand entries share (Sea, Star, Al) weighs less than one that only one
/// entry bears. Arithmetic is in integers: the same lists give the same scores anywhere.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    counts: Map<u64, u32>,
    names: u32,
}

impl Weights {
    /// Weights by class alone.
    #[must_use]
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Counts the words of names: those of the loaded lists.
    #[must_use]
    pub fn learn<'a>(names: impl IntoIterator<Item = &'a Name>) -> Self {
        let mut weights = Self::default();
        for name in names {
            weights.names = weights.names.saturating_add(1);
            let mut seen: Vec<u64> = name.key_words().map(key).collect();
            seen.sort_unstable();
            seen.dedup();
            for word in seen {
                let count = weights.counts.entry(word).or_default();
                *count = count.saturating_add(1);
            }
        }
        weights
    }

    /// The weight of a word, from what its class gives it: full up to one name in a thousand, falling to 60 % for a word
    /// that more than one name in sixteen carries.
    pub(super) fn of(&self, word: &str, class: u8) -> u32 {
        let class = u32::from(class);
        if self.counts.is_empty() {
            return class;
        }
        let count = self.counts.get(&key(word)).copied().unwrap_or(0).max(1);
        // Few names say nothing about frequency.
        let names = self.names.max(1024);
        // Halvings between all names and those with the word: 10 is one in a thousand.
        let rarity = (names / count).max(1).ilog2().clamp(4, 10);
        class * (60 + (rarity - 4) * 40 / 6) / 100
    }
}

fn key(word: &str) -> u64 {
    FixedState::with_seed(17).hash_one(word)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn a_word_that_many_bear_weighs_less() {
        let names: Vec<Name> = (0..2000)
            .map(|number| Name::new(&format!("Star Ship{number}x"), Kind::Entity))
            .collect();
        let weights = Weights::learn(&names);
        assert_eq!(weights.of("star", 100), 60);
        assert_eq!(weights.of("gazprom", 100), 100);
        assert_eq!(Weights::builtin().of("star", 100), 100);
    }
}
