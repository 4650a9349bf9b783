//! An act as the policies see it: every attribute read from facts, with the unknown ones taken from a *world* that gives
//! each a value.
//!
//! Reading is eager: which unknown facts an attribute looks at never depends on the world. So one reading with the notebook
//! open tells which facts a policy turns on, and what it compares them with.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Date, Fact};
use causeway_parties::{
    Cascade, Certainty, Parent, Party, PartyKind, cascade, flagged_holders, ultimate_parent,
};
use rust_decimal::Decimal;

use crate::cedar::{Attribute, Mention};
use crate::definitions::{Comparison, Condition, Definition, Field};
use crate::groups::Member;
use crate::vocabulary::{FactKind, day_number};
use crate::{Act, ActKind, ActParty, FactValue, Packs, Role, Settings};

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
enum Quantity {
    Absent,
    Known(Decimal, Decimal),
    Open(Slot),
}

/// A country that is known or not.
enum Place {
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

    fn day(&self, jurisdiction: &str) -> Date {
        self.packs.day(jurisdiction, self.act.date)
    }

    /// The unknown facts that an attribute looks at when it is compared with these literals.
    pub(crate) fn looks_at(&self, path: &str, mention: &Mention) -> BTreeMap<Slot, Needs> {
        *self.notebook.borrow_mut() = Some(BTreeMap::new());
        let _value = self.attribute(path, mention, &World::new());
        self.notebook.borrow_mut().take().unwrap_or_default()
    }

    fn note(
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

    // Countries.

    fn place(&self, fact: &Fact<Country>, slot: Slot) -> Place {
        match fact {
            Fact::Known(country, _) => Place::Known(*country),
            Fact::Unknown(why) => {
                self.note(&slot, || why.clone(), [], []);
                Place::Open(slot)
            }
        }
    }

    fn destination(&self) -> Place {
        self.place(&self.to, Slot::To)
    }

    fn registered(&self, index: usize) -> Option<&Party> {
        self.act
            .parties
            .get(index)
            .and_then(|party| self.act.register.get(&party.id))
    }

    fn seat(&self, index: usize, field: Field) -> Place {
        let Some(taking_part) = self.act.parties.get(index) else {
            return Place::Nowhere;
        };
        let slot = Slot::Country(index, field);
        if field == Field::Located {
            return self.place(&taking_part.located, slot);
        }
        if field == Field::Parent {
            return match self.parents.get(index) {
                Some(Parent::Known { country, .. }) => Place::Known(*country),
                Some(Parent::Unclear { why, .. }) => {
                    self.note(&slot, || why.clone(), [], []);
                    Place::Open(slot)
                }
                None => Place::Nowhere,
            };
        }
        let Some(party) = self.registered(index) else {
            self.note(
                &slot,
                || format!("`{}` is not in the register", taking_part.id),
                [],
                [],
            );
            return Place::Open(slot);
        };
        match (field, &party.incorporated) {
            (Field::Home, Some(incorporated)) => self.place(incorporated, slot),
            // Where nobody says otherwise a party is incorporated where it has its headquarters: one unknown, not two.
            _ => self.place(
                &party.headquarters,
                Slot::Country(index, Field::Headquarters),
            ),
        }
    }

    pub(crate) fn groups_of(&self, country: Country) -> BTreeMap<&'a str, Member> {
        if let Some(known) = self.groups.borrow().get(&country) {
            return known.clone();
        }
        let groups = self
            .packs
            .groups
            .of(country, |jurisdiction| self.day(jurisdiction));
        self.groups.borrow_mut().insert(country, groups.clone());
        groups
    }

    /// Whether a place has one of these codes or is in one of these groups.
    fn at(&self, place: &Place, tokens: &BTreeSet<String>, world: &World) -> bool {
        match place {
            Place::Nowhere => false,
            Place::Known(country) => {
                let groups = self.groups_of(*country);
                let mut found = false;
                for token in tokens {
                    found |= token == country.code();
                    match groups.get(token.as_str()) {
                        Some(Member::In) => found = true,
                        Some(Member::Review) => {
                            let slot = Slot::Member(*country, token.clone());
                            let why = || {
                                format!(
                                    "sources differ on whether {} is in {token} on this day",
                                    country.name()
                                )
                            };
                            self.note(&slot, why, [], []);
                            found |= world.get(&slot) == Some(&Value::Flag(true));
                        }
                        Some(Member::Out) | None => {}
                    }
                }
                found
            }
            Place::Open(slot) => {
                self.note(slot, String::new, tokens.iter().cloned(), []);
                matches!(world.get(slot), Some(Value::Tokens(known)) if !known.is_disjoint(tokens))
            }
        }
    }

    /// The countries that an unknown can be; `None`: any.
    pub(crate) fn countries(&self, slot: &Slot) -> Option<BTreeSet<Country>> {
        match slot {
            Slot::Country(index, Field::Parent) => match self.parents.get(*index) {
                Some(Parent::Unclear { candidates, .. }) => candidates.clone(),
                _ => None,
            },
            Slot::To => self
                .not_to
                .map(|not| Country::all().filter(|country| *country != not).collect()),
            _ => None,
        }
    }

    /// Data start where a shipment of data starts; in a compound act where the sender is.
    fn data_from(&self, tokens: &BTreeSet<String>, world: &World) -> bool {
        match (self.kind, self.act.from) {
            (ActKind::TransferDataset, Some(from)) => self.at(&Place::Known(from), tokens, world),
            _ => {
                let answers: Vec<bool> = self
                    .group("sender")
                    .into_iter()
                    .map(|index| self.at(&self.seat(index, Field::Located), tokens, world))
                    .collect();
                answers.into_iter().any(|answer| answer)
            }
        }
    }

    // Classes.

    fn class(
        &self,
        classes: &BTreeMap<String, Vec<Definition>>,
        class: &str,
        holds: &dyn Fn(&Condition) -> bool,
    ) -> bool {
        let answers: Vec<bool> = classes
            .get(class)
            .into_iter()
            .flatten()
            .filter(|definition| {
                let day = self.day(&definition.jurisdiction);
                definition.from.is_none_or(|from| from <= day)
                    && definition.to.is_none_or(|to| day <= to)
            })
            .map(|definition| holds(&definition.condition))
            .collect();
        answers.into_iter().any(|answer| answer)
    }

    fn item(&self, condition: &Condition, world: &World) -> bool {
        match condition {
            Condition::All(list) => {
                eager(list, |inner| self.item(inner, world)).all(|answer| answer)
            }
            Condition::Any(list) => {
                eager(list, |inner| self.item(inner, world)).any(|answer| answer)
            }
            Condition::Not(inner) => !self.item(inner, world),
            Condition::Class(class) => self.class(&self.packs.definitions.items, class, &|inner| {
                self.item(inner, world)
            }),
            Condition::Measure {
                name,
                comparison,
                value,
            } => self.measure(name, *comparison, *value, world),
            Condition::Flag { name, is } => self.flag(name, world) == *is,
            Condition::Chip(ids) => ids.contains(&self.chip_id(
                &Mention {
                    words: ids.clone(),
                    ..Mention::default()
                },
                world,
            )),
            Condition::Lines { lines, of } => self.lines(lines, of, world),
            Condition::Fact(name) => {
                self.fact(name, &Mention::default(), world) == Attribute::Flag(true)
            }
            // Conditions on parties: an item is none.
            Condition::Country { .. }
            | Condition::Listed(_)
            | Condition::Ciio
            | Condition::Role(_)
            | Condition::OwnedBy { .. }
            | Condition::Holder { .. } => false,
        }
    }

    fn party(&self, index: usize, condition: &Condition, world: &World) -> bool {
        match condition {
            Condition::All(list) => {
                eager(list, |inner| self.party(index, inner, world)).all(|answer| answer)
            }
            Condition::Any(list) => {
                eager(list, |inner| self.party(index, inner, world)).any(|answer| answer)
            }
            Condition::Not(inner) => !self.party(index, inner, world),
            Condition::Class(class) => {
                self.class(&self.packs.definitions.parties, class, &|inner| {
                    self.party(index, inner, world)
                })
            }
            Condition::Country { field, tokens } => {
                self.at(&self.seat(index, *field), tokens, world)
            }
            Condition::Listed(lists) => self.listed(index, lists, world),
            Condition::Role(roles) => self
                .act
                .parties
                .get(index)
                .is_some_and(|party| roles.contains(party.role.word())),
            Condition::Ciio => match self.act.parties.get(index).map(|party| &party.ciio) {
                Some(Fact::Known(known, _)) => *known,
                Some(Fact::Unknown(why)) => {
                    self.open_flag(&Slot::Ciio(index), || why.clone(), world)
                }
                None => false,
            },
            Condition::Fact(name) => {
                self.fact(name, &Mention::default(), world) == Attribute::Flag(true)
            }
            Condition::OwnedBy {
                by,
                at_least,
                number,
            } => {
                let Some(key) = self.act.parties.get(index).map(|party| party.id.as_str()) else {
                    return false;
                };
                let found = self
                    .cascades
                    .borrow_mut()
                    .entry(*number)
                    .or_insert_with(|| {
                        cascade(&self.act.register, *at_least, |party| self.sure(party, by))
                    })
                    .of(key);
                match found {
                    Certainty::Yes => true,
                    Certainty::No => false,
                    Certainty::Open => {
                        let why = || {
                            format!(
                                "the owners of `{}` and their shares are not all known",
                                self.name(index)
                            )
                        };
                        self.open_flag(&Slot::Owned(index, *number), why, world)
                    }
                }
            }
            Condition::Holder { by, from, number } => {
                let Some(key) = self.act.parties.get(index).map(|party| party.id.as_str()) else {
                    return false;
                };
                let flags =
                    flagged_holders(&self.act.register, key, *from, |party| self.sure(party, by));
                match flags.any() {
                    Certainty::Yes => true,
                    Certainty::No => false,
                    Certainty::Open => self.open_flag(
                        &Slot::Holder(index, *number),
                        || {
                            flags
                                .possible
                                .iter()
                                .cloned()
                                .collect::<Vec<_>>()
                                .join("; ")
                        },
                        world,
                    ),
                }
            }
            Condition::Measure { .. }
            | Condition::Flag { .. }
            | Condition::Chip(_)
            | Condition::Lines { .. } => false,
        }
    }

    /// Whether a condition holds of a party of the register, in three values: what is unknown or under review is open.
    fn sure(&self, party: &Party, condition: &Condition) -> Certainty {
        match condition {
            Condition::All(list) => list
                .iter()
                .map(|inner| self.sure(party, inner))
                .min()
                .unwrap_or(Certainty::Yes),
            Condition::Any(list) => list
                .iter()
                .map(|inner| self.sure(party, inner))
                .max()
                .unwrap_or(Certainty::No),
            Condition::Not(inner) => match self.sure(party, inner) {
                Certainty::Yes => Certainty::No,
                Certainty::No => Certainty::Yes,
                Certainty::Open => Certainty::Open,
            },
            Condition::Listed(lists) => {
                party.on_any(&lists.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Condition::Country { field, tokens } => {
                let country = match (field, &party.incorporated) {
                    (Field::Home, Some(incorporated)) => incorporated,
                    _ => &party.headquarters,
                };
                match country {
                    _ if party.kind == PartyKind::Dispersed => Certainty::No,
                    Fact::Unknown(_) => Certainty::Open,
                    Fact::Known(country, _) => {
                        let groups = self.groups_of(*country);
                        let state = |token: &String| match groups.get(token.as_str()) {
                            _ if token == country.code() => Certainty::Yes,
                            Some(Member::In) => Certainty::Yes,
                            Some(Member::Review) => Certainty::Open,
                            Some(Member::Out) | None => Certainty::No,
                        };
                        tokens.iter().map(state).max().unwrap_or(Certainty::No)
                    }
                }
            }
            // Nothing that a register knows: open, so that it never clears anybody.
            _ => Certainty::Open,
        }
    }

    // Single facts.

    fn open_flag(&self, slot: &Slot, why: impl FnOnce() -> String, world: &World) -> bool {
        self.note(slot, why, [], []);
        world.get(slot) == Some(&Value::Flag(true))
    }

    fn listed(&self, index: usize, lists: &BTreeSet<String>, world: &World) -> bool {
        let slot = Slot::Listed(index);
        let why = match self.registered(index) {
            Some(party) => match (party.kind, &party.listed) {
                (PartyKind::Dispersed, _) => return false,
                (_, Fact::Known(on, _)) => return !on.is_disjoint(lists),
                (_, Fact::Unknown(why)) => why.clone(),
            },
            None => "not in the register".to_owned(),
        };
        self.note(&slot, || why, lists.iter().cloned(), []);
        matches!(world.get(&slot), Some(Value::Lists(on)) if !on.is_disjoint(lists))
    }

    fn flag(&self, name: &str, world: &World) -> bool {
        let item = &self.act.item;
        let figures = item.chip.as_ref().and_then(|chip| chip.figures.as_ref());
        let fact = match name {
            "datacenter" => match (figures, &item.chip) {
                (Some(figures), _) => Some(figures.datacenter.clone()),
                (None, Some(chip)) => {
                    let row = chip
                        .id
                        .as_ref()
                        .and_then(|id| self.packs.chips.get(id))
                        .and_then(|row| row.datacenter);
                    Some(row.map_or_else(
                        || Fact::unknown("the chip table does not say"),
                        |known| Fact::stated(known, "chip table"),
                    ))
                }
                (None, None) => None,
            },
            "closed" => item.weights.as_ref().map(|weights| weights.closed.clone()),
            "published" => item
                .weights
                .as_ref()
                .map(|weights| weights.published.clone()),
            "public" => item.service.as_ref().map(|service| service.public.clone()),
            "gpai" => item.model.as_ref().map(|model| model.gpai.clone()),
            "important" => item.dataset.as_ref().map(|dataset| {
                dataset
                    .important
                    .clone()
                    .unwrap_or_else(|| Fact::unknown("not stated"))
            }),
            _ => None,
        };
        match fact {
            None => false,
            Some(Fact::Known(known, _)) => known,
            Some(Fact::Unknown(why)) => self.open_flag(&Slot::Flag(name.to_owned()), || why, world),
        }
    }

    fn word(
        &self,
        name: &str,
        fact: Option<&Fact<String>>,
        mention: &Mention,
        world: &World,
    ) -> Attribute {
        Attribute::Word(match fact {
            None => String::new(),
            Some(Fact::Known(word, _)) => word.clone(),
            Some(Fact::Unknown(why)) => {
                let slot = Slot::Word(name.to_owned());
                self.note(&slot, || why.clone(), mention.words.iter().cloned(), []);
                match world.get(&slot) {
                    Some(Value::Word(word)) => word.clone(),
                    _ => String::new(),
                }
            }
        })
    }

    fn chip_id(&self, mention: &Mention, world: &World) -> String {
        match self
            .act
            .item
            .chip
            .as_ref()
            .map(|chip| (&chip.id, &chip.figures))
        {
            Some((Some(id), _)) => id.clone(),
            Some((None, None)) => match self.word(
                "chip",
                Some(&Fact::unknown("nobody says which chip it is")),
                mention,
                world,
            ) {
                Attribute::Word(word) => word,
                _ => String::new(),
            },
            _ => String::new(),
        }
    }

    fn fact(&self, name: &str, mention: &Mention, world: &World) -> Attribute {
        let Some(spec) = self.packs.vocabulary.facts.get(name) else {
            return Attribute::Flag(false);
        };
        let why = match self.act.facts.get(name) {
            Some(Fact::Known(value, _)) if spec.takes(value) => match value {
                FactValue::Word(word) => return Attribute::Word(word.clone()),
                FactValue::Flag(flag) => return Attribute::Flag(*flag),
                FactValue::Day(day) => return Attribute::Long(day_number(*day)),
                FactValue::Number(_) | FactValue::Persons(_) => return Attribute::Flag(false),
            },
            Some(Fact::Known(value, _)) => format!("`{value}` is not a value of it"),
            Some(Fact::Unknown(why)) => why.clone(),
            None => "not stated".to_owned(),
        };
        let slot = Slot::Fact(name.to_owned());
        self.note(
            &slot,
            || why,
            mention.words.iter().cloned(),
            mention.numbers.iter().map(|number| Decimal::from(*number)),
        );
        match (spec.kind, world.get(&slot)) {
            (FactKind::Word, Some(Value::Word(word))) => Attribute::Word(word.clone()),
            (FactKind::Word, _) => Attribute::Word(String::new()),
            (FactKind::Day, Some(Value::Long(day))) => Attribute::Long(*day),
            (FactKind::Day, _) => Attribute::Long(0),
            (_, Some(Value::Flag(flag))) => Attribute::Flag(*flag),
            (_, _) => Attribute::Flag(false),
        }
    }

    // Numbers.

    fn quantity(&self, name: &str) -> Quantity {
        let open = |slot: Slot, why: String| {
            self.note(&slot, || why, [], []);
            Quantity::Open(slot)
        };
        let measure = || Slot::Measure(name.to_owned());
        let of_fact = |fact: &Fact<Decimal>| match fact {
            Fact::Known(value, _) => Quantity::Known(*value, Decimal::ONE),
            Fact::Unknown(why) => open(measure(), why.clone()),
        };
        let item = &self.act.item;
        if let ("tpp" | "performance_density" | "io_total" | "dram_bandwidth", Some(chip)) =
            (name, &item.chip)
        {
            if let Some(figures) = &chip.figures {
                return of_fact(match name {
                    "tpp" => &figures.tpp,
                    "performance_density" => &figures.performance_density,
                    "io_total" => &figures.io_total,
                    _ => &figures.dram_bandwidth,
                });
            }
            let row = chip.id.as_ref().and_then(|id| self.packs.chips.get(id));
            let known = row.and_then(|row| match name {
                "tpp" => Some((row.tpp?, Decimal::ONE)),
                "performance_density" => Some((row.tpp?, row.die_area?)),
                "io_total" => Some((row.io_total?, Decimal::ONE)),
                _ => Some((row.dram_bandwidth?, Decimal::ONE)),
            });
            return match known {
                Some((numerator, denominator)) => Quantity::Known(numerator, denominator),
                None => open(measure(), "the chip table does not say".to_owned()),
            };
        }
        if name == "train_ops" {
            return match (&item.weights, &item.model) {
                (Some(weights), _) => of_fact(&weights.train_ops),
                (None, Some(model)) => of_fact(&model.train_ops),
                (None, None) => Quantity::Absent,
            };
        }
        if self
            .packs
            .vocabulary
            .data_classes
            .iter()
            .any(|class| class == name)
        {
            return self.persons(name);
        }
        if self
            .packs
            .vocabulary
            .facts
            .get(name)
            .is_some_and(|fact| fact.kind == FactKind::Number)
        {
            let slot = Slot::Fact(name.to_owned());
            return match self.act.facts.get(name) {
                Some(Fact::Known(FactValue::Number(value), _)) => {
                    Quantity::Known(*value, Decimal::ONE)
                }
                Some(Fact::Known(value, _)) => open(slot, format!("`{value}` is not a number")),
                Some(Fact::Unknown(why)) => open(slot, why.clone()),
                None => open(slot, "not stated".to_owned()),
            };
        }
        Quantity::Absent
    }

    fn measure(
        &self,
        name: &str,
        comparison: Comparison,
        threshold: Decimal,
        world: &World,
    ) -> bool {
        match self.quantity(name) {
            Quantity::Absent => false,
            // Where the product leaves the range of decimals the left side is far below it.
            Quantity::Known(numerator, denominator) => comparison
                .holds(numerator, denominator, threshold)
                .unwrap_or(matches!(comparison, Comparison::Le | Comparison::Lt)),
            Quantity::Open(slot) => {
                self.note(&slot, String::new, [], [threshold]);
                match world.get(&slot) {
                    Some(Value::Number(value)) => comparison
                        .holds(*value, Decimal::ONE, threshold)
                        .unwrap_or(false),
                    _ => false,
                }
            }
        }
    }

    fn persons(&self, class: &str) -> Quantity {
        let Some(dataset) = &self.act.item.dataset else {
            return Quantity::Absent;
        };
        let slot = Slot::Persons(class.to_owned());
        let open = |why: &str| {
            self.note(&slot, || why.to_owned(), [], [Decimal::ZERO]);
            Quantity::Open(slot.clone())
        };
        match (dataset.persons.get(class), &dataset.classified) {
            (Some(Fact::Known(persons, _)), _) => {
                Quantity::Known(Decimal::from(*persons), Decimal::ONE)
            }
            (Some(Fact::Unknown(why)), _) => open(why),
            (None, Some(Fact::Unknown(why))) => open(why),
            (None, Some(Fact::Known(false, _))) => open("nobody says what the data are"),
            (None, Some(Fact::Known(true, _)) | None) => Quantity::Absent,
        }
    }

    /// Whether a class is over its line, or over the lowest line of the classes that are present. What went to the same
    /// counterparty in the twelve months before is added; it counts only where the class is in this set too.
    fn lines(
        &self,
        lines: &BTreeMap<String, Decimal>,
        of: &BTreeSet<String>,
        world: &World,
    ) -> bool {
        let mut totals: Vec<(&str, Decimal, Decimal)> = Vec::new();
        let mut lowest: Option<Decimal> = None;
        let possible = lines.keys().any(|class| match self.persons(class) {
            Quantity::Absent => false,
            Quantity::Known(persons, _) => persons > Decimal::ZERO,
            Quantity::Open(_) => true,
        });
        for (class, line) in lines {
            let prior = if possible {
                self.prior(class, world)
            } else {
                Decimal::ZERO
            };
            let persons = match self.persons(class) {
                Quantity::Absent => Decimal::ZERO,
                Quantity::Known(persons, _) => persons,
                Quantity::Open(slot) => {
                    let known = self.prior_known(class);
                    self.note(
                        &slot,
                        String::new,
                        [],
                        lines
                            .values()
                            .map(|line| (*line - known).max(Decimal::ZERO)),
                    );
                    match world.get(&slot) {
                        Some(Value::Number(value)) => *value,
                        _ => Decimal::ZERO,
                    }
                }
            };
            if persons > Decimal::ZERO || prior > Decimal::ZERO {
                lowest = Some(lowest.map_or(*line, |lowest| lowest.min(*line)));
            }
            if persons > Decimal::ZERO && of.contains(class) {
                totals.push((class, persons + prior, *line));
            }
        }
        totals
            .into_iter()
            .any(|(_, total, line)| total > line.min(lowest.unwrap_or(line)))
    }

    fn prior_known(&self, class: &str) -> Decimal {
        match self.act.facts.get("prior_12_months") {
            Some(Fact::Known(FactValue::Persons(counts), _)) => counts
                .get(class)
                .map_or(Decimal::ZERO, |persons| Decimal::from(*persons)),
            _ => Decimal::ZERO,
        }
    }

    fn prior(&self, class: &str, world: &World) -> Decimal {
        let why = match self.act.facts.get("prior_12_months") {
            Some(Fact::Known(FactValue::Persons(_), _)) => return self.prior_known(class),
            Some(Fact::Known(FactValue::Word(word), _)) if word == "none" => return Decimal::ZERO,
            Some(Fact::Known(value, _)) => format!("`{value}` is not persons by class"),
            Some(Fact::Unknown(why)) => why.clone(),
            None => "not stated".to_owned(),
        };
        let slot = Slot::Fact("prior_12_months".to_owned());
        self.note(&slot, || why, [], [Decimal::ZERO]);
        match world.get(&slot) {
            Some(Value::Number(value)) => *value,
            _ => Decimal::ZERO,
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

/// Every answer before any is combined: no short circuit, so that the notebook sees every fact.
fn eager<'c>(
    list: &'c [Condition],
    answer: impl FnMut(&'c Condition) -> bool,
) -> std::vec::IntoIter<bool> {
    list.iter().map(answer).collect::<Vec<_>>().into_iter()
}
