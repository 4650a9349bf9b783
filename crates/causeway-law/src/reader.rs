//! Three ways to read an act whose facts are not all known: answer what is certain, note what is looked at, or take every
//! unknown from a world that gives each a value.

use causeway_parties::Certainty;
use rust_decimal::Decimal;

use crate::bits::Asked;
use crate::scene::{Needs, Slot, Value};

/// How an unknown is read.
pub(crate) trait Reader {
    /// Whether every part of a question is read, also where one part gives the answer.
    const EAGER: bool;
    /// Whether its answers are certain, and can be remembered for whoever asks next.
    const CERTAIN: bool;

    /// An unknown that is a set or a word: whether it has any of these.
    fn any_of(&mut self, slot: Slot, asked: Asked<'_>) -> Certainty;

    /// An unknown that is true or false.
    fn flag(&mut self, slot: Slot) -> Certainty;

    /// An unknown number that is compared with these thresholds; `None`: open.
    fn number(
        &mut self,
        slot: Slot,
        thresholds: impl IntoIterator<Item = Decimal>,
    ) -> Option<Decimal>;
}

/// Answers what is certain: an unknown is open.
pub(crate) struct Sure;

impl Reader for Sure {
    const EAGER: bool = false;
    const CERTAIN: bool = true;

    fn any_of(&mut self, _: Slot, _: Asked<'_>) -> Certainty {
        Certainty::Open
    }

    fn flag(&mut self, _: Slot) -> Certainty {
        Certainty::Open
    }

    fn number(&mut self, _: Slot, _: impl IntoIterator<Item = Decimal>) -> Option<Decimal> {
        None
    }
}

/// Notes which unknowns are looked at, and what they are compared with.
///
/// Reading is eager: which unknowns a question looks at never depends on their values.
#[derive(Default)]
pub(crate) struct Notes(pub(crate) Vec<(Slot, Needs)>);

impl Notes {
    fn entry(&mut self, slot: Slot) -> &mut Needs {
        let index = match self.0.iter().position(|(known, _)| *known == slot) {
            Some(index) => index,
            None => {
                self.0.push((slot, Needs::default()));
                self.0.len() - 1
            }
        };
        // The index is one that was found or made above.
        #[expect(clippy::indexing_slicing, reason = "found or made just above")]
        &mut self.0[index].1
    }
}

impl Reader for Notes {
    const EAGER: bool = true;
    const CERTAIN: bool = false;

    fn any_of(&mut self, slot: Slot, asked: Asked<'_>) -> Certainty {
        asked.add_to(&mut self.entry(slot).words);
        Certainty::Open
    }

    fn flag(&mut self, slot: Slot) -> Certainty {
        self.entry(slot);
        Certainty::Open
    }

    fn number(
        &mut self,
        slot: Slot,
        thresholds: impl IntoIterator<Item = Decimal>,
    ) -> Option<Decimal> {
        self.entry(slot).numbers.extend(thresholds);
        None
    }
}

/// Takes every unknown from a world. One that the world lacks, or gives a value of another kind, stays open.
pub(crate) struct InWorld<'w>(pub(crate) &'w [(Slot, &'w Value)]);

impl InWorld<'_> {
    fn value(&self, slot: Slot) -> Option<&Value> {
        let found = self.0.iter().find(|(known, _)| *known == slot);
        found.map(|(_, value)| *value)
    }
}

impl Reader for InWorld<'_> {
    const EAGER: bool = false;
    const CERTAIN: bool = false;

    fn any_of(&mut self, slot: Slot, asked: Asked<'_>) -> Certainty {
        match self.value(slot) {
            Some(Value::Words(held)) => asked.of(held).into(),
            Some(Value::Word(word)) => word.is_some_and(|word| asked.includes(word)).into(),
            _ => Certainty::Open,
        }
    }

    fn flag(&mut self, slot: Slot) -> Certainty {
        match self.value(slot) {
            Some(Value::Flag(flag)) => (*flag).into(),
            _ => Certainty::Open,
        }
    }

    fn number(&mut self, slot: Slot, _: impl IntoIterator<Item = Decimal>) -> Option<Decimal> {
        match self.value(slot) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }
}

/// The greatest answer; the rest is not read once it is yes, unless the reader is eager.
pub(crate) fn any<R: Reader, T>(
    reader: &mut R,
    items: impl IntoIterator<Item = T>,
    mut answer: impl FnMut(&mut R, T) -> Certainty,
) -> Certainty {
    let mut greatest = Certainty::No;
    for item in items {
        greatest = greatest.max(answer(reader, item));
        if greatest == Certainty::Yes && !R::EAGER {
            break;
        }
    }
    greatest
}

/// The least answer; the rest is not read once it is no, unless the reader is eager.
pub(crate) fn all<R: Reader, T>(
    reader: &mut R,
    items: impl IntoIterator<Item = T>,
    mut answer: impl FnMut(&mut R, T) -> Certainty,
) -> Certainty {
    let mut least = Certainty::Yes;
    for item in items {
        least = least.min(answer(reader, item));
        if least == Certainty::No && !R::EAGER {
            break;
        }
    }
    least
}

/// The other answer.
pub(crate) const fn not(answer: Certainty) -> Certainty {
    match answer {
        Certainty::Yes => Certainty::No,
        Certainty::No => Certainty::Yes,
        Certainty::Open => Certainty::Open,
    }
}
