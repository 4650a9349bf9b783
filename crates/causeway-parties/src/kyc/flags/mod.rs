//! Red flags: each a pure function over [`Records`]. A flag states facts with their sources and a question; it has no
//! opinion and decides nothing.

mod dealings;
mod money;
mod order;
mod parties;
mod run;
#[cfg(test)]
mod tests;

use causeway_domain::Fact;
use causeway_domain::organisation::Kyc;
use serde::Serialize;

pub use order::{scientific, six_n_d};

use super::form::{Customer, Item};
use super::records::Records;

/// A fact and where it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// The fact.
    pub fact: String,
    /// Who says it.
    pub source: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Finding {
    /// The facts are there; somebody has to ask.
    Raised {
        /// What was seen.
        facts: Vec<Seen>,
        /// What to ask.
        question: String,
    },
    /// Every fact that the check looks at is known, and none of them is one of its kind.
    Clear {
        /// Why.
        why: String,
        /// What was seen.
        facts: Vec<Seen>,
    },
    /// A fact is missing: never clear.
    Unknown {
        /// What, and why nobody knows.
        missing: Vec<String>,
        /// What is known so far.
        facts: Vec<Seen>,
    },
}

/// For the order of questions only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// First.
    Block,
    /// Second.
    High,
    /// Third.
    Mid,
}

impl Weight {
    /// The word of the table.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::High => "high",
            Self::Mid => "mid",
        }
    }
}

/// One check.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// `rf1` to `rf24`.
    pub id: &'static str,
    /// What it looks for.
    pub title: &'static str,
    /// Where it stands in the order of questions.
    pub weight: Weight,
    /// The check.
    pub check: fn(&Records, &Kyc) -> Finding,
}

const fn flag(
    id: &'static str,
    weight: Weight,
    title: &'static str,
    check: fn(&Records, &Kyc) -> Finding,
) -> Flag {
    Flag {
        id,
        title,
        weight,
        check,
    }
}

/// Every check, in the order of the table. Source: BIS industry guidance of 2025-05-13, EAR supp. 3 to part 732 and the
/// joint alerts of FinCEN and BIS, as the room's questionnaire collects them.
pub const FLAGS: [Flag; 24] = [
    flag(
        "rf1",
        Weight::Block,
        "a party, alias or address matches a list entry",
        parties::listed,
    ),
    flag(
        "rf2",
        Weight::Block,
        "caught by a 50 % rule, or possibly so",
        parties::owned,
    ),
    flag(
        "rf3",
        Weight::High,
        "a listed owner below 50 %",
        parties::minority,
    ),
    flag(
        "rf4",
        Weight::High,
        "headquarters or ultimate parent in D:5 or Macau, the contracting entity elsewhere",
        parties::headquarters,
    ),
    flag(
        "rf5",
        Weight::High,
        "founded after the controls, with a large order",
        parties::young,
    ),
    flag(
        "rf6",
        Weight::High,
        "shares an address, telephone, director, domain or payer with a listed or refused party",
        parties::contacts,
    ),
    flag(
        "rf7",
        Weight::Mid,
        "the address is residential, virtual, or shared by many",
        parties::address,
    ),
    flag(
        "rf8",
        Weight::High,
        "chips and hours far outside the stated model",
        order::plausible,
    ),
    flag(
        "rf9",
        Weight::High,
        "took more than planned",
        order::overrun,
    ),
    flag(
        "rf10",
        Weight::High,
        "access from elsewhere, by way of an anonymiser, or by a person not on the roster",
        dealings::access,
    ),
    flag(
        "rf11",
        Weight::Mid,
        "the payer is not the customer, or pays from an undeclared country",
        money::payer,
    ),
    flag(
        "rf12",
        Weight::Block,
        "weights or checkpoints went where nobody declared; a new endpoint during the run",
        dealings::destinations,
    ),
    flag(
        "rf13",
        Weight::Block,
        "the data moved differ from the manifest",
        dealings::data,
    ),
    flag(
        "rf14",
        Weight::High,
        "a party, owner, director or end user changed between clearance and end",
        dealings::changes,
    ),
    flag(
        "rf15",
        Weight::High,
        "several accounts of one group together pass a threshold",
        order::split,
    ),
    flag(
        "rf16",
        Weight::Mid,
        "the declared power cannot carry the declared chips",
        order::power,
    ),
    flag(
        "rf17",
        Weight::High,
        "a forwarder, reseller or broker signs and names no end user",
        dealings::end_user,
    ),
    flag(
        "rf18",
        Weight::High,
        "refused, blank or `other` in C8, C9, C10, C16",
        dealings::silence,
    ),
    flag(
        "rf19",
        Weight::Block,
        "an authorisation relied on expires before the last planned transfer",
        run::licences,
    ),
    flag(
        "rf20",
        Weight::Block,
        "lists or rules older than the policy allows at launch, staging or transfer home",
        run::versions,
    ),
    flag(
        "rf21",
        Weight::Block,
        "what was admitted differs from the signed manifest",
        run::delivered,
    ),
    flag(
        "rf22",
        Weight::Mid,
        "a base model or dataset of unknown licence or origin",
        dealings::provenance,
    ),
    flag(
        "rf23",
        Weight::Mid,
        "the job names a host that the specification does not",
        run::hosts,
    ),
    flag(
        "rf24",
        Weight::Block,
        "started before clearance, or after it expired",
        run::timing,
    ),
];

/// A look at some facts: what was seen and what is missing. Whatever is missing, the end of it is never clear.
#[derive(Debug, Default)]
struct Look {
    facts: Vec<Seen>,
    missing: Vec<String>,
    raised: bool,
}

impl Look {
    /// A fact's value and source; where it is unknown, that is noted.
    fn take<'a, T>(&mut self, name: &str, fact: &'a Fact<T>) -> Option<(&'a T, String)> {
        match fact {
            Fact::Known(value, source) => Some((value, source.to_string())),
            Fact::Unknown(why) => {
                self.lack(format!("{name}: {why}"));
                None
            }
        }
    }

    /// An answer of the customer's form; where it is not given, that is noted.
    fn answer<'a, T>(
        &mut self,
        records: &'a Records,
        id: &str,
        item: impl Fn(&'a Customer) -> Option<&'a Item<T>>,
    ) -> Option<&'a T> {
        let (form, _) = self.take(&format!("{id} of the form"), &records.form)?;
        let answer = Item::of(item(form));
        if answer.is_none() {
            self.lack(format!("{id} of the form is not answered"));
        }
        answer
    }

    /// A part of an answer; where it is not given, that is noted.
    fn part<'a, T>(&mut self, name: &str, part: Option<&'a T>) -> Option<&'a T> {
        if part.is_none() {
            self.lack(format!("{name} of the form is not answered"));
        }
        part
    }

    fn lack(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.missing.contains(&what) {
            self.missing.push(what);
        }
    }

    fn see(&mut self, fact: impl Into<String>, source: impl Into<String>) {
        self.facts.push(Seen {
            fact: fact.into(),
            source: source.into(),
        });
    }

    /// A fact of the kind that is looked for.
    fn raise(&mut self, fact: impl Into<String>, source: impl Into<String>) {
        self.raised = true;
        self.see(fact, source);
    }

    fn end(self, question: &str, why: impl Into<String>) -> Finding {
        if self.raised {
            Finding::Raised {
                facts: self.facts,
                question: question.to_owned(),
            }
        } else if self.missing.is_empty() {
            Finding::Clear {
                why: why.into(),
                facts: self.facts,
            }
        } else {
            Finding::Unknown {
                missing: self.missing,
                facts: self.facts,
            }
        }
    }
}

/// Where an answer of the form was read.
const FORM: &str = "the customer's form";

/// Letters and digits, lower case: what two spellings of one name have in common.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether nothing is said.
fn silent(text: Option<&String>) -> bool {
    text.is_none_or(|text| ["", "unknown", "notknown"].contains(&plain(text).as_str()))
}
