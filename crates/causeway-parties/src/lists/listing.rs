//! Entries of lists: which list, what it asks for, since when.

use std::collections::BTreeSet;

use causeway_domain::Date;
use serde::{Deserialize, Serialize};

use super::known::KnownList;
use super::{Certainty, Day, Doubt, DoubtKind, holds};

/// What an entry means for a run, strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// No dealing.
    Prohibited,
    /// None without a licence.
    LicenseRequired,
    /// A person looks at it.
    NeedsReview,
    /// Worth knowing; blocks nothing here.
    Information,
}

/// Which items need a licence, as far as the prose can be classified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Items {
    /// All items subject to the EAR.
    All,
    /// All but EAR99.
    AllButEar99,
    /// Items of a list that the text names.
    Listed,
    /// Anything else: a person reads it.
    Other,
}

/// A party's entry on a list. The version of the list stands with the list, the place of the row with the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The list by the word of the rule packs (`entity_list`) or Causeway's own (`dpl`); `unknown` for a list that nobody
    /// here knows.
    pub list: String,
    /// The list as the source names it.
    pub as_written: String,
    /// What an entry means for a run.
    pub effect: Effect,
    /// The body of rules that the list belongs to (`us_ear`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regime: Option<String>,
    /// Sanctions programmes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programmes: Vec<String>,
    /// Licence requirement, prose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// The requirement as a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Items>,
    /// Footnotes 1 to 5 of supplement no. 4 to part 744: they carry the foreign direct product rules.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub footnotes: BTreeSet<u8>,
    /// How requests are looked at, prose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Where it was published: Federal Register citations and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<String>,
    /// First day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_on: Option<Day>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<Day>,
    /// Who keeps the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
}

/// The word of a listing whose list nobody here knows.
pub const UNKNOWN_LIST: &str = "unknown";

impl Listing {
    /// An entry on a list that the source names so; in doubt where nobody here knows it.
    pub(super) fn on(as_written: &str, known: Option<&KnownList>, doubts: &mut Vec<Doubt>) -> Self {
        if known.is_none() {
            doubts.push(Doubt::new(
                DoubtKind::UnknownList,
                format!("no list is known as `{as_written}`"),
            ));
        }
        Self {
            list: known.map_or_else(|| UNKNOWN_LIST.to_owned(), |list| list.word.clone()),
            as_written: as_written.to_owned(),
            effect: known.map_or(Effect::NeedsReview, |list| list.effect),
            regime: known.map(|list| list.regime.clone()),
            programmes: Vec::new(),
            requirement: None,
            items: None,
            footnotes: BTreeSet::new(),
            policy: None,
            citations: Vec::new(),
            listed_on: None,
            ends_on: None,
            authority: known.and_then(|list| list.authority.clone()),
            source_url: None,
        }
    }

    /// With its licence requirement, classified, its footnotes read.
    pub(super) fn requiring(&mut self, requirement: Option<String>, doubts: &mut Vec<Doubt>) {
        if let Some(text) = &requirement {
            let items = classify(text);
            if items == Items::Other {
                doubts.push(Doubt::new(
                    DoubtKind::Requirement,
                    "its licence requirement is none of the usual ones; a person reads it",
                ));
            }
            self.items = Some(items);
            let (raised, flat) = footnotes(text);
            if !flat.is_subset(&raised) {
                doubts.push(Doubt::new(
                    DoubtKind::Requirement,
                    format!(
                        "a digit behind a section may be a footnote that lost its place: {}",
                        flat.iter()
                            .map(u8::to_string)
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                ));
            }
            self.footnotes = raised.union(&flat).copied().collect();
        }
        self.requirement = requirement;
    }

    /// Whether it is in force on a day.
    #[must_use]
    pub fn holds(&self, day: Date) -> Certainty {
        holds(self.listed_on.as_ref(), self.ends_on.as_ref(), day)
    }
}

fn classify(text: &str) -> Items {
    let text = text.to_lowercase();
    let excepts = text.contains("except") || text.contains("other than");
    let all = text.contains("all items subject to the ear");
    if all && !excepts {
        Items::All
    } else if all && text.contains("ear99") {
        Items::AllButEar99
    } else if !all && !excepts && (text.contains("supplement no.") || text.contains("supp. no.")) {
        Items::Listed
    } else {
        Items::Other
    }
}

/// Footnote numbers: raised digits, and plain digits 1 to 5 that stand behind a paragraph's closing bracket (and a comma),
/// as the list's flat exports write them (`734.9(g),3 746.8(a)(3)`).
fn footnotes(text: &str) -> (BTreeSet<u8>, BTreeSet<u8>) {
    let raised = text
        .chars()
        .filter_map(|letter| match letter {
            '¹' => Some(1),
            '²' => Some(2),
            '³' => Some(3),
            '⁴' => Some(4),
            '⁵' => Some(5),
            _ => None,
        })
        .collect();
    let letters: Vec<char> = text.chars().collect();
    let flat = letters
        .windows(4)
        .filter_map(|window| match window {
            [')', ',', digit, after] | [_, ')', digit, after]
                if !after.is_alphanumeric() && !matches!(after, '.' | '(') =>
            {
                digit.to_digit(10)
            }
            _ => None,
        })
        .filter(|digit| (1..=5).contains(digit))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    (raised, flat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_classified_or_left_to_a_person() {
        for (text, items) in [
            (
                "For all items subject to the EAR. (See §§ 734.9(g),3 746.8(a)(3), and 744.21(b) of the EAR)",
                Items::All,
            ),
            (
                "For all items subject to the EAR except EAR99 items",
                Items::AllButEar99,
            ),
            (
                "All items subject to the EAR, except food and medicine",
                Items::Other,
            ),
            (
                "For any item subject to the EAR listed in supplement no. 2 to part 744.",
                Items::Listed,
            ),
            ("Case by case", Items::Other),
            ("", Items::Other),
        ] {
            assert_eq!(classify(text), items, "{text}");
        }
    }

    #[test]
    fn footnotes_are_read_raised_and_flat() {
        let read = |text: &str| {
            let (raised, flat) = footnotes(text);
            (
                raised.into_iter().collect::<Vec<_>>(),
                flat.into_iter().collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            read("(See §§ 734.9(e)(2) and 744.11 of the EAR)⁴"),
            (vec![4], vec![])
        );
        assert_eq!(
            read("(See §§ 734.9(g),3 746.8(a)(3), and 744.21(b) of the EAR)"),
            (vec![], vec![3])
        );
        assert_eq!(read("734.9(e)(2) and 744.11"), (vec![], vec![]));
        assert_eq!(read("parts 744 (a), 745"), (vec![], vec![]));
    }
}
