//! What words mean on each side. A word that means another thing on the other side is another word to a proof; what is known
//! of both meanings (one includes the other, they exclude each other) is told to it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Country;

use super::Side;
use super::class::{self, Formula, Mark};
use crate::groups::Member;

/// Which of two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    A,
    B,
}

impl Which {
    const fn letter(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }
}

/// The countries of a group: certain ones, and those with which sources differ about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Members {
    pub(super) certain: BTreeSet<Country>,
    pub(super) possible: BTreeSet<Country>,
}

/// What a word means on one side.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    Countries(Members),
    Class(Formula),
    /// An authorisation that does not exist on the day: nobody holds it.
    Never,
    /// The same on both sides, whatever it is.
    Plain,
}

/// The words of both sides.
pub(super) struct Meanings<'s> {
    sides: [&'s Side; 2],
    members: [BTreeMap<String, Members>; 2],
    same_chips: bool,
    known: RefCell<BTreeMap<(bool, String), bool>>,
}

fn members(side: &Side) -> BTreeMap<String, Members> {
    let mut all: BTreeMap<String, Members> = BTreeMap::new();
    for country in Country::all() {
        let mut add = |word: &str, certain: bool| {
            let members = all.entry(word.to_owned()).or_default();
            members.possible.insert(country);
            if certain {
                members.certain.insert(country);
            }
        };
        add(country.code(), true);
        for (group, state) in side.packs.groups.of(country, |_| side.day) {
            add(group, state == Member::In);
        }
    }
    all
}

/// Whether an attribute holds countries.
pub(super) fn holds_countries(path: &str) -> bool {
    matches!(path, "to" | "from" | "data_from" | "item.stored_in")
        || matches!(
            path.rsplit_once('.'),
            Some((_, "located" | "hq" | "parent" | "home"))
        )
}

/// Whether an attribute holds one country, or what one item is.
fn holds_one(path: &str) -> bool {
    matches!(path, "to" | "from" | "item.stored_in" | "item.class")
}

impl<'s> Meanings<'s> {
    pub(super) fn new(a: &'s Side, b: &'s Side) -> Self {
        let figures = |side: &Side| -> BTreeMap<String, [Option<rust_decimal::Decimal>; 4]> {
            side.packs
                .chips
                .iter()
                .map(|(id, row)| {
                    (
                        id.clone(),
                        [row.tpp, row.die_area, row.io_total, row.dram_bandwidth],
                    )
                })
                .collect()
        };
        let marketed = |side: &Side| -> Vec<Option<bool>> {
            side.packs
                .chips
                .values()
                .map(|row| row.datacenter)
                .collect()
        };
        Self {
            sides: [a, b],
            members: [members(a), members(b)],
            same_chips: figures(a) == figures(b) && marketed(a) == marketed(b),
            known: RefCell::default(),
        }
    }

    fn side(&self, which: Which) -> &'s Side {
        let [a, b] = self.sides;
        match which {
            Which::A => a,
            Which::B => b,
        }
    }

    /// The countries of a group or a code.
    pub(super) fn members(&self, which: Which, word: &str) -> Members {
        let [a, b] = &self.members;
        let own = match which {
            Which::A => a,
            Which::B => b,
        };
        own.get(word).cloned().unwrap_or_default()
    }

    fn same_token(&self, word: &str) -> bool {
        self.members(Which::A, word) == self.members(Which::B, word)
    }

    fn formula(&self, which: Which, of_items: bool, class: &str) -> Formula {
        let side = self.side(which);
        let definitions = &side.packs.definitions;
        let classes = if of_items {
            &definitions.items
        } else {
            &definitions.parties
        };
        class::formula(side, classes, class, &|mark| match mark {
            Mark::Token(word) if self.same_token(word) => word.to_owned(),
            Mark::Measure(name) if self.same_chips => name.to_owned(),
            Mark::Token(word) | Mark::Measure(word) => format!("{word} ({})", which.letter()),
        })
    }

    fn same_class(&self, of_items: bool, class: &str) -> bool {
        let key = (of_items, class.to_owned());
        if let Some(known) = self.known.borrow().get(&key) {
            return *known;
        }
        let (a, b) = (
            self.formula(Which::A, of_items, class),
            self.formula(Which::B, of_items, class),
        );
        let same = a == b || class::possible(&a, &b, |a, b| a != b) == Some(false);
        self.known.borrow_mut().insert(key, same);
        same
    }

    /// The word of a side under the name that it has in a proof. Another name than its own: it means something else, or
    /// nothing, on the other side.
    pub(super) fn renamed(&self, which: Which, path: &str, word: &str) -> Option<String> {
        let marked = || Some(format!("{word} ({})", which.letter()));
        match self.meaning(which, path, word) {
            Meaning::Countries(_) if self.same_token(word) => None,
            Meaning::Class(_) if self.same_class(path == "item.class", word) => None,
            Meaning::Never => Some(format!("{word} (not on this day)")),
            Meaning::Countries(_) | Meaning::Class(_) => marked(),
            Meaning::Plain => None,
        }
    }

    /// What a word means on a side.
    pub(super) fn meaning(&self, which: Which, path: &str, word: &str) -> Meaning {
        let side = self.side(which);
        if holds_countries(path) {
            return Meaning::Countries(self.members(which, word));
        }
        match path.rsplit_once('.') {
            Some((record, "class")) => Meaning::Class(self.formula(which, record == "item", word)),
            None if path == "authorisations" => {
                let exists = side
                    .packs
                    .vocabulary
                    .authorisations
                    .get(word)
                    .is_some_and(|spec| spec.exists(side.day));
                if exists {
                    Meaning::Plain
                } else {
                    Meaning::Never
                }
            }
            _ => Meaning::Plain,
        }
    }

    /// Whether nothing has the first word without the second.
    pub(super) fn implies(one: &Meaning, other: &Meaning) -> bool {
        match (one, other) {
            (Meaning::Countries(one), Meaning::Countries(other)) => {
                one.possible.is_subset(&other.certain)
            }
            (Meaning::Class(one), Meaning::Class(other)) => class::implies(one, other),
            _ => false,
        }
    }

    /// Whether nothing has both words of an attribute.
    pub(super) fn excludes(path: &str, one: &Meaning, other: &Meaning) -> bool {
        if !holds_one(path) {
            return false;
        }
        match (one, other) {
            (Meaning::Countries(one), Meaning::Countries(other)) => {
                one.possible.is_disjoint(&other.possible)
            }
            (Meaning::Class(one), Meaning::Class(other)) => class::excludes(one, other),
            _ => false,
        }
    }
}
