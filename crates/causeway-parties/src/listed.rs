//! On which lists a party stands, list by list.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Fact, Source};
use serde::{Deserialize, Serialize};

use crate::Certainty;

/// On which lists a party stands, in the words of the rule packs (`entity_list`).
///
/// Each list has its own answer: who is blocked for certain is not looked at again because another list is too old to say
/// anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    on: BTreeSet<String>,
    source: Source,
    /// The lists that are open, with why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    perhaps: BTreeMap<String, String>,
    /// Why nobody knows of any other list; `None`: it is on no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    others: Option<String>,
}

impl Listed {
    /// Screened: on these lists and on no other.
    #[must_use]
    pub fn on<W: Into<String>>(lists: impl IntoIterator<Item = W>, source: Source) -> Self {
        Self {
            on: lists.into_iter().map(Into::into).collect(),
            source,
            perhaps: BTreeMap::new(),
            others: None,
        }
    }

    /// Nobody knows of any list.
    #[must_use]
    pub fn unknown(why: impl Into<String>) -> Self {
        Self {
            others: Some(why.into()),
            ..Self::on(Vec::<String>::new(), Source::named("nobody"))
        }
    }

    /// The same, but perhaps on this list, too.
    #[must_use]
    pub fn perhaps(mut self, list: impl Into<String>, why: &str) -> Self {
        also(self.perhaps.entry(list.into()).or_default(), why);
        self
    }

    /// The same, but nobody knows of the lists that it is not on for certain.
    #[must_use]
    pub fn others_unknown(mut self, why: &str) -> Self {
        also(self.others.get_or_insert_default(), why);
        self
    }

    /// The same, and for certain on the lists that another source gives: who stands on a list stands on it, whoever says so.
    #[must_use]
    pub fn and_on(mut self, lists: BTreeSet<String>, source: &Source) -> Self {
        if self.on.is_empty() && !lists.is_empty() {
            self.source = source.clone();
        }
        self.on.extend(lists);
        self
    }

    /// Whether it stands on a list.
    #[must_use]
    pub fn stands_on(&self, list: &str) -> Certainty {
        if self.on.contains(list) {
            Certainty::Yes
        } else if self.others.is_some() || self.perhaps.contains_key(list) {
            Certainty::Open
        } else {
            Certainty::No
        }
    }

    /// The lists that it stands on for certain.
    #[must_use]
    pub const fn certain(&self) -> &BTreeSet<String> {
        &self.on
    }

    /// Who says so.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// Whether there is a list for which the answer is open, that it does not stand on for certain.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.others.is_some() || self.perhaps.keys().any(|list| !self.on.contains(list))
    }

    /// What is open, and why; `None` where nothing is.
    #[must_use]
    pub fn why_open(&self) -> Option<String> {
        let lists = self
            .perhaps
            .iter()
            .filter(|(list, _)| !self.on.contains(*list))
            .map(|(list, why)| format!("`{list}` is open: {why}"));
        let parts: Vec<String> = self.others.iter().cloned().chain(lists).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// All in one fact: unknown as soon as one list is open.
    #[must_use]
    pub fn whole(&self) -> Fact<BTreeSet<String>> {
        match self.why_open() {
            None => Fact::Known(self.on.clone(), self.source.clone()),
            Some(why) if self.on.is_empty() => Fact::unknown(why),
            Some(why) => {
                let on: Vec<&str> = self.on.iter().map(String::as_str).collect();
                Fact::unknown(format!("on {} for certain; {why}", on.join(", ")))
            }
        }
    }
}

impl From<Fact<BTreeSet<String>>> for Listed {
    fn from(fact: Fact<BTreeSet<String>>) -> Self {
        match fact {
            Fact::Known(lists, source) => Self::on(lists, source),
            Fact::Unknown(why) => Self::unknown(why),
        }
    }
}

fn also(why: &mut String, more: &str) {
    if why.is_empty() {
        more.clone_into(why);
    } else if !why.contains(more) {
        why.push_str("; ");
        why.push_str(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_has_its_own_answer() {
        let listed = Listed::on(["sdn"], Source::named("screening"))
            .perhaps("sdn_7448", "no programmes")
            .perhaps("sdn", "known anyway");
        assert_eq!(listed.stands_on("sdn"), Certainty::Yes);
        assert_eq!(listed.stands_on("sdn_7448"), Certainty::Open);
        assert_eq!(listed.stands_on("entity_list"), Certainty::No);
        assert_eq!(
            listed.whole(),
            Fact::unknown("on sdn for certain; `sdn_7448` is open: no programmes")
        );
        let old = listed.others_unknown("too old").others_unknown("too old");
        assert_eq!(old.stands_on("sdn"), Certainty::Yes);
        assert_eq!(old.stands_on("entity_list"), Certainty::Open);
        assert_eq!(
            old.why_open().unwrap(),
            "too old; `sdn_7448` is open: no programmes"
        );
    }

    #[test]
    fn what_a_second_source_gives_is_added() {
        let said = Source::named("causeway.yaml");
        let listed = Listed::unknown("not screened").and_on(["meu".to_owned()].into(), &said);
        assert_eq!(listed.stands_on("meu"), Certainty::Yes);
        assert_eq!(listed.stands_on("sdn"), Certainty::Open);
        assert_eq!(listed.source(), &said);
        let clear = Listed::on(["sdn"], said.clone()).and_on(BTreeSet::new(), &said);
        assert!(!clear.is_open());
        assert_eq!(clear.whole().known(), Some(clear.certain()));
    }
}
