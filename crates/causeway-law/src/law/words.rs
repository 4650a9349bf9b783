//! Words, interned in the order of their letters.

use std::collections::BTreeSet;

/// Words by number and numbers by word.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words(
    // INVARIANT: sorted, each once, no more than `u16::MAX`.
    Vec<String>,
);

impl Words {
    /// `None` where there are more than numbers.
    pub(crate) fn new(words: BTreeSet<String>) -> Option<Self> {
        (words.len() < usize::from(u16::MAX)).then(|| Self(words.into_iter().collect()))
    }

    pub(crate) fn id(&self, word: &str) -> Option<u16> {
        self.0
            .binary_search_by(|known| known.as_str().cmp(word))
            .ok()
            .and_then(|index| u16::try_from(index).ok())
    }

    pub(crate) fn name(&self, id: u16) -> &str {
        self.0.get(usize::from(id)).map_or("", String::as_str)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
