//! Rules, and what their annotations say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_domain::{Date, PackId, Place, SourceFile};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cedar::{self, Mention};
use crate::{ActKind, Effect, Posture, Review};

/// Whether and how a rule applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Applies.
    InForce,
    /// Replaced by another: applies on its days.
    Replaced,
    /// Ended: applies on its days.
    Expired,
    /// Lifted for a time.
    Suspended,
    /// Stands in the books; the authority says that it will not enforce it: a flag, unless the posture is `books`.
    OnBooksNotEnforced,
    /// Starts after the verified horizon: a review, until somebody confirms it.
    ScheduledUnconfirmed,
    /// Proposed: only in a pack of its own.
    Proposed,
    /// A bill: only in a pack of its own.
    Bill,
    /// Adopted, not yet seen in the official journal.
    Adopted,
    /// Starts in steps.
    Phased,
    /// Known from reports only.
    Reported,
}

impl Status {
    /// The word of the annotation `@status`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::Replaced => "replaced",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
            Self::OnBooksNotEnforced => "on_books_not_enforced",
            Self::ScheduledUnconfirmed => "scheduled_unconfirmed",
            Self::Proposed => "proposed",
            Self::Bill => "bill",
            Self::Adopted => "adopted",
            Self::Phased => "phased",
            Self::Reported => "reported",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// How much of a rule somebody saw in a source. A verdict that leans on a rule says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verified {
    /// Nothing: from memory.
    #[serde(rename = "memory", alias = "from memory, unverified")]
    Memory,
    /// Some of it; the rule's note says what.
    #[serde(rename = "part seen, part from memory")]
    PartSeen,
    /// All of it.
    #[serde(rename = "seen")]
    Seen,
    /// A rule of this program, or of the organisation's own: there is no other source.
    #[serde(rename = "ours")]
    Ours,
}

impl Verified {
    /// The word of the annotation `@verified`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::PartSeen => "part seen, part from memory",
            Self::Seen => "seen",
            Self::Ours => "ours",
        }
    }
}

impl std::fmt::Display for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// A rule, as people see it: what its first policy says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleInfo {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whose rule: the folder that it stands in (`us`, `eu`).
    pub jurisdiction: String,
    /// What it looks at, in a word: `item`, `party`, `dataset`. Empty where nobody says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Where it is written.
    pub citation: Vec<String>,
    /// First day.
    pub from: Option<Date>,
    /// Last day, included.
    pub to: Option<Date>,
    /// Before this day it asks for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compliance_from: Option<Date>,
    /// Whether and how it applies.
    pub status: Status,
    /// The pack that it belongs to.
    pub pack: PackId,
    /// What of it was seen in a source and what is from memory.
    pub verified: Verified,
    /// What it controls.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub controls: String,
    /// What the actor must do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub must: String,
    /// What a verdict says where it speaks; what the actor must do where it says nothing else.
    pub says: String,
    /// What it excepts, in the words of its source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<String>,
    /// Numbers of it that decide nothing here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<String>,
    /// The authorisation that it is, where it is an exception: `NAC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorisation: Option<String>,
    /// Remarks on sources and readings.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// One policy of a rule. A rule has one policy for each thing that it does.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) info: RuleInfo,
    /// `None`: a permit of the base pack.
    pub(crate) effect: Option<Effect>,
    pub(crate) review: Option<Review>,
    pub(crate) obligations: Vec<String>,
    /// The rules whose review this one changes.
    pub(crate) reviews: Vec<String>,
    /// Only in this posture, and then whatever the status.
    pub(crate) posture: Option<Posture>,
    pub(crate) compliance_from: Option<Date>,
    pub(crate) kinds: BTreeSet<ActKind>,
    pub(crate) mentions: BTreeMap<String, Mention>,
    /// Its conditions in Cedar's JSON form.
    pub(crate) conditions: Value,
    /// Whether it has an annotation that only a rule's first policy has.
    pub(crate) titled: bool,
    /// Where it is written.
    pub(crate) file: Arc<SourceFile>,
    pub(crate) place: Place,
}

impl Rule {
    /// The line that it begins on.
    pub(crate) fn line(&self) -> usize {
        self.file.line_column(self.place.offset).0
    }
}

const KEYS: [&str; 23] = [
    "authorisation",
    "citation",
    "compliance_from",
    "controls",
    "exceptions",
    "from",
    "id",
    "info",
    "kind",
    "must",
    "note",
    "obligations",
    "outcome",
    "pack",
    "posture",
    "review",
    "reviews",
    "says",
    "source",
    "status",
    "title",
    "to",
    "verified",
];

/// What is wrong with a policy: in which annotation, if in one.
pub(crate) struct Slip {
    pub(crate) key: Option<String>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// The annotations of one policy, read one by one so that every slip is found.
struct Annotations<'a> {
    source: &'a cedar::Source,
    id: String,
    slips: Vec<Slip>,
}

impl<'a> Annotations<'a> {
    fn own(&self, key: &str) -> Option<&'a str> {
        self.source.annotations.get(key).map(String::as_str)
    }

    fn slip(
        &mut self,
        key: Option<&str>,
        message: impl std::fmt::Display,
        help: impl Into<Option<String>>,
    ) {
        self.slips.push(Slip {
            key: key.map(str::to_owned),
            message: format!("`{}`: {message}", self.id),
            help: help.into(),
        });
    }

    /// An annotation that a rule's first policy must have.
    fn need(&mut self, key: &str) -> &'a str {
        match self.own(key) {
            Some(text) => text,
            None => {
                self.slip(None, format_args!("its first policy needs `@{key}`"), None);
                ""
            }
        }
    }

    fn day(&mut self, key: &str, inherited: Option<Date>) -> Option<Date> {
        match self.own(key) {
            None => inherited,
            Some("") => None,
            Some(text) => match text.parse::<Date>() {
                Ok(day) => Some(day),
                Err(_) => {
                    self.slip(
                        Some(key),
                        format_args!("`@{key}(\"{text}\")` is not a day"),
                        "write it as `2026-11-24`".to_owned(),
                    );
                    inherited
                }
            },
        }
    }

    /// A word of a closed set; nothing where there is none.
    fn word<T>(
        &mut self,
        key: &str,
        read: impl Fn(&str) -> Option<T>,
        words: &[&str],
    ) -> Option<T> {
        let text = self.own(key)?;
        let found = read(text);
        if found.is_none() {
            let help = match causeway_domain::near(text, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? the words are {}", words.join(", ")),
                None => format!("the words are {}", words.join(", ")),
            };
            self.slip(
                Some(key),
                format_args!("`@{key}(\"{text}\")` is not a word of it"),
                help,
            );
        }
        found
    }

    fn text(&self, key: &str, inherited: String) -> String {
        self.own(key).map_or(inherited, str::to_owned)
    }

    /// Parts between semicolons.
    fn parts(&self, key: &str, inherited: Vec<String>) -> Vec<String> {
        self.own(key).map_or(inherited, |text| {
            text.split(';')
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty())
                .collect()
        })
    }

    fn list(&self, key: &str) -> Vec<String> {
        self.own(key)
            .map(|text| text.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default()
    }
}

fn serde_word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::String(text.to_owned())).ok()
}

/// The pack that is always on.
const DEFAULT: &str = "default";

const STATUSES: [&str; 11] = [
    "in_force",
    "replaced",
    "expired",
    "suspended",
    "on_books_not_enforced",
    "scheduled_unconfirmed",
    "proposed",
    "bill",
    "adopted",
    "phased",
    "reported",
];
const VERIFIED: [&str; 4] = ["seen", "part seen, part from memory", "memory", "ours"];
const REVIEWS: [&str; 3] = [
    "presumption_of_denial",
    "case_by_case",
    "presumption_of_approval",
];

/// The rule that a policy is, and everything that is wrong with its annotations. The rule's first policy, where there is one
/// before, gives what this one does not say itself.
///
/// # Errors
/// A policy without an id belongs to no rule.
pub(crate) fn read(
    jurisdiction: &str,
    source: &cedar::Source,
    first: Option<&Rule>,
    file: &Arc<SourceFile>,
    place: Place,
) -> Result<(Rule, Vec<Slip>), Slip> {
    let Some(id) = source.annotations.get("id").cloned() else {
        return Err(Slip {
            key: None,
            message: "a policy needs `@id`".to_owned(),
            help: Some("name the rule that it belongs to, `@id(\"us-acs-hq\")`".to_owned()),
        });
    };
    let mut read = Annotations {
        source,
        id: id.clone(),
        slips: Vec::new(),
    };
    for key in source.annotations.keys() {
        if !KEYS.contains(&key.as_str()) {
            let near = causeway_domain::near(key, KEYS.iter().copied())
                .map(|near| format!("did you mean `@{near}`?"));
            read.slip(
                Some(key),
                format_args!("`@{key}` is not an annotation of rules"),
                near,
            );
        }
    }
    let status = read.word("status", serde_word::<Status>, &STATUSES);
    let verified = read.word("verified", serde_word::<Verified>, &VERIFIED);
    let pack = match read.own("pack").unwrap_or(DEFAULT).parse::<PackId>() {
        Ok(pack) => pack,
        Err(error) => {
            read.slip(Some("pack"), &error, None);
            // The policy is refused anyhow.
            DEFAULT.parse::<PackId>().map_err(|_| Slip {
                key: Some("pack".to_owned()),
                message: error.to_string(),
                help: None,
            })?
        }
    };
    let base = match first {
        Some(first) => first.info.clone(),
        None => {
            let title = read.need("title").to_owned();
            read.need("status");
            read.need("verified");
            RuleInfo {
                id: id.clone(),
                title,
                jurisdiction: jurisdiction.to_owned(),
                kind: String::new(),
                citation: Vec::new(),
                from: None,
                to: None,
                compliance_from: None,
                status: Status::InForce,
                pack: pack.clone(),
                verified: Verified::Memory,
                controls: String::new(),
                must: String::new(),
                says: String::new(),
                exceptions: Vec::new(),
                figures: Vec::new(),
                authorisation: None,
                note: String::new(),
            }
        }
    };
    let must = read.text("must", base.must);
    let says = match (read.own("says"), first) {
        (Some(text), _) => text.to_owned(),
        (None, Some(_)) => base.says,
        (None, None) => must.clone(),
    };
    let info = RuleInfo {
        title: read.text("title", base.title),
        kind: read.text("kind", base.kind),
        citation: read.parts("citation", base.citation),
        from: read.day("from", base.from),
        to: read.day("to", base.to),
        compliance_from: read.day("compliance_from", base.compliance_from),
        status: status.unwrap_or(base.status),
        pack: match read.own("pack") {
            Some(_) => pack,
            None => base.pack,
        },
        verified: verified.unwrap_or(base.verified),
        controls: read.text("controls", base.controls),
        must,
        says,
        exceptions: read.parts("exceptions", base.exceptions),
        figures: read.parts("info", base.figures),
        authorisation: read
            .own("authorisation")
            .map(str::to_owned)
            .or(base.authorisation),
        note: read.text("note", base.note),
        id: base.id,
        jurisdiction: jurisdiction.to_owned(),
    };
    consistent(&mut read, &info, first);
    let effects: Vec<&str> = Effect::ALL.iter().map(|effect| effect.word()).collect();
    let effect = read.word(
        "outcome",
        |text| Effect::ALL.into_iter().find(|effect| effect.word() == text),
        &effects,
    );
    if source.forbids && read.own("outcome").is_none() {
        read.slip(
            None,
            "a forbid needs `@outcome`",
            format!("the words are {}", effects.join(", ")),
        );
    }
    let review = read.word("review", |text| text.parse::<Review>().ok(), &REVIEWS);
    let posture = read.word("posture", serde_word::<Posture>, &["enforced", "books"]);
    let rule = Rule {
        effect: effect.filter(|_| source.forbids),
        review,
        obligations: read.list("obligations"),
        reviews: read.list("reviews"),
        posture,
        compliance_from: info.compliance_from,
        kinds: source.kinds.clone(),
        mentions: source.mentions.clone(),
        conditions: source.conditions.clone(),
        titled: read.own("title").is_some(),
        file: Arc::clone(file),
        place,
        info,
    };
    Ok((rule, read.slips))
}

/// Dates and status that do not go together.
fn consistent(read: &mut Annotations<'_>, info: &RuleInfo, first: Option<&Rule>) {
    if info.from.zip(info.to).is_some_and(|(from, to)| from > to) {
        let key = if read.own("to").is_some() {
            "to"
        } else {
            "from"
        };
        read.slip(Some(key), "it ends before it begins", None);
    }
    if let (Some(compliance), Some(from)) = (info.compliance_from, info.from)
        && compliance < from
    {
        read.slip(
            Some("compliance_from"),
            "it asks for something before its first day",
            None,
        );
    }
    if first.is_some() {
        return;
    }
    let default = info.pack.as_str() == DEFAULT;
    match info.status {
        Status::Proposed | Status::Bill if default => {
            read.slip(
                Some("status"),
                format_args!(
                    "what is not law yet (`{}`) stands in a pack of its own",
                    info.status
                ),
                format!("add `@pack(\"{}\")`", info.id),
            );
        }
        Status::Replaced | Status::Expired if info.to.is_none() => {
            read.slip(
                Some("status"),
                format_args!("a rule that is `{}` has a last day", info.status),
                "add `@to`".to_owned(),
            );
        }
        Status::ScheduledUnconfirmed if info.from.is_none() => {
            read.slip(
                Some("status"),
                "a scheduled rule has a first day",
                "add `@from`".to_owned(),
            );
        }
        _ => {}
    }
}
