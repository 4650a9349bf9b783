//! A stretch of days on which nothing changes.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use causeway_domain::{Country, Date};

use super::{Dated, Law};
use crate::bits::Bits;
use crate::groups::Member;
use crate::{ActKind, Packs, When};

/// The codes and groups of a country.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its code, and the groups that it is in.
    pub(crate) held: Bits,
    /// Groups of which sources say different things.
    pub(crate) review: Bits,
}

/// What depends on the day.
#[derive(Debug, Clone)]
pub(crate) struct Epoch {
    when: When,
    /// By kind of act: the policies that apply on this day, by index.
    slices: Vec<Vec<u16>>,
    /// By class: the definitions that hold, by index.
    items: Vec<Vec<usize>>,
    parties: Vec<Vec<usize>>,
    /// By the letters of the code; worked out when first asked for.
    rows: Vec<OnceLock<Box<Row>>>,
}

const LETTERS: usize = 26;

/// The two letters of a code as a number.
fn place(country: Country) -> usize {
    country.code().bytes().fold(0, |all, letter| {
        all * LETTERS + usize::from(letter.saturating_sub(b'A'))
    })
}

impl Epoch {
    pub(super) fn new(law: &Law, packs: &Packs, when: When) -> Self {
        let mut days: BTreeMap<&str, Date> = BTreeMap::new();
        let mut day = |jurisdiction| -> Date {
            *days
                .entry(jurisdiction)
                .or_insert_with(|| packs.day(jurisdiction, when))
        };
        let mut slices = vec![Vec::new(); ActKind::ALL.len()];
        for (index, rule) in packs.rules.iter().enumerate() {
            let day = day(rule.info.jurisdiction.as_str());
            let on = rule.info.from.is_none_or(|from| from <= day)
                && rule.info.to.is_none_or(|to| day <= to)
                && rule.compliance_from.is_none_or(|from| from <= day);
            let Some(index) = u16::try_from(index).ok().filter(|_| on) else {
                continue;
            };
            for kind in &rule.kinds {
                if let Some(slice) = slices.get_mut(*kind as usize) {
                    slice.push(index);
                }
            }
        }
        let holding = |classes: &[Vec<Dated>]| -> Vec<Vec<usize>> {
            classes
                .iter()
                .map(|definitions| {
                    let held = definitions.iter().enumerate().filter(|(_, definition)| {
                        let day = packs.day(&definition.jurisdiction, when);
                        definition.from.is_none_or(|from| from <= day)
                            && definition.to.is_none_or(|to| day <= to)
                    });
                    held.map(|(index, _)| index).collect()
                })
                .collect()
        };
        let items = holding(&law.items);
        let parties = holding(&law.parties);
        Self {
            when,
            slices,
            items,
            parties,
            rows: (0..LETTERS * LETTERS).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The policies of an act that apply on this day.
    pub(crate) fn slice(&self, kind: ActKind) -> &[u16] {
        self.slices.get(kind as usize).map_or(&[], Vec::as_slice)
    }

    /// The definitions of a class of items that hold.
    pub(crate) fn items<'l>(&'l self, law: &'l Law, class: u16) -> impl Iterator<Item = &'l Dated> {
        held(&law.items, &self.items, class)
    }

    /// The definitions of a class of parties that hold.
    pub(crate) fn parties<'l>(
        &'l self,
        law: &'l Law,
        class: u16,
    ) -> impl Iterator<Item = &'l Dated> {
        held(&law.parties, &self.parties, class)
    }

    /// The codes and groups of a country.
    pub(crate) fn row(&self, packs: &Packs, country: Country) -> &Row {
        static NOWHERE: Row = Row {
            held: Bits::EMPTY,
            review: Bits::EMPTY,
        };
        self.rows.get(place(country)).map_or(&NOWHERE, |row| {
            row.get_or_init(|| {
                let law = &packs.law;
                let mut row = Row::default();
                let states = packs
                    .groups
                    .of(country, |jurisdiction| packs.day(jurisdiction, self.when));
                for (group, state) in states {
                    let Some(token) = law.tokens.id(group).map(usize::from) else {
                        continue;
                    };
                    match state {
                        Member::In => row.held.insert(token),
                        Member::Review => row.review.insert(token),
                        Member::Out => {}
                    }
                }
                if let Some(code) = law.token_of(country) {
                    row.held.insert(usize::from(code));
                }
                Box::new(row)
            })
        })
    }
}

fn held<'l>(
    classes: &'l [Vec<Dated>],
    holding: &'l [Vec<usize>],
    class: u16,
) -> impl Iterator<Item = &'l Dated> {
    let class = usize::from(class);
    let definitions = classes.get(class).map_or(&[][..], Vec::as_slice);
    holding
        .get(class)
        .into_iter()
        .flatten()
        .filter_map(|index| definitions.get(*index))
}
