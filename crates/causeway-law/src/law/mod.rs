//! The packs as they are judged by: every word, class and question a number, every policy a formula over questions, and
//! what depends on the day worked out once for each stretch of days between two changes.

mod compile;
mod epoch;
mod question;
mod test;
mod words;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use causeway_domain::{Country, Date};

pub(crate) use epoch::{Epoch, Row};
pub(crate) use question::{Figure, Flag, ItemKind, Question, Roles, Unstated, Wanted};
pub(crate) use test::{Dated, Lines, Measure, Test};
pub(crate) use words::Words;

use crate::formula::{Formula, Leaf};
use crate::vocabulary::FactKind;
use crate::{Effect, Packs, Posture, Review, Settings, Status, When};

/// A fact of the vocabulary.
#[derive(Debug, Clone)]
pub(crate) struct FactEntry {
    pub(crate) name: String,
    pub(crate) kind: FactKind,
    /// The values of a word.
    pub(crate) values: Vec<String>,
}

/// A policy, ready to be judged by. Its index is that of `Packs::rules`.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) formula: Formula<u16>,
    /// What it does; none: it permits.
    pub(crate) effect: Option<Effect>,
    pub(crate) status: Status,
    /// Only in this posture.
    pub(crate) posture: Option<Posture>,
    /// The number of its pack.
    pub(crate) pack: u16,
    /// The number of its rule: policies of one rule have one number.
    pub(crate) rule: u16,
    pub(crate) review: Option<Review>,
    /// The rules whose review it changes.
    pub(crate) reviews: Vec<u16>,
}

impl Policy {
    /// What it does under these settings, on a day on which it applies and with its pack on; `None`: nothing. `determined`:
    /// a reviewer looked at it for this act.
    pub(crate) fn effect(&self, settings: &Settings, id: &str, determined: bool) -> Option<Effect> {
        if self
            .posture
            .is_some_and(|posture| posture != settings.posture)
        {
            return None;
        }
        let effect = match self.effect.unwrap_or(Effect::Context) {
            // A rule that asks for more than a look is not answered so.
            Effect::NeedsReview if determined => Effect::Flag,
            effect => effect,
        };
        Some(match self.status {
            Status::OnBooksNotEnforced
                if settings.posture == Posture::Enforced && self.posture.is_none() =>
            {
                effect.min(Effect::Flag)
            }
            Status::ScheduledUnconfirmed
                if effect > Effect::NeedsReview && !settings.pack_confirms.contains(id) =>
            {
                Effect::NeedsReview
            }
            _ => effect,
        })
    }
}

/// The packs as they are judged by.
#[derive(Debug, Clone)]
pub(crate) struct Law {
    /// Codes of countries and names of groups that a policy or a definition asks for.
    pub(crate) tokens: Words,
    pub(crate) lists: Words,
    /// Chips, catalogue entries and requesters that somebody asks for.
    pub(crate) words: Words,
    pub(crate) data_classes: Words,
    pub(crate) authorisations: Words,
    pub(crate) item_classes: Words,
    pub(crate) party_classes: Words,
    pub(crate) packs: Words,
    /// In the order of their names.
    pub(crate) facts: Vec<FactEntry>,
    /// `prior_12_months`.
    pub(crate) prior: Option<u16>,
    /// By class.
    pub(crate) items: Vec<Vec<Dated>>,
    pub(crate) parties: Vec<Vec<Dated>>,
    /// How many ownership tests the definitions have.
    pub(crate) ownership_tests: usize,
    /// Each question once.
    pub(crate) questions: Vec<Question>,
    /// By path, what policies ask of it as they write it, with the number of the question.
    pub(crate) asked: BTreeMap<String, Vec<(Leaf, u16)>>,
    pub(crate) policies: Vec<Policy>,
    /// Days on which something changes, ascending.
    changes: Vec<Date>,
    /// One before the first change, one from each change on; made when first asked for.
    epochs: Vec<OnceLock<Epoch>>,
}

/// The epoch of an act: shared, or its own where one instant is two days with a change between them.
pub(crate) enum Era<'p> {
    Shared(&'p Epoch),
    Own(Box<Epoch>),
}

impl std::ops::Deref for Era<'_> {
    type Target = Epoch;

    fn deref(&self) -> &Epoch {
        match self {
            Self::Shared(epoch) => epoch,
            Self::Own(epoch) => epoch,
        }
    }
}

impl Law {
    fn stretch(&self, day: Date) -> usize {
        self.changes.partition_point(|change| *change <= day)
    }

    /// What depends on the day of an act.
    pub(crate) fn era<'p>(&'p self, packs: &'p Packs, when: When) -> Era<'p> {
        let day = when.day();
        let same = match when {
            When::Day(_) => true,
            // Days of zones differ from that of UTC by one at most.
            When::Instant(_) => {
                let before = day.yesterday().unwrap_or(day);
                let after = day.tomorrow().unwrap_or(day);
                self.stretch(before) == self.stretch(after)
            }
        };
        match self.epochs.get(self.stretch(day)) {
            Some(epoch) if same => {
                Era::Shared(epoch.get_or_init(|| Epoch::new(self, packs, When::Day(day))))
            }
            _ => Era::Own(Box::new(Epoch::new(self, packs, when))),
        }
    }

    pub(crate) fn question(&self, id: u16) -> Question {
        self.questions
            .get(usize::from(id))
            .copied()
            .unwrap_or(Question::Never)
    }

    /// The number of a code of a country, where somebody asks for it.
    pub(crate) fn token_of(&self, country: Country) -> Option<u16> {
        self.tokens.id(country.code())
    }
}
