//! What the files of packs say about each other: words that nothing can give, definitions that nobody uses, dates that
//! overlap.

use std::collections::BTreeSet;
use std::sync::Arc;

use causeway_domain::{Date, Place, Problem, SourceFile};

use crate::Packs;
use crate::definitions::{Condition, Definition};
use crate::rule::Rule;
use crate::text;
use crate::vocabulary::FactKind;

/// Measures and flags of items that the program knows without data.
const MEASURES: [&str; 5] = [
    "tpp",
    "performance_density",
    "io_total",
    "dram_bandwidth",
    "train_ops",
];
const FLAGS: [&str; 6] = [
    "datacenter",
    "closed",
    "published",
    "public",
    "important",
    "gpai",
];
const KINDS: [&str; 9] = [
    "chip",
    "other",
    "dataset",
    "weights",
    "model",
    "technology",
    "service",
    "evidence",
    "unknown",
];

/// The words that can stand in a place of the packs.
struct Words<'a> {
    packs: &'a Packs,
    groups: BTreeSet<&'a str>,
}

/// A set of words: whether one is in it, and all of them where they can be listed.
struct Known<'a> {
    what: &'static str,
    holds: bool,
    others: Vec<&'a str>,
}

impl<'a> Words<'a> {
    fn place(&self, word: &str) -> Known<'a> {
        Known {
            what: "a country code or group",
            holds: self.groups.contains(word) || word.parse::<causeway_domain::Country>().is_ok(),
            others: self.groups.iter().copied().collect(),
        }
    }

    fn among(
        what: &'static str,
        word: &str,
        others: impl IntoIterator<Item = &'a str>,
    ) -> Known<'a> {
        let others: Vec<&str> = others.into_iter().collect();
        Known {
            what,
            holds: others.contains(&word),
            others,
        }
    }

    fn strings(what: &'static str, word: &str, list: &'a [String]) -> Known<'a> {
        Self::among(what, word, list.iter().map(String::as_str))
    }

    fn role(word: &str) -> Known<'a> {
        Self::among(
            "a role",
            word,
            crate::Role::ALL.iter().map(|role| role.word()),
        )
    }

    fn chip(&self, word: &str) -> Known<'a> {
        Self::among(
            "a chip of the table",
            word,
            self.packs.chips.keys().map(String::as_str),
        )
    }

    /// What a policy compares an attribute with; nothing where any word will do.
    fn attribute(&self, path: &str, word: &str) -> Option<Known<'a>> {
        let packs = self.packs;
        let field = path.rsplit_once('.').map_or(path, |(_, field)| field);
        Some(match (path, field) {
            ("to" | "from" | "data_from" | "item.stored_in", _)
            | (_, "located" | "hq" | "parent" | "home") => self.place(word),
            ("item.class", _) => Self::among(
                "an item class",
                word,
                packs.definitions.items.keys().map(String::as_str),
            ),
            (_, "class") => Self::among(
                "a party class",
                word,
                packs.definitions.parties.keys().map(String::as_str),
            ),
            (_, "listed") => Self::strings("a list", word, &packs.vocabulary.lists),
            ("item.chip", _) => self.chip(word),
            ("item.requested_by", _) => {
                Self::strings("a requester", word, &packs.vocabulary.requesters)
            }
            ("authorisations", _) => self.authorisation(word),
            ("roles", _) => Self::role(word),
            ("kinds", _) => Self::among("a kind of item", word, KINDS),
            ("posture", _) => Self::among("a posture", word, ["enforced", "books"]),
            ("unknown", _) => Self::among(
                "a fact",
                word,
                packs
                    .vocabulary
                    .facts
                    .keys()
                    .map(String::as_str)
                    .chain(["dataset.important"]),
            ),
            _ if path.starts_with("facts.") => Self::strings(
                "a value of the fact",
                word,
                packs
                    .vocabulary
                    .facts
                    .get(field)
                    .map_or(&[][..], |fact| &fact.values),
            ),
            _ => return None,
        })
    }

    fn authorisation(&self, word: &str) -> Known<'a> {
        Self::among(
            "an authorisation",
            word,
            self.packs
                .vocabulary
                .authorisations
                .keys()
                .map(String::as_str),
        )
    }
}

/// Help for a word that is not known.
fn near(word: &str, known: &Known<'_>) -> String {
    match causeway_domain::near(word, known.others.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "check the spelling, or add the group, class or value to the data".to_owned(),
    }
}

/// A word that a policy or a definition compares with and that nothing can give is a slip, and a rule that never fires.
pub(crate) fn words(packs: &Packs) -> Vec<Problem> {
    let words = Words {
        packs,
        groups: packs.groups.names(),
    };
    let mut problems = Vec::new();
    for rule in &packs.rules {
        policy(&words, rule, &mut problems);
    }
    let classes = packs
        .definitions
        .items
        .iter()
        .chain(&packs.definitions.parties);
    for (class, definition) in
        classes.flat_map(|(class, all)| all.iter().map(move |one| (class, one)))
    {
        definition.condition.visit_all(&mut |condition| {
            for (word, known) in named(&words, condition) {
                if !known.holds {
                    let message = format!("class `{class}`: `{word}` is not {}", known.what);
                    problems.push(
                        Problem::error(&definition.file, spot(definition, word), message)
                            .help(near(word, &known)),
                    );
                }
            }
        });
    }
    problems
}

fn policy(words: &Words<'_>, rule: &Rule, problems: &mut Vec<Problem>) {
    let text = &rule.file.text;
    for (path, mention) in &rule.mentions {
        for word in &mention.words {
            if let Some(known) = words.attribute(path, word).filter(|known| !known.holds) {
                let message = format!(
                    "rule `{}` compares `context.{path}` with `{word}`, which nothing can give",
                    rule.info.id
                );
                let place = text::quoted(text, rule.place, word);
                problems.push(
                    Problem::error(&rule.file, place, message)
                        .label(format!("not {}", known.what))
                        .help(near(word, &known)),
                );
            }
        }
    }
    let mut annotated = |key: &str, word: &str, known: &Known<'_>| {
        if !known.holds {
            let message = format!("`{}`: `{word}` is not {}", rule.info.id, known.what);
            let place = text::annotation(text, rule.place, key);
            problems.push(Problem::error(&rule.file, place, message).help(near(word, known)));
        }
    };
    for other in &rule.reviews {
        let known = Words::among(
            "a rule",
            other,
            words.packs.infos.keys().map(String::as_str),
        );
        annotated("reviews", other, &known);
    }
    if let Some(word) = &rule.info.authorisation
        && rule.titled
    {
        annotated("authorisation", word, &words.authorisation(word));
    }
}

/// The words of a condition, each with what it has to be. Classes have a check of their own.
fn named<'c, 'a>(words: &Words<'a>, condition: &'c Condition) -> Vec<(&'c str, Known<'a>)> {
    let packs = words.packs;
    let facts = |kind: FactKind| {
        packs
            .vocabulary
            .facts
            .iter()
            .filter(move |(_, fact)| fact.kind == kind)
            .map(|(name, _)| name.as_str())
    };
    let classes = || packs.vocabulary.data_classes.iter().map(String::as_str);
    match condition {
        Condition::Measure { name, .. } => {
            let measures = MEASURES
                .into_iter()
                .chain(classes())
                .chain(facts(FactKind::Number));
            vec![(name, Words::among("a measure", name, measures))]
        }
        Condition::Flag { name, .. } => vec![(name, Words::among("a flag of items", name, FLAGS))],
        Condition::Fact(name) => {
            let flags = facts(FactKind::Flag);
            vec![(
                name,
                Words::among("a fact that is true or false", name, flags),
            )]
        }
        Condition::Chip(ids) => ids.iter().map(|id| (id.as_str(), words.chip(id))).collect(),
        Condition::Lines { lines, of } => lines
            .keys()
            .chain(of)
            .map(|class| {
                let known = Words::among("a class of data", class, classes());
                (class.as_str(), known)
            })
            .collect(),
        Condition::Country { tokens, .. } => tokens
            .iter()
            .map(|token| (token.as_str(), words.place(token)))
            .collect(),
        Condition::Listed(lists) => lists
            .iter()
            .map(|list| {
                let known = Words::strings("a list", list, &packs.vocabulary.lists);
                (list.as_str(), known)
            })
            .collect(),
        Condition::Role(roles) => roles
            .iter()
            .map(|role| (role.as_str(), Words::role(role)))
            .collect(),
        Condition::All(_)
        | Condition::Any(_)
        | Condition::Not(_)
        | Condition::Class(_)
        | Condition::Ciio
        | Condition::OwnedBy { .. }
        | Condition::Holder { .. } => Vec::new(),
    }
}

/// Where a word of a definition stands: the first such text from the definition on.
fn spot(definition: &Definition, word: &str) -> Place {
    let text = &definition.file.text;
    let rest = Place {
        offset: definition.place.offset,
        length: text.len().saturating_sub(definition.place.offset),
    };
    text::find(text, rest, word).unwrap_or(definition.place)
}

/// Definitions that no policy asks for, by way of other definitions or at once.
pub(crate) fn unused(packs: &Packs) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (items, classes) in [
        (true, &packs.definitions.items),
        (false, &packs.definitions.parties),
    ] {
        let mut used: BTreeSet<&str> = BTreeSet::new();
        let mut waiting: Vec<&str> = packs
            .rules
            .iter()
            .flat_map(|rule| &rule.mentions)
            .filter(|(path, _)| path.ends_with(".class") && (*path == "item.class") == items)
            .flat_map(|(_, mention)| mention.words.iter().map(String::as_str))
            .collect();
        while let Some(class) = waiting.pop() {
            if used.insert(class) {
                waiting.extend(
                    classes
                        .get(class)
                        .into_iter()
                        .flatten()
                        .flat_map(|definition| definition.condition.classes()),
                );
            }
        }
        for (class, definitions) in classes
            .iter()
            .filter(|(class, _)| !used.contains(class.as_str()))
        {
            for definition in definitions {
                let message = format!("no rule asks for the class `{class}`");
                problems.push(
                    Problem::warning(&definition.file, spot(definition, class), message)
                        .help("take it out, or write the rule"),
                );
            }
        }
    }
    problems
}

fn meet(one: (Option<Date>, Option<Date>), other: (Option<Date>, Option<Date>)) -> bool {
    let before = |end: Option<Date>, start: Option<Date>| {
        end.zip(start).is_none_or(|(end, start)| start <= end)
    };
    before(one.1, other.0) && before(other.1, one.0)
}

/// What is said twice for the same days: two definitions of a class, two policies of a rule that do the same under the same
/// conditions.
pub(crate) fn overlaps(packs: &Packs) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |file: &Arc<SourceFile>, place: Place, message: String, help: &str| {
        problems.push(Problem::warning(file, place, message).help(help));
    };
    let classes = packs
        .definitions
        .items
        .iter()
        .chain(&packs.definitions.parties);
    for (class, definitions) in classes {
        for (index, one) in definitions.iter().enumerate() {
            for other in definitions.iter().skip(index + 1) {
                if meet((one.from, one.to), (other.from, other.to)) {
                    let line = one.file.line_column(one.place.offset).0;
                    let message = format!(
                        "the class `{class}` has another definition for some of these days ({}:{line})",
                        one.file.name
                    );
                    say(
                        &other.file,
                        spot(other, class),
                        message,
                        "a class with several holds when one of them does: end one, or write `any`",
                    );
                }
            }
        }
    }
    for (index, one) in packs.rules.iter().enumerate() {
        for other in packs.rules.iter().skip(index + 1) {
            let same = one.info.id == other.info.id
                && (one.effect, one.review, one.posture)
                    == (other.effect, other.review, other.posture)
                && (&one.info.status, &one.info.pack) == (&other.info.status, &other.info.pack)
                && body(one) == body(other);
            if same
                && meet(
                    (one.info.from, one.info.to),
                    (other.info.from, other.info.to),
                )
            {
                let message = format!(
                    "`{}` says the same on line {} for some of these days",
                    other.info.id,
                    one.line()
                );
                say(
                    &other.file,
                    text::first_line(&other.file.text, other.place),
                    message,
                    "let one end the day before the other begins",
                );
            }
        }
    }
    problems
}

/// A policy without its annotations and without white space.
fn body(rule: &Rule) -> String {
    text::inside(&rule.file.text, text::body(&rule.file.text, rule.place))
        .split_whitespace()
        .collect()
}
