//! Approvals on file: which of them cover an act, and what they say about it.
//!
//! An approval reaches this room only after its signatures were verified. It counts for an act when everything of the act
//! lies inside its scope (parties, kind, items, places, day), when every fact that it rests on is still the same
//! ([`facts_of`]), and, for an authorisation with a quantity, when enough is left after what other runs used.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::approval::{Approval, EntryMatch, Kind};
use causeway_domain::{Fact, Source};
use causeway_parties::{Parent, Register, ultimate_parent};
use serde::{Deserialize, Serialize};

use crate::cedar::halves;
use crate::{Act, ActKind, FactValue};

/// The stake from which a minority over a free float may control a party, as the headquarters test takes it.
const CONTROL_FLOOR: rust_decimal::Decimal = rust_decimal::Decimal::TEN;

/// An approval whose signatures fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signed {
    /// What it says.
    pub approval: Approval,
    /// Who signed it, by name.
    pub by: Vec<String>,
}

/// What runs used of an authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Used {
    /// Chips.
    pub chips: u64,
    /// Persons of whom there were data.
    pub persons: u64,
    /// Runs.
    pub runs: u64,
}

impl Used {
    /// Adds what another run used.
    pub const fn add(&mut self, other: Self) {
        self.chips = self.chips.saturating_add(other.chips);
        self.persons = self.persons.saturating_add(other.persons);
        self.runs = self.runs.saturating_add(other.runs);
    }
}

/// Every approval on file, with what runs used of each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Approvals {
    /// The approvals.
    pub signed: Vec<Signed>,
    /// What runs used so far, by approval.
    pub used: BTreeMap<String, Used>,
}

/// Why an approval does not count for an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// The act lies outside its scope.
    Outside(String),
    /// Its days are over, or have not come.
    Day(String),
    /// A fact that it rests on changed.
    Fallen {
        /// The fact.
        fact: String,
        /// What it was when it was signed.
        was: String,
        /// What it is; none where the act has no such fact, or it is unknown.
        is: Option<String>,
    },
    /// Too little is left of it.
    UsedUp(String),
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Outside(why) | Self::Day(why) | Self::UsedUp(why) => f.write_str(why),
            Self::Fallen { fact, was, is } => write!(
                f,
                "it rests on `{fact}: {was}`, which is {} now",
                is.as_deref().unwrap_or("unknown")
            ),
        }
    }
}

/// An act with the words for what it is done with: chips and datasets by their ids, `weights`, `technology`, `machines`.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// The act.
    pub act: Act,
    /// Its items.
    pub items: BTreeSet<String>,
}

/// An approval that counts for an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnFile {
    /// The approval.
    pub approval: String,
    /// What it gives: `BIS_LICENCE`, `red_flags: resolved`, `jp-fefa`.
    pub gives: String,
    /// Who signed it.
    pub by: Vec<String>,
}

impl Approvals {
    /// Lets the approvals count in the acts of one undertaking, together: what one act uses, another can't.
    pub fn apply(&self, acts: &mut [Described]) {
        for signed in &self.signed {
            let covered: Vec<usize> = acts
                .iter()
                .enumerate()
                .filter(|(_, described)| self.fits(signed, described).is_ok())
                .map(|(index, _)| index)
                .collect();
            let need = needed(covered.iter().filter_map(|index| acts.get(*index)));
            if self.left(signed, need).is_err() {
                continue;
            }
            for index in covered {
                if let Some(described) = acts.get_mut(index) {
                    give(signed, &mut described.act);
                }
            }
        }
        for described in acts {
            settle(&mut described.act);
        }
    }

    /// Whether an approval covers an act and still stands; its quantity is another question.
    ///
    /// # Errors
    /// Why it does not.
    pub fn fits(&self, signed: &Signed, described: &Described) -> Result<(), Unfit> {
        let (approval, act) = (&signed.approval, &described.act);
        let scope = &approval.scope;
        let outside = |what: String| Err(Unfit::Outside(format!("{what} is outside its scope")));
        let day = act.date.day();
        if day < scope.from || scope.to < day {
            return Err(Unfit::Day(format!(
                "it holds from {} to {}",
                scope.from, scope.to
            )));
        }
        let kinds = match halves(act.kind) {
            [] => vec![act.kind],
            halves => halves.to_vec(),
        };
        if let Some(kind) = kinds.iter().find(|kind| !scope.acts.contains(kind.word())) {
            return outside(format!("`{kind}`"));
        }
        for party in &act.parties {
            if !scope.parties.iter().any(|id| id.as_str() == party.id) {
                return outside(format!("party `{}`", party.id));
            }
        }
        match &act.to {
            Fact::Known(to, _) if scope.places.contains(to) => {}
            Fact::Known(to, _) => return outside(format!("{to}")),
            Fact::Unknown(why) => return outside(format!("a place that nobody states ({why})")),
        }
        if described.items.is_empty() {
            return outside("an act without an item".to_owned());
        }
        if let Some(item) = described
            .items
            .iter()
            .find(|item| !scope.items.contains(*item))
        {
            return outside(format!("`{item}`"));
        }
        let facts = facts_of(act);
        for (fact, was) in &approval.rests_on {
            let is = facts.get(fact);
            if is != Some(was) {
                return Err(Unfit::Fallen {
                    fact: fact.clone(),
                    was: was.clone(),
                    is: is.cloned(),
                });
            }
        }
        Ok(())
    }

    /// Whether enough is left of an authorisation for a need.
    ///
    /// # Errors
    /// How much is left.
    pub fn left(&self, signed: &Signed, need: Used) -> Result<(), Unfit> {
        let quantity = signed.approval.quantity.unwrap_or_default();
        let used = self
            .used
            .get(&signed.approval.approval)
            .copied()
            .unwrap_or_default();
        for (what, limit, used, need) in [
            ("chips", quantity.chips, used.chips, need.chips),
            ("persons", quantity.persons, used.persons, need.persons),
            ("runs", quantity.runs, used.runs, need.runs),
        ] {
            if let Some(limit) = limit
                && used.saturating_add(need) > limit
            {
                return Err(Unfit::UsedUp(format!(
                    "{} of its {limit} {what} are left, {need} are needed",
                    limit.saturating_sub(used)
                )));
            }
        }
        Ok(())
    }

    /// What a reviewer decided about an entry of a list and a party, on a day, where signed determinations agree.
    /// `identity` and `digest` say what the two are today: what was decided about another text of either does not count.
    #[must_use]
    pub fn same(
        &self,
        party: &str,
        identity: &str,
        list: &str,
        id: &str,
        digest: &str,
        day: causeway_domain::Date,
    ) -> Option<bool> {
        let mut answers = self
            .signed
            .iter()
            .filter(|signed| signed.approval.scope.from <= day && day <= signed.approval.scope.to)
            .filter_map(|signed| signed.approval.decides.as_ref()?.entry.as_ref())
            .filter(|entry: &&EntryMatch| {
                entry.party.as_str() == party
                    && entry.identity == identity
                    && entry.list == list
                    && entry.id == id
                    && entry.digest == digest
            })
            .map(|entry| entry.same);
        let first = answers.next()?;
        answers.all(|other| other == first).then_some(first)
    }
}

/// What the acts of one undertaking need of an authorisation: the same chips are counted once, persons of each dataset.
#[must_use]
pub fn needed<'a>(acts: impl Iterator<Item = &'a Described>) -> Used {
    let mut need = Used::default();
    for described in acts {
        need.runs = 1;
        let item = &described.act.item;
        need.chips = need
            .chips
            .max(item.chip.as_ref().map_or(0, |chip| chip.count));
        if let Some(dataset) = &item.dataset {
            for persons in dataset.persons.values() {
                // A number that nobody knows uses all that there is.
                let persons = persons.known().copied().unwrap_or(u64::MAX);
                need.persons = need.persons.saturating_add(persons);
            }
        }
    }
    need
}

/// Writes into an act what an approval gives.
fn give(signed: &Signed, act: &mut Act) {
    let approval = &signed.approval;
    let source = || Source {
        by: signed.by.join(" and "),
        evidence: Some(format!("{} `{}`", approval.kind, approval.approval)),
        on: None,
    };
    let gives = match (&approval.kind, &approval.authorisation, &approval.decides) {
        (Kind::Authorisation, Some(name), _) => {
            act.authorisations.insert(name.clone());
            name.clone()
        }
        (Kind::Determination, _, Some(decides)) => {
            if let (Some(name), Some(value)) = (&decides.fact, &decides.value) {
                let value = FactValue::from(value.0.as_str());
                let before = act
                    .on_file
                    .iter()
                    .any(|known| known.gives.starts_with(&format!("{name}: ")));
                let fact = match act.facts.get(name) {
                    Some(Fact::Known(other, _)) if before && *other != value => Fact::unknown(
                        format!("two determinations differ: `{other}` and `{value}`"),
                    ),
                    Some(Fact::Unknown(why)) if before => Fact::unknown(why.clone()),
                    _ => Fact::Known(value.clone(), source()),
                };
                act.facts.insert(name.clone(), fact);
                format!("{name}: {value}")
            } else if let Some(rule) = &decides.rule {
                act.determined.insert(rule.clone());
                rule.clone()
            } else {
                return;
            }
        }
        _ => return,
    };
    act.on_file.push(OnFile {
        approval: approval.approval.clone(),
        gives,
        by: signed.by.clone(),
    });
}

/// The order of approvals does not show.
fn settle(act: &mut Act) {
    act.on_file.sort_by(|a, b| {
        (a.approval.as_str(), a.gives.as_str()).cmp(&(b.approval.as_str(), b.gives.as_str()))
    });
}

/// The facts of an act by name, as text: what an approval can rest on. Unknown facts are left out, and sources: who says
/// the same thing does not matter.
///
/// `to`, `from`, the facts of the vocabulary, and for each party `<id>.headquarters`, `<id>.parent`, `<id>.listed`, and
/// `<id>.owners`: BLAKE3, hex, over everybody who owns it up to the ultimate parents with their shares, seats and lists.
#[must_use]
pub fn facts_of(act: &Act) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    if let Fact::Known(to, _) = &act.to {
        facts.insert("to".to_owned(), to.code().to_owned());
    }
    if let Some(from) = act.from {
        facts.insert("from".to_owned(), from.code().to_owned());
    }
    for (name, fact) in &act.facts {
        // What approvals gave is no ground for approvals.
        let given = act
            .on_file
            .iter()
            .any(|known| known.gives.starts_with(&format!("{name}: ")));
        if let (Fact::Known(value, _), false) = (fact, given) {
            facts.insert(name.clone(), value.to_string());
        }
    }
    for party in &act.parties {
        let id = &party.id;
        facts.insert(format!("{id}.owners"), owners_digest(&act.register, id));
        if let Parent::Known { country, .. } = ultimate_parent(&act.register, id, CONTROL_FLOOR) {
            facts.insert(format!("{id}.parent"), country.code().to_owned());
        }
        if let Some(known) = act.register.get(id) {
            if let Fact::Known(country, _) = &known.headquarters {
                facts.insert(format!("{id}.headquarters"), country.code().to_owned());
            }
            if let Fact::Known(lists, _) = known.listed.whole() {
                let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
                let text = if lists.is_empty() {
                    "none".to_owned()
                } else {
                    lists.join(" ")
                };
                facts.insert(format!("{id}.listed"), text);
            }
        }
    }
    facts
}

/// BLAKE3, hex, over what is known of a party and of everybody behind it. Length-prefixed fields in a fixed order.
fn owners_digest(register: &Register, key: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"causeway-owners/1\n");
    let mut waiting = vec![key.to_owned()];
    let mut behind = BTreeSet::new();
    while let Some(next) = waiting.pop() {
        if behind.insert(next.clone())
            && let Some(party) = register.get(&next)
        {
            waiting.extend(party.owners.iter().map(|holding| holding.holder.clone()));
        }
    }
    let mut field = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    let known = |known: Option<String>| known.unwrap_or_else(|| "?".to_owned());
    for key in &behind {
        field(key);
        let Some(party) = register.get(key) else {
            field("not in the register");
            continue;
        };
        field(&party.name);
        field(&format!("{:?}", party.kind));
        field(&known(
            party
                .headquarters
                .known()
                .map(|country| country.code().to_owned()),
        ));
        for place in [&party.incorporated, &party.parent] {
            field(&place.as_ref().map_or_else(String::new, |fact| {
                known(fact.known().map(|country| country.code().to_owned()))
            }));
        }
        field(&known(party.listed.whole().known().map(|lists| {
            lists.iter().cloned().collect::<Vec<_>>().join(" ")
        })));
        field(if party.owners_complete {
            "complete"
        } else {
            "open"
        });
        let mut owners: Vec<String> = party
            .owners
            .iter()
            .map(|holding| {
                format!(
                    "{} {} {}",
                    holding.holder,
                    known(
                        holding
                            .share
                            .known()
                            .map(|share| share.get().normalize().to_string())
                    ),
                    holding.control
                )
            })
            .collect();
        owners.sort();
        field(&owners.len().to_string());
        for owner in owners {
            field(&owner);
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// A draft of an approval for an act: everything that it can rest on, in the scope of this act alone.
#[must_use]
pub fn scope_of(described: &Described) -> (BTreeSet<String>, BTreeSet<&'static str>) {
    let parties = described
        .act
        .parties
        .iter()
        .map(|party| party.id.clone())
        .collect();
    let acts = match halves(described.act.kind) {
        [] => BTreeSet::from([described.act.kind.word()]),
        halves => halves.iter().map(|kind: &ActKind| kind.word()).collect(),
    };
    (parties, acts)
}
#[cfg(test)]
mod tests;
