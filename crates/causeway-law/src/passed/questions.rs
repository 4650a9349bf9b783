//! Answers to single questions, in words.

use causeway_domain::{Country, Fact};

use super::Telling;
use crate::candidates::day_text;
use crate::definitions::Field;
use crate::formula::Comparison;
use crate::law::{Question, Roles, Unstated, Wanted};
use crate::scene::{Place, Stated};

impl Question {
    /// Whether both ask the same thing for different words.
    pub(super) fn same_subject(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::Seat { group, field, .. },
                Self::Seat {
                    group: other,
                    field: another,
                    ..
                },
            ) => group == other && field == another,
            (Self::Listed { group, .. }, Self::Listed { group: other, .. })
            | (Self::PartyClass { group, .. }, Self::PartyClass { group: other, .. }) => {
                group == other
            }
            (
                Self::Fact {
                    fact,
                    wanted: Wanted::Is(_),
                },
                Self::Fact {
                    fact: other,
                    wanted: Wanted::Is(_),
                },
            ) => fact == other,
            (Self::Fact { .. }, _) | (_, Self::Fact { .. }) => false,
            _ => std::mem::discriminant(&self) == std::mem::discriminant(&other),
        }
    }
}

/// `US`, `US or CN`, `US, CN or MO`.
pub(super) fn or(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

/// `not in D:5`, `in none of D:5, MO`.
pub(super) fn in_none(words: &[String]) -> String {
    match words {
        [only] => format!("not in {only}"),
        many => format!("in none of {}", many.join(", ")),
    }
}

pub(super) const fn field_word(field: Field) -> &'static str {
    match field {
        Field::Located => "in",
        Field::Headquarters => "hq",
        Field::Parent => "parent",
        Field::Home => "home",
    }
}

impl Telling<'_, '_> {
    /// The word that a question asks for.
    fn word(&self, question: Question) -> String {
        let law = self.scene.law;
        let word = match question {
            Question::To(token)
            | Question::From(token)
            | Question::DataFrom(token)
            | Question::StoredIn(token)
            | Question::Seat { token, .. } => law.tokens.name(token),
            Question::Kind(kind) => kind.word(),
            Question::Role(roles) => roles.words().first().copied().unwrap_or_default(),
            Question::Authorisation(id) => law.authorisations.name(id),
            Question::Unstated(Unstated::Important) => "dataset.important",
            Question::Unstated(Unstated::Fact(fact)) | Question::Fact { fact, .. } => law
                .facts
                .get(usize::from(fact))
                .map_or("", |entry| entry.name.as_str()),
            Question::Unstated(Unstated::Always) | Question::Never => "a word that nothing gives",
            Question::Books(true) => "books",
            Question::Books(false) => "enforced",
            Question::ItemClass(class) => law.item_classes.name(class),
            Question::Chip(word) | Question::Entry(word) | Question::RequestedBy(word) => {
                law.words.name(word)
            }
            Question::Flag(flag) => flag.word(),
            Question::Listed { list, .. } => law.lists.name(list),
            Question::PartyClass { class, .. } => law.party_classes.name(class),
        };
        word.to_owned()
    }

    /// Why the answer to all of these, which ask one thing for several words, is no.
    pub(super) fn answered_no(&self, questions: &[Question]) -> String {
        let Some(first) = questions.first().copied() else {
            return String::new();
        };
        let words: Vec<String> = questions
            .iter()
            .map(|question| self.word(*question))
            .collect();
        let act = self.scene.act;
        let item = &act.item;
        let at = |name: &str, country: Option<Country>| match country {
            Some(country) => format!("`{name}` is {} (it is {country})", in_none(&words)),
            None => format!("there is no `{name}`"),
        };
        match first {
            Question::To(_) => at("to", known(self.scene.destination())),
            Question::From(_) => at("from", act.from),
            Question::DataFrom(_) => format!("the data start {}", in_none(&words)),
            Question::StoredIn(_) => at(
                "stored_in",
                item.evidence
                    .as_ref()
                    .and_then(|part| part.stored_in.known().copied()),
            ),
            Question::Kind(_) => format!("the item has no {}", or(&words)),
            Question::Role(_) => format!("nobody takes part as {}", or(&words)),
            Question::Authorisation(_) => format!("{} is not on file", or(&words)),
            Question::Unstated(_) => format!("`{}` is stated", words.join("`, `")),
            Question::Books(_) => format!("posture {} only", words.join(", ")),
            Question::ItemClass(_) => {
                let told: Vec<String> = questions
                    .iter()
                    .map(|question| match question {
                        Question::ItemClass(class) => self.not_of_class(*class),
                        _ => String::new(),
                    })
                    .collect();
                told.join(", ")
            }
            Question::Chip(_) => {
                let chip = item.chip.as_ref().and_then(|chip| chip.id.as_deref());
                format!("the chip is {}, not {}", chip.unwrap_or("none"), or(&words))
            }
            Question::Entry(_) => {
                let entry = item.technology.as_ref().map(|part| &part.entry);
                other_word("technology.entry", entry, &words)
            }
            Question::RequestedBy(_) => {
                let by = item.evidence.as_ref().map(|part| &part.requested_by);
                other_word("evidence.requested_by", by, &words)
            }
            Question::Flag(_) => format!("`{}` is false", words.join("`, `")),
            Question::Seat { group, field, .. } => {
                let there: Vec<String> = self
                    .scene
                    .members(group)
                    .filter_map(|index| {
                        let country = known(self.scene.seat(index, field))?;
                        Some(format!("{} {country}", self.scene.role_of(index)))
                    })
                    .collect();
                let who = group_word(group);
                if there.is_empty() {
                    return format!("nobody takes part as {who}");
                }
                format!(
                    "`{}` of no {who} is {} ({})",
                    field_word(field),
                    or(&words),
                    there.join(", ")
                )
            }
            Question::Listed { group, .. } => {
                format!("no {} is on {}", group_word(group), or(&words))
            }
            Question::PartyClass { group, .. } => {
                let who = group_word(group);
                let members: Vec<usize> = self.scene.members(group).collect();
                if members.is_empty() {
                    return format!("nobody takes part as {who}");
                }
                let mut told: Vec<String> = Vec::new();
                for question in questions {
                    let Question::PartyClass { class, .. } = question else {
                        continue;
                    };
                    let name = self.scene.law.party_classes.name(*class);
                    let why: Vec<String> = members
                        .iter()
                        .filter_map(|index| {
                            let why = self.party_not_of_class(*index, *class)?;
                            Some(format!("{}: {why}", self.scene.role_of(*index)))
                        })
                        .collect();
                    told.push(format!("no {who} is \"{name}\" ({})", why.join(", ")));
                }
                told.join(", ")
            }
            Question::Fact { fact, wanted } => {
                let name = self.word(first);
                match (wanted, self.scene.stated(fact)) {
                    (Wanted::Is(_), stated) => {
                        let values: Vec<String> = questions
                            .iter()
                            .filter_map(|question| match question {
                                Question::Fact {
                                    wanted: Wanted::Is(value),
                                    ..
                                } => Some(self.value(fact, *value)),
                                _ => None,
                            })
                            .collect();
                        let held = match stated {
                            Stated::Word(word) => self.value(fact, word),
                            _ => "something else".to_owned(),
                        };
                        format!("`{name}` is {held}, not {}", or(&values))
                    }
                    (Wanted::Day(comparison, line), Stated::Day(day)) => format!(
                        "`{name}` {} is not {comparison} {}",
                        day_text(day),
                        day_text(line)
                    ),
                    (Wanted::Yes | Wanted::Day(..), _) => format!("`{name}` is false"),
                }
            }
            Question::Never => "nothing can meet it".to_owned(),
        }
    }

    /// Why the answer is yes.
    pub(super) fn answered_yes(&self, question: Question) -> String {
        let word = self.word(question);
        match question {
            Question::To(_) => format!("`to` is in {word}"),
            Question::From(_) => format!("`from` is in {word}"),
            Question::DataFrom(_) => format!("the data start in {word}"),
            Question::StoredIn(_) => format!("`stored_in` is in {word}"),
            Question::Kind(_) => format!("the item has a {word}"),
            Question::Role(_) => format!("somebody takes part as {word}"),
            Question::Authorisation(_) => format!("{word} is on file"),
            Question::Unstated(_) => format!("`{word}` is not stated"),
            Question::Books(_) => format!("the posture is {word}"),
            Question::ItemClass(_) => format!("the item is \"{word}\""),
            Question::Chip(_) => format!("the chip is {word}"),
            Question::Entry(_) => format!("`technology.entry` is {word}"),
            Question::RequestedBy(_) => format!("`evidence.requested_by` is {word}"),
            Question::Flag(_) => format!("`{word}` is true"),
            Question::Seat { group, field, .. } => format!(
                "`{}` of a {} is {word}",
                field_word(field),
                group_word(group)
            ),
            Question::Listed { group, .. } => format!("a {} is on {word}", group_word(group)),
            Question::PartyClass { group, .. } => {
                format!("a {} is \"{word}\"", group_word(group))
            }
            Question::Fact { fact, wanted } => match wanted {
                Wanted::Is(value) => format!("`{word}` is {}", self.value(fact, value)),
                Wanted::Yes => format!("`{word}` is true"),
                Wanted::Day(comparison, line) => {
                    format!("`{word}` is {comparison} {}", day_text(line))
                }
            },
            Question::Never => word,
        }
    }

    fn value(&self, fact: u16, value: u16) -> String {
        self.scene
            .law
            .facts
            .get(usize::from(fact))
            .and_then(|entry| entry.values.get(usize::from(value)))
            .cloned()
            .unwrap_or_default()
    }
}

fn other_word(name: &str, fact: Option<&Fact<String>>, words: &[String]) -> String {
    match fact.and_then(Fact::known) {
        Some(word) => format!("`{name}` is {word}, not {}", or(words)),
        None => format!("there is no `{name}`"),
    }
}

pub(super) fn known(place: Place) -> Option<Country> {
    match place {
        Place::Known(country) => Some(country),
        Place::Open(_) | Place::Nowhere => None,
    }
}

/// A group of roles, for a sentence.
fn group_word(group: Roles) -> String {
    let name = crate::cedar::PARTY_GROUPS
        .into_iter()
        .find(|name| Roles::group(name) == group);
    match name {
        Some("any") | None => "party".to_owned(),
        Some(name) => name.to_owned(),
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lt => "before",
            Self::Le => "on or before",
            Self::Eq => "on",
            Self::Ge => "on or after",
            Self::Gt => "after",
        })
    }
}
