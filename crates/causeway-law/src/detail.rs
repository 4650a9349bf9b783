//! A rule in full: every policy of it with its days, the numbers that are compared, what satisfies it.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Date, PackId};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::definitions::{Comparison, Condition, Definition};
use crate::groups::GroupChange;
use crate::packs::{Rule, RuleInfo};
use crate::{ActKind, Effect, Packs, Posture, Review, Status};

/// A rule in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleDetail {
    /// What its first policy says.
    #[serde(flatten)]
    pub info: RuleInfo,
    /// Its policies, in the order of the file: one for each thing that it does.
    pub parts: Vec<RulePart>,
    /// The numbers that decide it, with where they are compared.
    pub thresholds: Vec<Threshold>,
    /// Authorisations that its policies look for.
    pub authorisations: Vec<SatisfiedBy>,
    /// What an allow under it obliges to.
    pub obligations: Vec<String>,
    /// Dated rows of the groups of countries that it asks for.
    pub groups: Vec<GroupChange>,
}

/// One policy of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RulePart {
    /// The file that it stands in.
    pub file: String,
    /// Its line there.
    pub line: usize,
    /// What it does when it fires.
    pub outcome: Effect,
    /// The acts that it speaks of.
    pub acts: Vec<ActKind>,
    /// How the authority looks at a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// Only in this posture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub posture: Option<Posture>,
    /// The pack that it belongs to.
    pub pack: PackId,
    /// Whether and how it applies.
    pub status: Status,
    /// First day.
    pub from: Option<Date>,
    /// Last day, included.
    pub to: Option<Date>,
    /// Before this day it asks for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compliance_from: Option<Date>,
    /// What it says where it speaks.
    pub says: String,
}

/// Where a day stands to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Before its first day.
    NotYet,
    /// After its last day.
    Over,
    /// On its days, but it asks for nothing before a later one.
    Waiting,
    /// It applies, in the way that its status says.
    Applies,
}

impl Standing {
    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotYet => "not yet",
            Self::Over => "over",
            Self::Waiting => "asks for nothing yet",
            Self::Applies => "applies",
        }
    }
}

/// A number that decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Threshold {
    /// What is compared: `tpp`, a class of data, `ownership` in percent, a fact.
    pub measure: String,
    /// `>=`, `>`, `<=`, `<`; `day` for a day that a policy compares with.
    pub comparison: &'static str,
    /// The number; a day as `20231117`.
    pub value: Decimal,
    /// The class of items or parties that is so defined; empty where a policy compares itself.
    pub class: String,
    /// First day of the definition.
    pub from: Option<Date>,
    /// Last day of it, included.
    pub to: Option<Date>,
    /// The file where it is compared.
    pub file: String,
    /// The line of the definition or policy.
    pub line: usize,
}

/// An authorisation that a rule looks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SatisfiedBy {
    /// Its name.
    pub name: String,
    /// First day on which such a thing exists.
    pub from: Option<Date>,
    /// Last day, included.
    pub to: Option<Date>,
}

/// Something that happens to a rule on a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Event {
    /// The first day on which it holds.
    pub day: Date,
    /// What.
    pub what: String,
}

impl RulePart {
    /// Where a day stands to it.
    #[must_use]
    pub fn standing(&self, day: Date) -> Standing {
        if self.from.is_some_and(|from| day < from) {
            Standing::NotYet
        } else if self.to.is_some_and(|to| to < day) {
            Standing::Over
        } else if self.compliance_from.is_some_and(|from| day < from) {
            Standing::Waiting
        } else {
            Standing::Applies
        }
    }
}

impl RuleDetail {
    /// Where a day stands to the rule: the most that one of its policies does.
    #[must_use]
    pub fn standing(&self, day: Date) -> Standing {
        self.parts
            .iter()
            .map(|part| part.standing(day))
            .max()
            .unwrap_or(Standing::NotYet)
    }

    /// Everything dated, in order: its policies, what they begin to ask for, definitions, groups of countries,
    /// authorisations.
    #[must_use]
    pub fn timeline(&self) -> Vec<Event> {
        let mut all: BTreeSet<Event> = BTreeSet::new();
        let mut span = |from: Option<Date>, to: Option<Date>, begins: String, ends: String| {
            if let Some(day) = from {
                all.insert(Event { day, what: begins });
            }
            if let Some(day) = to.and_then(|to| to.tomorrow().ok()) {
                all.insert(Event { day, what: ends });
            }
        };
        for part in &self.parts {
            let name = format!("{} ({}:{})", part.outcome.word(), part.file, part.line);
            span(
                part.from,
                part.to,
                format!("begins, {}: {name}", part.status),
                format!("is over: {name}"),
            );
            span(
                part.compliance_from,
                None,
                format!("begins to ask: {name}"),
                String::new(),
            );
        }
        for threshold in &self.thresholds {
            let name = format!("class `{}`", threshold.class);
            span(
                threshold.from,
                threshold.to,
                format!("{name} begins"),
                format!("{name} is over"),
            );
        }
        for row in &self.groups {
            let name = format!("{} and {}", row.country, row.group);
            let note = if row.note.is_empty() {
                String::new()
            } else {
                format!(" ({})", row.note)
            };
            // Where another row takes over its first day says it all.
            let next = row.to.and_then(|to| to.tomorrow().ok());
            let followed = self.groups.iter().any(|other| {
                (other.country, &other.group) == (row.country, &row.group)
                    && next.is_some()
                    && other.from == next
            });
            span(
                row.from,
                row.to.filter(|_| !followed),
                format!("{name}: {}{note}", row.state),
                format!("{name}: as the plain list says"),
            );
        }
        for held in &self.authorisations {
            span(
                held.from,
                held.to,
                format!("{} begins to exist", held.name),
                format!("{} no longer exists", held.name),
            );
        }
        all.into_iter().collect()
    }
}

impl Packs {
    /// Every number with which these packs compare a measure of items in a definition, such as `train_ops`: also those
    /// that no policy asks for.
    #[must_use]
    pub fn item_thresholds(&self, measure: &str) -> Vec<Threshold> {
        let (mut asked, mut all) = (Asked::default(), BTreeSet::new());
        for class in self.definitions.items.keys() {
            asked.class(&self.definitions.items, class, &mut all);
        }
        all.retain(|threshold| threshold.measure == measure);
        all.into_iter().collect()
    }

    /// The countries that these packs put into a group on a day, or may put into it.
    #[must_use]
    pub fn countries_of(&self, group: &str, day: Date) -> BTreeSet<Country> {
        self.groups.members(group, day)
    }

    /// A rule in full.
    #[must_use]
    pub fn detail(&self, id: &str) -> Option<RuleDetail> {
        let info = self.infos.get(id)?.clone();
        let rules: Vec<&Rule> = self
            .rules
            .iter()
            .filter(|rule| rule.info.id == id && rule.effect.is_some())
            .collect();
        let mut asked = Asked::default();
        let mut thresholds: BTreeSet<Threshold> = BTreeSet::new();
        for rule in &rules {
            for (path, mention) in &rule.mentions {
                let words = mention.words.iter().map(String::as_str);
                match path
                    .rsplit_once('.')
                    .map_or(path.as_str(), |(_, field)| field)
                {
                    "class" => {
                        let classes = if path == "item.class" {
                            &self.definitions.items
                        } else {
                            &self.definitions.parties
                        };
                        for class in words {
                            asked.class(classes, class, &mut thresholds);
                        }
                    }
                    "authorisations" => asked.authorisations.extend(words),
                    "to" | "from" | "data_from" | "stored_in" | "located" | "hq" | "parent"
                    | "home" => asked.groups.extend(words),
                    _ => thresholds.extend(mention.numbers.iter().map(|number| Threshold {
                        measure: path.clone(),
                        comparison: "day",
                        value: Decimal::from(*number),
                        class: String::new(),
                        from: rule.info.from,
                        to: rule.info.to,
                        file: rule.file.name.clone(),
                        line: rule.line(),
                    })),
                }
            }
        }
        let obligations: BTreeSet<&String> =
            rules.iter().flat_map(|rule| &rule.obligations).collect();
        Some(RuleDetail {
            parts: rules.iter().filter_map(|rule| part(rule)).collect(),
            thresholds: thresholds.into_iter().collect(),
            authorisations: asked
                .authorisations
                .iter()
                .filter_map(|name| {
                    let (from, to) = self.vocabulary.authorisations.get(*name)?.days();
                    Some(SatisfiedBy {
                        name: (*name).to_owned(),
                        from,
                        to,
                    })
                })
                .collect(),
            obligations: obligations.into_iter().cloned().collect(),
            groups: self.groups.dated(&asked.groups),
            info,
        })
    }
}

fn part(rule: &Rule) -> Option<RulePart> {
    Some(RulePart {
        file: rule.file.name.clone(),
        line: rule.line(),
        outcome: rule.effect?,
        acts: rule.kinds.iter().copied().collect(),
        review: rule.review,
        posture: rule.posture,
        pack: rule.info.pack.clone(),
        status: rule.info.status,
        from: rule.info.from,
        to: rule.info.to,
        compliance_from: rule.compliance_from,
        says: rule.info.says.clone(),
    })
}

/// What the policies of a rule ask for.
#[derive(Default)]
struct Asked<'a> {
    authorisations: BTreeSet<&'a str>,
    groups: BTreeSet<&'a str>,
    /// Classes that were looked at already.
    classes: BTreeSet<&'a str>,
}

impl<'a> Asked<'a> {
    fn class(
        &mut self,
        classes: &'a BTreeMap<String, Vec<Definition>>,
        class: &'a str,
        thresholds: &mut BTreeSet<Threshold>,
    ) {
        if !self.classes.insert(class) {
            return;
        }
        let mut inner = Vec::new();
        for definition in classes.get(class).into_iter().flatten() {
            let mut number = |measure: &str, comparison: &'static str, value: Decimal| {
                thresholds.insert(Threshold {
                    measure: measure.to_owned(),
                    comparison,
                    value,
                    class: class.to_owned(),
                    from: definition.from,
                    to: definition.to,
                    file: definition.file.name.clone(),
                    line: definition.file.line_column(definition.place.offset).0,
                });
            };
            definition
                .condition
                .visit_all(&mut |condition| match condition {
                    Condition::Measure {
                        name,
                        comparison,
                        value,
                    } => number(name, sign(*comparison), *value),
                    Condition::Lines { lines, of } => {
                        for (class, line) in lines.iter().filter(|(class, _)| of.contains(*class)) {
                            number(class, ">", *line);
                        }
                    }
                    Condition::OwnedBy { at_least, .. } => number("ownership", ">=", *at_least),
                    Condition::Holder { from, .. } => number("stake", ">=", *from),
                    Condition::Country { tokens, .. } => {
                        self.groups.extend(tokens.iter().map(String::as_str));
                    }
                    Condition::Class(other) => inner.push(other.as_str()),
                    _ => {}
                });
        }
        for other in inner {
            self.class(classes, other, thresholds);
        }
    }
}

const fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Ge => ">=",
        Comparison::Gt => ">",
        Comparison::Le => "<=",
        Comparison::Lt => "<",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_in_full_has_numbers_days_and_what_satisfies_it() {
        let packs = Packs::builtin().unwrap();
        let lower = packs.detail("us-acs-3a090b").unwrap();
        let numbers: Vec<String> = lower
            .thresholds
            .iter()
            .filter(|threshold| threshold.class == "3A090.b")
            .map(|threshold| {
                format!(
                    "{} {} {}",
                    threshold.measure, threshold.comparison, threshold.value
                )
            })
            .collect();
        assert_eq!(
            numbers,
            [
                "performance_density < 5.92",
                "performance_density >= 1.6",
                "performance_density >= 3.2",
                "tpp < 4800",
                "tpp >= 1600",
                "tpp >= 2400"
            ]
        );
        assert!(lower.thresholds.iter().all(|one| one.line > 0));
        let satisfied: Vec<&str> = lower
            .authorisations
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(satisfied, ["ACA", "BIS_LICENCE", "DCVEU", "NAC"]);
        assert!(
            lower
                .groups
                .iter()
                .any(|row| row.country.code() == "KH" && row.state == "review")
        );
        assert!(packs.detail("us-acs-3a090c").is_none());
    }

    #[test]
    fn standings_and_the_timeline_follow_the_dates() {
        let packs = Packs::builtin().unwrap();
        let detail = packs.detail("us-diffusion-chips").unwrap();
        let on = |day: &str| detail.standing(day.parse().unwrap());
        assert_eq!(on("2025-01-12"), Standing::NotYet);
        assert_eq!(on("2025-01-13"), Standing::Waiting);
        assert_eq!(on("2025-05-14"), Standing::Waiting);
        assert_eq!(on("2025-05-15"), Standing::Applies);
        let days: Vec<String> = detail
            .timeline()
            .iter()
            .map(|event| event.day.to_string())
            .collect();
        assert!(days.contains(&"2025-05-15".to_owned()), "{days:?}");
        assert!(days.is_sorted());
        let suspended = packs.detail("us-affiliates-50-suspended").unwrap();
        assert_eq!(
            suspended.standing("2026-11-10".parse().unwrap()),
            Standing::Over
        );
        assert!(
            suspended
                .timeline()
                .iter()
                .any(|event| event.day.to_string() == "2026-11-10")
        );
    }
}
