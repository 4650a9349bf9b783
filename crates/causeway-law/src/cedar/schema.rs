//! The schema of acts: which attributes a policy can look at, and their types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cedar_policy::RestrictedExpression;

use crate::ActKind;
use crate::vocabulary::{FactKind, Vocabulary};

/// The kinds of act that a compound act is made of; the schema makes it a member of their action groups.
pub(crate) const fn halves(kind: ActKind) -> &'static [ActKind] {
    match kind {
        ActKind::ExportAndDataset => &[ActKind::Export, ActKind::TransferDataset],
        ActKind::RentAndDataset => &[ActKind::RentIaas, ActKind::TransferDataset],
        _ => &[],
    }
}

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Set,
    Word,
    Flag,
    Long,
}

impl Kind {
    const fn schema(self) -> &'static str {
        match self {
            Self::Set => "Set<String>",
            Self::Word => "String",
            Self::Flag => "Bool",
            Self::Long => "Long",
        }
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Attribute {
    Set(BTreeSet<String>),
    Word(String),
    Flag(bool),
    Long(i64),
}

impl Attribute {
    pub(super) fn expression(&self) -> RestrictedExpression {
        match self {
            Self::Set(words) => RestrictedExpression::new_set(
                words
                    .iter()
                    .map(|word| RestrictedExpression::new_string(word.clone())),
            ),
            Self::Word(word) => RestrictedExpression::new_string(word.clone()),
            Self::Flag(flag) => RestrictedExpression::new_bool(*flag),
            Self::Long(number) => RestrictedExpression::new_long(*number),
        }
    }

    pub(crate) const fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Set => Self::Set(BTreeSet::new()),
            Kind::Word => Self::Word(String::new()),
            Kind::Flag => Self::Flag(false),
            Kind::Long => Self::Long(0),
        }
    }
}

/// Groups of roles, each a record of the context.
pub(crate) const PARTY_GROUPS: [&str; 7] = [
    "any",
    "recipient",
    "shipper",
    "holder",
    "user",
    "sender",
    "receiver",
];
/// The attributes of such a record.
const PARTY_FIELDS: [&str; 6] = ["located", "hq", "parent", "home", "listed", "class"];

/// Every attribute of the context, by path. The whole of what a policy can ask.
pub(crate) fn attributes(vocabulary: &Vocabulary) -> BTreeMap<String, Kind> {
    let mut all: BTreeMap<String, Kind> = BTreeMap::new();
    for path in [
        "to",
        "from",
        "data_from",
        "kinds",
        "roles",
        "authorisations",
        "unknown",
        "item.class",
        "item.stored_in",
    ] {
        all.insert(path.to_owned(), Kind::Set);
    }
    for path in ["posture", "item.chip", "item.entry", "item.requested_by"] {
        all.insert(path.to_owned(), Kind::Word);
    }
    for path in [
        "item.closed",
        "item.published",
        "item.public",
        "item.important",
        "item.gpai",
    ] {
        all.insert(path.to_owned(), Kind::Flag);
    }
    for group in PARTY_GROUPS {
        for field in PARTY_FIELDS {
            all.insert(format!("{group}.{field}"), Kind::Set);
        }
    }
    for (name, fact) in &vocabulary.facts {
        let kind = match fact.kind {
            FactKind::Word => Kind::Word,
            FactKind::Flag => Kind::Flag,
            FactKind::Day => Kind::Long,
            FactKind::Number | FactKind::Persons => continue,
        };
        all.insert(format!("facts.{name}"), kind);
    }
    all
}

/// The Cedar schema of acts.
pub(crate) fn schema_text(vocabulary: &Vocabulary) -> String {
    let mut records: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut top = Vec::new();
    let attributes = attributes(vocabulary);
    for (path, kind) in &attributes {
        match path.split_once('.') {
            Some((record, field)) => records
                .entry(record)
                .or_default()
                .push(format!("{field}: {}", kind.schema())),
            None => top.push(format!("{path}: {}", kind.schema())),
        }
    }
    for (record, fields) in records {
        top.push(format!("{record}: {{ {} }}", fields.join(", ")));
    }
    let mut text = format!(
        "entity Party;\nentity Item;\ntype Facts_of_act = {{\n  {}\n}};\n",
        top.join(",\n  ")
    );
    for kind in ActKind::ALL {
        let parents: Vec<String> = halves(*kind)
            .iter()
            .map(|half| format!("\"{half}\""))
            .collect();
        let inside = if parents.is_empty() {
            String::new()
        } else {
            format!(" in [{}]", parents.join(", "))
        };
        let _infallible = writeln!(
            text,
            "action \"{kind}\"{inside} appliesTo {{ principal: [Party], resource: [Item], context: Facts_of_act }};"
        );
    }
    text
}
