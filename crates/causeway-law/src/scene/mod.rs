//! An act as the policies see it: every attribute read from facts, with the unknown ones taken from a *world* that gives
//! each a value.
//!
//! Reading is eager: which unknown facts an attribute looks at never depends on the world. So one reading with the notebook
//! open tells which facts a policy turns on, and what it compares them with.

mod classes;
mod facts;
mod numbers;
mod places;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Date, Fact};
use causeway_parties::{Cascade, Parent, ultimate_parent};
use rust_decimal::Decimal;

use crate::cedar::{Attribute, Mention};
use crate::definitions::Field;
use crate::groups::Member;
use crate::{Act, ActKind, ActParty, Packs, Role, Settings};

/// The stake from which a minority over a free float may control a party. The law gives no number; 10 % is the strict side
/// of what practice uses.
const CONTROL_FLOOR: Decimal = Decimal::TEN;

/// A thing that can be unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    To,
    Country(usize, Field),
    Listed(usize),
    Ciio(usize),
    Owned(usize, usize),
    Holder(usize, usize),
    /// Whether a country is in a group, where sources differ.
    Member(Country, String),
    Measure(String),
    Flag(String),
    Persons(String),
    Word(String),
    StoredIn,
    Fact(String),
}

/// A value that a world gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    /// A country, by the code and the groups that the rules speak of.
    Tokens(BTreeSet<String>),
    /// The lists that a party stands on.
    Lists(BTreeSet<String>),
    Flag(bool),
    Number(Decimal),
    Long(i64),
    Word(String),
}

/// Every unknown with a value.
pub(crate) type World = BTreeMap<Slot, Value>;

/// What the rules compare an unknown with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) words: BTreeSet<String>,
    pub(crate) numbers: BTreeSet<Decimal>,
}

impl Needs {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.words.extend(other.words.iter().cloned());
        self.numbers.extend(other.numbers.iter().copied());
    }
}

/// A quantity: a quotient that is known, one that is not, or none because the item has no such thing.
pub(super) enum Quantity {
    Absent,
    Known(Decimal, Decimal),
    Open(Slot),
}

/// A country that is known or not.
pub(super) enum Place {
    Known(Country),
    Open(Slot),
    Nowhere,
}

pub(crate) struct Scene<'a> {
    pub(crate) packs: &'a Packs,
    settings: &'a Settings,
    pub(crate) act: &'a Act,
    pub(crate) kind: ActKind,
    /// The destination; another than the act's where a planned export hides behind a sale.
    to: Fact<Country>,
    /// Where the destination is not.
    pub(crate) not_to: Option<Country>,
    parents: Vec<Parent>,
    groups: RefCell<BTreeMap<Country, BTreeMap<&'a str, Member>>>,
    cascades: RefCell<BTreeMap<usize, Cascade>>,
    notebook: RefCell<Option<BTreeMap<Slot, Needs>>>,
    whys: RefCell<BTreeMap<Slot, String>>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        packs: &'a Packs,
        settings: &'a Settings,
        act: &'a Act,
        kind: ActKind,
        to: Fact<Country>,
        not_to: Option<Country>,
    ) -> Self {
        let parents = act
            .parties
            .iter()
            .map(|party| ultimate_parent(&act.register, &party.id, CONTROL_FLOOR))
            .collect();
        Self {
            packs,
            settings,
            act,
            kind,
            to,
            not_to,
            parents,
            groups: RefCell::default(),
            cascades: RefCell::default(),
            notebook: RefCell::default(),
            whys: RefCell::default(),
        }
    }

    pub(super) fn day(&self, jurisdiction: &str) -> Date {
        self.packs.day(jurisdiction, self.act.date)
    }

    /// The unknown facts that an attribute looks at when it is compared with these literals.
    pub(crate) fn looks_at(&self, path: &str, mention: &Mention) -> BTreeMap<Slot, Needs> {
        *self.notebook.borrow_mut() = Some(BTreeMap::new());
        let _value = self.attribute(path, mention, &World::new());
        self.notebook.borrow_mut().take().unwrap_or_default()
    }

    pub(super) fn note(
        &self,
        slot: &Slot,
        why: impl FnOnce() -> String,
        words: impl IntoIterator<Item = String>,
        numbers: impl IntoIterator<Item = Decimal>,
    ) {
        if let Some(notes) = self.notebook.borrow_mut().as_mut() {
            let needs = notes.entry(slot.clone()).or_default();
            needs.words.extend(words);
            needs.numbers.extend(numbers);
            self.whys
                .borrow_mut()
                .entry(slot.clone())
                .or_insert_with(why);
        }
    }

    /// The value of an attribute in a world; sets hold only what the literals ask for.
    pub(crate) fn attribute(&self, path: &str, mention: &Mention, world: &World) -> Attribute {
        let set = |holds: &dyn Fn(&String) -> bool| {
            let asked: Vec<&String> = mention.words.iter().collect();
            // Not short-circuited: each word is read, so that the notebook sees all.
            Attribute::Set(
                asked
                    .into_iter()
                    .filter(|word| holds(word))
                    .cloned()
                    .collect(),
            )
        };
        let one = |word: &String| BTreeSet::from([word.clone()]);
        let item = &self.act.item;
        match path {
            "to" => set(&|word| self.at(&self.destination(), &one(word), world)),
            "from" => set(&|word| {
                self.act
                    .from
                    .is_some_and(|from| self.at(&Place::Known(from), &one(word), world))
            }),
            "data_from" => set(&|word| self.data_from(&one(word), world)),
            "kinds" => set(&|word| self.kinds().contains(word.as_str())),
            "roles" => set(&|word| {
                self.act
                    .parties
                    .iter()
                    .any(|party| party.role.word() == word)
            }),
            "authorisations" => {
                set(&|word| self.act.authorisations.contains(word) && self.exists(word))
            }
            "unknown" => set(&|word| self.is_unknown(word)),
            "posture" => Attribute::Word(self.settings.posture.word().to_owned()),
            "item.class" => set(&|word| {
                self.class(&self.packs.definitions.items, word, &|condition| {
                    self.item(condition, world)
                })
            }),
            "item.stored_in" => set(&|word| {
                let place = item.evidence.as_ref().map_or(Place::Nowhere, |evidence| {
                    self.place(&evidence.stored_in, Slot::StoredIn)
                });
                self.at(&place, &one(word), world)
            }),
            "item.chip" => Attribute::Word(self.chip_id(mention, world)),
            "item.entry" => self.word(
                "technology.entry",
                item.technology.as_ref().map(|technology| &technology.entry),
                mention,
                world,
            ),
            "item.requested_by" => self.word(
                "evidence.requested_by",
                item.evidence
                    .as_ref()
                    .map(|evidence| &evidence.requested_by),
                mention,
                world,
            ),
            _ => match path.split_once('.') {
                Some(("item", flag)) => Attribute::Flag(self.flag(flag, world)),
                Some(("facts", name)) => self.fact(name, mention, world),
                Some((group, field)) => {
                    let members: Vec<usize> = self.group(group);
                    set(&|word| {
                        let answers: Vec<bool> = members
                            .iter()
                            .map(|index| self.member(*index, field, word, world))
                            .collect();
                        answers.into_iter().any(|answer| answer)
                    })
                }
                None => Attribute::Flag(false),
            },
        }
    }

    fn member(&self, index: usize, field: &str, word: &str, world: &World) -> bool {
        let tokens = BTreeSet::from([word.to_owned()]);
        match field {
            "located" => self.at(&self.seat(index, Field::Located), &tokens, world),
            "hq" => self.at(&self.seat(index, Field::Headquarters), &tokens, world),
            "parent" => self.at(&self.seat(index, Field::Parent), &tokens, world),
            "home" => self.at(&self.seat(index, Field::Home), &tokens, world),
            "listed" => self.listed(index, &tokens, world),
            "class" => self.class(&self.packs.definitions.parties, word, &|condition| {
                self.party(index, condition, world)
            }),
            _ => false,
        }
    }

    fn group(&self, group: &str) -> Vec<usize> {
        let roles: &[Role] = match group {
            "recipient" => &[Role::Purchaser, Role::Consignee, Role::EndUser],
            "shipper" => &[Role::Exporter, Role::Seller],
            "holder" => &[Role::Provider, Role::Operator, Role::Owner],
            "user" => &[
                Role::Customer,
                Role::EndUser,
                Role::Purchaser,
                Role::Consignee,
                Role::Owner,
                Role::Operator,
            ],
            "sender" => &[Role::Controller, Role::UsPerson],
            "receiver" => &[
                Role::Provider,
                Role::Customer,
                Role::EndUser,
                Role::Purchaser,
                Role::Consignee,
                Role::Operator,
            ],
            _ => Role::ALL,
        };
        self.act
            .parties
            .iter()
            .enumerate()
            .filter(|(_, party)| roles.contains(&party.role))
            .map(|(index, _)| index)
            .collect()
    }

    fn kinds(&self) -> BTreeSet<&'static str> {
        let item = &self.act.item;
        let parts = [
            ("chip", item.chip.is_some()),
            ("other", item.other.is_some()),
            ("dataset", item.dataset.is_some()),
            ("weights", item.weights.is_some()),
            ("model", item.model.is_some()),
            ("technology", item.technology.is_some()),
            ("service", item.service.is_some()),
            ("evidence", item.evidence.is_some()),
            ("unknown", !item.unknown.is_empty()),
        ];
        parts
            .into_iter()
            .filter(|(_, there)| *there)
            .map(|(kind, _)| kind)
            .collect()
    }

    fn exists(&self, authorisation: &str) -> bool {
        // The strict day of the two that one instant can be is not worth a zone of its own: all have their dates in UTC.
        self.packs
            .vocabulary
            .authorisations
            .get(authorisation)
            .is_some_and(|spec| spec.exists(self.day("base")))
    }

    fn is_unknown(&self, name: &str) -> bool {
        match name {
            "dataset.important" => self
                .act
                .item
                .dataset
                .as_ref()
                .is_some_and(|dataset| !dataset.important.as_ref().is_some_and(Fact::is_known)),
            _ => !self.act.facts.get(name).is_some_and(Fact::is_known),
        }
    }

    // For messages.

    fn name(&self, index: usize) -> &str {
        let key = self
            .act
            .parties
            .get(index)
            .map_or("", |party: &ActParty| party.id.as_str());
        self.act
            .register
            .get(key)
            .map_or(key, |party| party.name.as_str())
    }

    /// The name of an unknown and why it is unknown.
    pub(crate) fn describe(&self, slot: &Slot) -> (String, String) {
        let role = |index: &usize| {
            let role = self.act.parties.get(*index).map(|party| party.role);
            let several = self
                .act
                .parties
                .iter()
                .filter(|party| Some(party.role) == role)
                .count()
                > 1;
            let word = role.map_or("party", Role::word);
            if several {
                format!("{word} `{}`", self.name(*index))
            } else {
                word.to_owned()
            }
        };
        let name = match slot {
            Slot::To => "to".to_owned(),
            Slot::Country(index, Field::Located) => format!("{}.in", role(index)),
            Slot::Country(index, Field::Headquarters) => format!("{}.hq", role(index)),
            Slot::Country(index, Field::Parent) => format!("{}.parent", role(index)),
            Slot::Country(index, Field::Home) => format!("{}.incorporated", role(index)),
            Slot::Listed(index) => format!("{}.listed", role(index)),
            Slot::Ciio(index) => format!("{}.ciio", role(index)),
            Slot::Owned(index, _) | Slot::Holder(index, _) => format!("{}.owners", role(index)),
            Slot::Member(country, group) => format!("{country} in {group}"),
            Slot::Measure(name) if name == "train_ops" && self.act.item.weights.is_some() => {
                format!("weights.{name}")
            }
            Slot::Measure(name) if name == "train_ops" => format!("model.{name}"),
            Slot::Measure(name) => format!("chip.{name}"),
            Slot::Flag(name) => match name.as_str() {
                "datacenter" => format!("chip.{name}"),
                "important" => format!("dataset.{name}"),
                "public" => format!("service.{name}"),
                "gpai" => format!("model.{name}"),
                _ => format!("weights.{name}"),
            },
            Slot::Persons(class) => format!("dataset.{class}"),
            Slot::Word(name) => name.clone(),
            Slot::StoredIn => "evidence.stored_in".to_owned(),
            Slot::Fact(name) => name.clone(),
        };
        let why = self.whys.borrow().get(slot).cloned().unwrap_or_default();
        (name, why)
    }
}
