//! Approvals: what a reviewer signs.
//!
//! A *determination* closes a question that facts leave open: a doubt about a party, a rule that wants a person to look, a
//! name on a list that may be another's. An *authorisation* says that a licence, a permit or a filing of an authority is on
//! file. Both name what they cover ([`Scope`]), until when, and the facts that they rest on: when one of those changes, a
//! determination falls. [`parse`] reads one; who signed it is looked at elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::organisation::FactText;
use crate::yaml::{Dialect, Node, read};
use crate::{Country, Date, PartyId, Problem, SourceFile, schema};

/// One approval, as its file says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "approval.yaml")]
pub struct Approval {
    /// Its id, once in an organisation: letters, digits, `-`, `_`
    pub approval: String,
    /// `determination`: a reviewer answers an open question. `authorisation`: an authority's licence, permit or filing is on file
    pub kind: Kind,
    /// What a determination decides
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decides: Option<Decides>,
    /// The authorisation's name in the rule packs: `BIS_LICENCE`, `NAC`, `CN_SCC_FILED`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorisation: Option<String>,
    /// The authority's number
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The authority
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_by: Option<String>,
    /// How much it covers in all; counted down by each run that uses it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// What it covers
    pub scope: Scope,
    /// The facts that it rests on, by name, as they were: `acme.owners: 3f2a...`. It counts only while every one of them is the same
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rests_on: BTreeMap<String, String>,
    /// Documents that were looked at; kept elsewhere
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Document>,
    /// Why, in words
    pub reason: String,
}

/// The two kinds of approval.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A reviewer answers an open question.
    Determination,
    /// An authority's licence, permit or filing is on file.
    Authorisation,
}

impl Kind {
    /// The word of the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Determination => "determination",
            Self::Authorisation => "authorisation",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// What a determination decides: a fact with its value, a rule, or an entry of a list. Exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decides {
    /// A fact that the law asks for: `red_flags`, `kyc`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
    /// Its value: `resolved`, `complete`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<FactText>,
    /// A rule that wants a person to look: its id. The reviewer looked and found nothing that stands against the act
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// An entry of a list whose name is like that of a party
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntryMatch>,
}

/// Whether an entry of a list is a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryMatch {
    /// The party: a key of `parties`
    pub party: PartyId,
    /// Digest of the party's kind, names, numbers and addresses as they were: a changed party is looked at anew
    pub identity: String,
    /// The list, as it was imported
    pub list: String,
    /// The entry's id in the list
    pub id: String,
    /// Digest of the entry as it was: another text of the entry is looked at anew
    pub digest: String,
    /// Whether it is the same person or organisation
    pub same: bool,
}

/// What an approval covers. An act is covered when all of it is inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Every party of the act stands here: keys of `parties`
    pub parties: BTreeSet<PartyId>,
    /// Acts: `rent_iaas`, `transfer_weights`
    pub acts: BTreeSet<String>,
    /// Chips by their id in the rule packs, datasets by theirs, `weights`, `technology`, `machines`
    pub items: BTreeSet<String>,
    /// Where to: destinations and sites
    pub places: BTreeSet<Country>,
    /// First day
    #[schemars(with = "DateText")]
    pub from: Date,
    /// Last day
    #[schemars(with = "DateText")]
    pub to: Date,
}

#[derive(JsonSchema)]
#[schemars(extend("format" = "date"))]
#[expect(dead_code, reason = "only its schema is used")]
struct DateText(String);

/// How much an authorisation covers in all. Each of them that is named counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// Chips
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chips: Option<u64>,
    /// Persons of whom there are data
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<u64>,
    /// Runs
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
}

/// A document that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What it is and where it is kept
    pub document: String,
    /// SHA-256 of its bytes, 64 hex digits
    pub sha256: String,
}

/// The JSON Schema of an approval, as committed for editors.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(Approval)
}

/// Reads an approval.
///
/// # Errors
/// Every problem of the file, at its place.
pub fn parse(source: &Arc<SourceFile>) -> Result<Approval, Vec<Problem>> {
    let mut documents = read(source, Dialect::Core).map_err(|problem| vec![problem])?;
    let root = match (documents.pop(), documents.is_empty()) {
        (Some(root), true) => root,
        (root, _) => {
            let place = root.map(|root| root.place).unwrap_or_default();
            return Err(vec![
                Problem::error(source, place, "an approval is one YAML document")
                    .help("one file for each approval: a signature is over the whole file"),
            ]);
        }
    };
    let problems = schema::check(source, &root, &json_schema());
    if !problems.is_empty() {
        return Err(problems);
    }
    let approval: Approval = serde_json::from_value(root.to_json()).map_err(|error| {
        vec![Problem::error(
            source,
            root.place,
            format!("the approval can't be read: {error}"),
        )]
    })?;
    let problems = check(source, &root, &approval);
    if problems.is_empty() {
        Ok(approval)
    } else {
        Err(problems)
    }
}

/// What the schema can't say.
fn check(source: &Arc<SourceFile>, root: &Node, approval: &Approval) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut error = |pointer: &str, message: String, help: &str| {
        problems.push(Problem::error(source, root.at(pointer).place, message).help(help));
    };
    if approval.approval.parse::<PartyId>().is_err() {
        error(
            "/approval",
            format!("`{}` can't be an id", approval.approval),
            "letters, digits, `-` and `_`",
        );
    }
    match (approval.kind, &approval.decides) {
        (Kind::Determination, None) => error(
            "/kind",
            "a determination says what it decides".to_owned(),
            "write `decides: {fact: red_flags, value: resolved}`",
        ),
        (Kind::Determination, Some(decides)) => {
            let named = [
                decides.fact.is_some(),
                decides.rule.is_some(),
                decides.entry.is_some(),
            ];
            if named.iter().filter(|there| **there).count() != 1 {
                error(
                    "/decides",
                    "a determination decides one thing: a fact, a rule or an entry".to_owned(),
                    "write one of `fact` with `value`, `rule`, `entry`",
                );
            } else if decides.fact.is_some() != decides.value.is_some() {
                error(
                    "/decides",
                    "a fact is decided with its value".to_owned(),
                    "write `{fact: kyc, value: complete}`",
                );
            }
            for party in &approval.scope.parties {
                let fact = format!("{party}.owners");
                if decides.entry.is_none() && !approval.rests_on.contains_key(&fact) {
                    error(
                        "/rests_on",
                        format!("a determination about `{party}` rests on `{fact}`"),
                        "`causeway approvals draft` writes every fact that an approval can rest on",
                    );
                }
            }
        }
        (Kind::Authorisation, Some(_)) => error(
            "/decides",
            "an authorisation decides nothing".to_owned(),
            "leave `decides` out, or write `kind: determination`",
        ),
        (Kind::Authorisation, None) => {}
    }
    if (approval.kind == Kind::Authorisation) != approval.authorisation.is_some() {
        error(
            "/kind",
            "an authorisation has a name in the rule packs, and a determination has none"
                .to_owned(),
            "write `authorisation: BIS_LICENCE` beside `kind: authorisation`",
        );
    }
    let number = approval.number.as_deref().unwrap_or_default();
    if approval.kind == Kind::Authorisation && number.trim().is_empty() {
        error(
            if approval.number.is_some() {
                "/number"
            } else {
                "/kind"
            },
            "an authorisation has the authority's number".to_owned(),
            "write `number`",
        );
    }
    if approval.kind == Kind::Determination && approval.quantity.is_some() {
        error(
            "/quantity",
            "a determination is not used up".to_owned(),
            "leave `quantity` out",
        );
    }
    if approval.reason.trim().is_empty() {
        error(
            "/reason",
            "it gives no reason".to_owned(),
            "write why a stranger should believe it",
        );
    }
    if approval.scope.from > approval.scope.to {
        error(
            "/scope/to",
            "it ends before it begins".to_owned(),
            "write the last day in `to`",
        );
    }
    for (list, name) in [
        (approval.scope.parties.is_empty(), "parties"),
        (approval.scope.acts.is_empty(), "acts"),
        (approval.scope.items.is_empty(), "items"),
        (approval.scope.places.is_empty(), "places"),
    ] {
        // A name on a list is a party's, whatever it does.
        let about_entry = approval
            .decides
            .as_ref()
            .is_some_and(|decides| decides.entry.is_some());
        if list && !about_entry {
            error(
                &format!("/scope/{name}"),
                format!("`{name}` is empty: this covers nothing"),
                "an approval covers what it names and nothing else",
            );
        }
    }
    for (index, document) in approval.evidence.iter().enumerate() {
        let hex = document.sha256.len() == 64
            && document.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hex {
            error(
                &format!("/evidence/{index}/sha256"),
                "this is no SHA-256".to_owned(),
                "64 hex digits, as `sha256sum` prints them",
            );
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const DETERMINATION: &str = "
approval: strait-red-flags
kind: determination
decides: {fact: red_flags, value: resolved}
scope:
  parties: [acme, strait]
  acts: [rent_iaas]
  items: [h100-sxm]
  places: [MY]
  from: 2026-11-24
  to: 2027-05-23
rests_on: {acme.owners: 1a, strait.owners: 2b}
reason: the address was visited
";

    fn read(text: &str) -> Result<Approval, Vec<String>> {
        parse(&Arc::new(SourceFile::new("a.yaml", text.to_owned()))).map_err(|problems| {
            problems
                .iter()
                .map(|problem| problem.message.clone())
                .collect()
        })
    }

    #[test]
    fn both_kinds_are_read() {
        let approval = read(DETERMINATION).unwrap();
        assert_eq!(
            approval.decides.unwrap().value.unwrap().0,
            "resolved".to_owned()
        );
        let licence = DETERMINATION
            .replace(
                "decides: {fact: red_flags, value: resolved}",
                "authorisation: BIS_LICENCE\nnumber: D1\nquantity: {chips: 64}",
            )
            .replace("kind: determination", "kind: authorisation");
        assert_eq!(read(&licence).unwrap().quantity.unwrap().chips, Some(64));
    }

    #[test]
    fn what_would_cover_nothing_or_everything_is_refused() {
        for (from, to, says) in [
            ("acts: [rent_iaas]", "acts: []", "`acts` is empty"),
            ("acme.owners: 1a, ", "", "rests on `acme.owners`"),
            ("to: 2027-05-23", "to: 2026-05-23", "ends before it begins"),
            (", value: resolved", "", "decided with its value"),
            (
                "{fact: red_flags, value: resolved}",
                "{fact: red_flags, value: resolved, rule: jp-fefa}",
                "one thing",
            ),
            ("kind: determination", "kind: licence", "licence"),
            ("places: [MY]", "places: [XX]", "XX"),
        ] {
            let problems = read(&DETERMINATION.replace(from, to)).unwrap_err();
            assert!(
                problems.iter().any(|problem| problem.contains(says)),
                "{from} -> {to}: {problems:?}"
            );
        }
    }
}
