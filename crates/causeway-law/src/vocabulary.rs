//! The words that acts and policies may use: facts and their values, lists.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::FactValue;

/// What kind of value a fact has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FactKind {
    /// One of the words of `values`. In policies: a string.
    Word,
    /// True or false. In policies: a boolean.
    Flag,
    /// A day. In policies: a Long, `20231117`.
    Day,
    /// A number. A measure of definitions; not seen by policies.
    Number,
    /// Persons by class. Added to the classes' measures; not seen by policies.
    Persons,
}

/// A fact.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactSpec {
    pub(crate) kind: FactKind,
    #[serde(default)]
    pub(crate) values: Vec<String>,
    #[serde(rename = "asked_by", default)]
    _asked_by: Option<String>,
}

/// `base/vocabulary.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vocabulary {
    pub(crate) facts: BTreeMap<String, FactSpec>,
    pub(crate) lists: Vec<String>,
    pub(crate) data_classes: Vec<String>,
    pub(crate) requesters: Vec<String>,
    pub(crate) authorisations: BTreeMap<String, AuthorisationSpec>,
}

/// The days on which an authorisation exists.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorisationSpec {
    from: Option<causeway_domain::Date>,
    to: Option<causeway_domain::Date>,
}

impl AuthorisationSpec {
    pub(crate) fn exists(&self, day: causeway_domain::Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// The days on which it begins and has ended.
    pub(crate) fn days(&self) -> impl Iterator<Item = causeway_domain::Date> {
        self.from
            .into_iter()
            .chain(self.to.and_then(|to| to.tomorrow().ok()))
    }
}

impl FactSpec {
    /// Whether a value is one of this fact's.
    pub(crate) fn takes(&self, value: &FactValue) -> bool {
        match (self.kind, value) {
            (FactKind::Word, FactValue::Word(word)) => self.values.contains(word),
            (FactKind::Flag, FactValue::Flag(_))
            | (FactKind::Day, FactValue::Day(_))
            | (FactKind::Number, FactValue::Number(_)) => true,
            (FactKind::Persons, FactValue::Persons(_)) => true,
            (FactKind::Persons, FactValue::Word(word)) => word == "none",
            _ => false,
        }
    }
}

/// A day as policies see it: `20231117`.
pub(crate) fn day_number(day: causeway_domain::Date) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}
