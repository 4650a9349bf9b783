//! A name, prepared for comparing.

use super::person::Person;
use super::text::{self, Script};
use super::words::Words;

/// Whose name it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A natural person.
    Person,
    /// A company, organisation, vessel or anything else that is no person.
    Entity,
    /// Not known: compared as both, the better counts.
    Either,
}

/// A name, prepared for comparing: what is slow about a name is done once, here.
#[derive(Debug, Clone)]
pub struct Name {
    text: Box<str>,
    kind: Kind,
    weak: bool,
    pub(super) words: Option<Words>,
    pub(super) person: Option<Person>,
}

impl Name {
    /// Prepares a name. Any text will do; one without a letter matches nothing.
    #[must_use]
    pub fn new(text: &str, kind: Kind) -> Self {
        let pieces = text::pieces(text);
        let person = matches!(kind, Kind::Person | Kind::Either).then(|| Person::new(&pieces));
        let words = matches!(kind, Kind::Entity | Kind::Either).then(|| Words::new(pieces));
        Self {
            text: text.into(),
            kind,
            weak: false,
            words,
            person,
        }
    }

    /// Marks a weak alias (OFAC's term: broad, so that it gives many false alarms): never more than a review.
    #[must_use]
    pub fn weak(mut self) -> Self {
        self.weak = true;
        self
    }

    /// The name as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whose name it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it is a weak alias.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.weak
    }

    /// Whether nothing is left of it to compare.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let words = self
            .words
            .as_ref()
            .is_none_or(|words| words.tokens.is_empty());
        let person = self
            .person
            .as_ref()
            .is_none_or(|person| person.parts.is_empty() && person.spoken.is_none());
        words && person
    }

    /// The scripts that it is written in, each once.
    #[must_use]
    pub fn scripts(&self) -> Vec<Script> {
        let mut scripts: Vec<Script> = text::pieces(&self.text)
            .iter()
            .map(|piece| piece.script)
            .collect();
        scripts.sort_unstable();
        scripts.dedup();
        scripts
    }

    /// The words whose rarity matters.
    pub(super) fn key_words(&self) -> impl Iterator<Item = &str> {
        let words = self
            .words
            .iter()
            .flat_map(|words| &words.tokens)
            .map(|token| &*token.text);
        let parts = self
            .person
            .iter()
            .flat_map(|person| &person.parts)
            .map(|part| &*part.folded);
        words.chain(parts)
    }
}
