//! From what was read to what is judged by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use causeway_domain::Date;

use super::question::{Figure, Flag, ItemKind, Question, Roles, Unstated, Wanted};
use super::test::{Dated, Lines, Measure, Test};
use super::words::Words;
use super::{FactEntry, Law, Policy};
use crate::cedar::Source;
use crate::definitions::{Condition, Definition, Definitions, Field};
use crate::formula::{Formula, Leaf, Written};
use crate::groups::Groups;
use crate::packs::Rule;
use crate::vocabulary::{FactKind, Vocabulary};
use crate::{LawError, Posture, Role};

/// Words of every kind, gathered before they are numbered.
#[derive(Default)]
struct Gathered {
    tokens: BTreeSet<String>,
    lists: BTreeSet<String>,
    words: BTreeSet<String>,
    ownership_tests: usize,
}

impl Gathered {
    fn condition(&mut self, condition: &Condition) {
        condition.visit(&mut |inner| match inner {
            Condition::Country { tokens, .. } => self.tokens.extend(tokens.iter().cloned()),
            Condition::Listed(lists) => self.lists.extend(lists.iter().cloned()),
            Condition::Chip(chips) => self.words.extend(chips.iter().cloned()),
            _ => {}
        });
        // What owners are tested for stands inside, where no visit goes.
        condition.visit(&mut |inner| {
            if let Condition::OwnedBy { by, number, .. } | Condition::Holder { by, number, .. } =
                inner
            {
                self.ownership_tests = self.ownership_tests.max(number + 1);
                self.condition(by);
            }
        });
    }

    fn leaf(&mut self, (path, leaf): &Written) {
        let (Leaf::Has(word) | Leaf::Is(word)) = leaf else {
            return;
        };
        let field = path
            .rsplit_once('.')
            .map_or(path.as_str(), |(_, last)| last);
        match (path.as_str(), field) {
            ("item.chip" | "item.entry" | "item.requested_by", _) => {
                self.words.insert(word.clone());
            }
            ("to" | "from" | "data_from" | "item.stored_in", _)
            | (_, "located" | "hq" | "parent" | "home") => {
                self.tokens.insert(word.clone());
            }
            (_, "listed") => {
                self.lists.insert(word.clone());
            }
            _ => {}
        }
    }
}

fn leaves(formula: &Formula<Written>, see: &mut impl FnMut(&Written)) {
    match formula {
        Formula::Constant(_) => {}
        Formula::Ask(question) => see(question),
        Formula::Not(inner) => leaves(inner, see),
        Formula::All(parts) | Formula::Any(parts) => {
            for part in parts {
                leaves(part, see);
            }
        }
    }
}

/// The names by which conditions and policies are resolved.
struct Names {
    tokens: Words,
    lists: Words,
    words: Words,
    data_classes: Words,
    authorisations: Words,
    item_classes: Words,
    party_classes: Words,
    facts: Vec<FactEntry>,
}

impl Law {
    /// Numbers every word, resolves every name, and finds the days on which something changes.
    ///
    /// # Errors
    /// A policy that asks an attribute for what it can't be asked, by its path; more words than can be numbered.
    pub(crate) fn new(
        vocabulary: &Vocabulary,
        definitions: &Definitions,
        groups: &Groups,
        rules: &[Rule],
        sources: &[Source],
    ) -> Result<Self, LawError> {
        let mut gathered = Gathered::default();
        gathered.lists.extend(vocabulary.lists.iter().cloned());
        gathered.words.extend(vocabulary.requesters.iter().cloned());
        for definition in definitions
            .items
            .values()
            .chain(definitions.parties.values())
            .flatten()
        {
            gathered.condition(&definition.condition);
        }
        for source in sources {
            leaves(&source.formula, &mut |leaf| gathered.leaf(leaf));
        }
        let number = |words: BTreeSet<String>| {
            Words::new(words).ok_or_else(|| {
                LawError::packs(
                    "more than 65,000 words of one kind",
                    "split the packs into folders that are used one at a time",
                )
            })
        };
        let names = Names {
            tokens: number(gathered.tokens)?,
            lists: number(gathered.lists)?,
            words: number(gathered.words)?,
            data_classes: number(vocabulary.data_classes.iter().cloned().collect())?,
            authorisations: number(vocabulary.authorisations.keys().cloned().collect())?,
            item_classes: number(definitions.items.keys().cloned().collect())?,
            party_classes: number(definitions.parties.keys().cloned().collect())?,
            facts: vocabulary
                .facts
                .iter()
                .map(|(name, spec)| FactEntry {
                    name: name.clone(),
                    kind: spec.kind,
                    values: spec.values.clone(),
                })
                .collect(),
        };
        let packs = number(
            rules
                .iter()
                .map(|rule| rule.info.pack.to_string())
                .collect(),
        )?;
        let ids = number(rules.iter().map(|rule| rule.info.id.clone()).collect())?;
        let mut questions: BTreeMap<Question, u16> = BTreeMap::new();
        let mut asked: BTreeMap<String, Vec<(Leaf, u16)>> = BTreeMap::new();
        let mut policies = Vec::new();
        for (rule, source) in rules.iter().zip(sources) {
            let id = source.policy.id().to_string();
            let formula = source.formula.rename(&mut |written: &Written| {
                let question = names.question(written).map_err(|message| {
                    LawError::policy(&id, format!("`{}`: {message}", rule.info.id))
                })?;
                let next = u16::try_from(questions.len()).map_err(|_| {
                    LawError::policy(&id, "more than 65,000 questions in all packs")
                })?;
                let number = *questions.entry(question).or_insert(next);
                let (path, leaf) = written;
                let leaves = asked.entry(path.clone()).or_default();
                if !leaves.iter().any(|(known, _)| known == leaf) {
                    leaves.push((leaf.clone(), number));
                }
                Ok::<u16, LawError>(number)
            })?;
            policies.push(Policy {
                formula,
                effect: rule.effect,
                status: rule.info.status,
                posture: rule.posture,
                pack: packs.id(rule.info.pack.as_str()).unwrap_or(u16::MAX),
                rule: ids.id(&rule.info.id).unwrap_or(u16::MAX),
                review: rule.review,
                reviews: rule.reviews.iter().filter_map(|id| ids.id(id)).collect(),
            });
        }
        let mut numbered: Vec<(Question, u16)> = questions.into_iter().collect();
        numbered.sort_by_key(|(_, number)| *number);
        let class = |words: &Words, classes: &BTreeMap<String, Vec<Definition>>| {
            words
                .iter()
                .map(|name| {
                    let definitions = classes.get(name).into_iter().flatten();
                    definitions
                        .map(|definition| names.dated(definition, words))
                        .collect()
                })
                .collect::<Vec<Vec<Dated>>>()
        };
        let items = class(&names.item_classes, &definitions.items);
        let parties = class(&names.party_classes, &definitions.parties);
        let changes = changes(definitions, groups, rules);
        Ok(Self {
            epochs: (0..=changes.len()).map(|_| OnceLock::new()).collect(),
            changes,
            questions: numbered.into_iter().map(|(question, _)| question).collect(),
            asked,
            policies,
            items,
            parties,
            ownership_tests: gathered.ownership_tests,
            prior: names.fact("prior_12_months").map(|(id, _)| id),
            packs,
            tokens: names.tokens,
            lists: names.lists,
            words: names.words,
            data_classes: names.data_classes,
            authorisations: names.authorisations,
            item_classes: names.item_classes,
            party_classes: names.party_classes,
            facts: names.facts,
        })
    }
}

/// Every first day, and every day after a last one.
fn changes(definitions: &Definitions, groups: &Groups, rules: &[Rule]) -> Vec<Date> {
    let mut days: BTreeSet<Date> = groups.days();
    let mut span = |from: Option<Date>, to: Option<Date>| {
        days.extend(from);
        days.extend(to.and_then(|to| to.tomorrow().ok()));
    };
    for rule in rules {
        span(rule.info.from, rule.info.to);
        span(rule.compliance_from, None);
    }
    for definition in definitions
        .items
        .values()
        .chain(definitions.parties.values())
        .flatten()
    {
        span(definition.from, definition.to);
    }
    days.into_iter().collect()
}

impl Names {
    fn fact(&self, name: &str) -> Option<(u16, &FactEntry)> {
        let index = self
            .facts
            .binary_search_by(|entry| entry.name.as_str().cmp(name))
            .ok()?;
        Some((u16::try_from(index).ok()?, self.facts.get(index)?))
    }

    fn dated(&self, definition: &Definition, classes: &Words) -> Dated {
        Dated {
            jurisdiction: definition.jurisdiction.clone(),
            from: definition.from,
            to: definition.to,
            test: self.test(&definition.condition, classes),
        }
    }

    /// A condition with its names resolved. `classes`: those of its own kind, items or parties.
    fn test(&self, condition: &Condition, classes: &Words) -> Test {
        let all = |list: &[Condition]| list.iter().map(|inner| self.test(inner, classes)).collect();
        let bits = |words: &Words, set: &BTreeSet<String>| {
            set.iter()
                .filter_map(|word| words.id(word).map(usize::from))
                .collect()
        };
        match condition {
            Condition::All(list) => Test::All(all(list)),
            Condition::Any(list) => Test::Any(all(list)),
            Condition::Not(inner) => Test::Not(Box::new(self.test(inner, classes))),
            Condition::Class(class) => classes.id(class).map_or(Test::Never, Test::Class),
            Condition::Measure {
                name,
                comparison,
                value,
            } => self
                .measure(name)
                .map_or(Test::Never, |measure| Test::Measure {
                    measure,
                    comparison: *comparison,
                    value: *value,
                }),
            // A flag that no item has is false.
            Condition::Flag { name, is } => match Flag::named(name) {
                Some(flag) => Test::Flag { flag, is: *is },
                None if *is => Test::Never,
                None => Test::All(Vec::new()),
            },
            Condition::Chip(ids) => Test::Chip(bits(&self.words, ids)),
            Condition::Lines { lines, of } => {
                let thresholds: BTreeSet<_> = lines.values().copied().collect();
                Test::Lines(Lines {
                    lines: lines
                        .iter()
                        .filter_map(|(class, line)| {
                            Some((self.data_classes.id(class)?, *line, of.contains(class)))
                        })
                        .collect(),
                    thresholds: thresholds.into_iter().collect(),
                })
            }
            Condition::Country { field, tokens } => Test::Country {
                field: *field,
                tokens: bits(&self.tokens, tokens),
            },
            Condition::Listed(lists) => Test::Listed(bits(&self.lists, lists)),
            Condition::Ciio => Test::Ciio,
            Condition::Role(roles) => Test::Role(Roles::of(
                &roles
                    .iter()
                    .filter_map(|word| word.parse::<Role>().ok())
                    .collect::<Vec<_>>(),
            )),
            Condition::Fact(name) => match self.fact(name) {
                Some((id, entry)) if entry.kind == FactKind::Flag => Test::Fact(id),
                _ => Test::Never,
            },
            Condition::OwnedBy {
                by,
                at_least,
                number,
            } => Test::OwnedBy {
                by: Box::new(self.test(by, classes)),
                at_least: *at_least,
                number: u16::try_from(*number).unwrap_or(u16::MAX),
            },
            Condition::Holder { by, from, number } => Test::Holder {
                by: Box::new(self.test(by, classes)),
                from: *from,
                number: u16::try_from(*number).unwrap_or(u16::MAX),
            },
        }
    }

    fn measure(&self, name: &str) -> Option<Measure> {
        Figure::named(name)
            .map(Measure::Figure)
            .or_else(|| self.data_classes.id(name).map(Measure::Persons))
            .or_else(|| {
                self.fact(name)
                    .filter(|(_, entry)| entry.kind == FactKind::Number)
                    .map(|(id, _)| Measure::Fact(id))
            })
    }

    fn question(&self, (path, leaf): &Written) -> Result<Question, String> {
        let group = path.split_once('.');
        let refuse = || {
            Err(format!(
                "`context.{path}` can't be asked for that: its type is another"
            ))
        };
        Ok(match (path.as_str(), leaf) {
            ("to", Leaf::Has(word)) => self.place(word, Question::To),
            ("from", Leaf::Has(word)) => self.place(word, Question::From),
            ("data_from", Leaf::Has(word)) => self.place(word, Question::DataFrom),
            ("item.stored_in", Leaf::Has(word)) => self.place(word, Question::StoredIn),
            ("kinds", Leaf::Has(word)) => {
                ItemKind::named(word).map_or(Question::Never, Question::Kind)
            }
            ("roles", Leaf::Has(word)) => word
                .parse::<Role>()
                .map_or(Question::Never, |role| Question::Role(Roles::of(&[role]))),
            ("authorisations", Leaf::Has(word)) => self
                .authorisations
                .id(word)
                .map_or(Question::Never, Question::Authorisation),
            ("unknown", Leaf::Has(word)) => Question::Unstated(match word.as_str() {
                "dataset.important" => Unstated::Important,
                name => self
                    .fact(name)
                    .map_or(Unstated::Always, |(id, _)| Unstated::Fact(id)),
            }),
            ("posture", Leaf::Is(word)) => match word.as_str() {
                word if word == Posture::Books.word() => Question::Books(true),
                word if word == Posture::Enforced.word() => Question::Books(false),
                _ => Question::Never,
            },
            ("item.class", Leaf::Has(word)) => self
                .item_classes
                .id(word)
                .map_or(Question::Never, Question::ItemClass),
            ("item.chip", Leaf::Is(word)) => self.word(word, Question::Chip),
            ("item.entry", Leaf::Is(word)) => self.word(word, Question::Entry),
            ("item.requested_by", Leaf::Is(word)) => self.word(word, Question::RequestedBy),
            (_, leaf) => match (group, leaf) {
                (Some(("item", flag)), Leaf::Yes) => {
                    Flag::named(flag).map_or(Question::Never, Question::Flag)
                }
                (Some(("facts", name)), leaf) => {
                    let Some((fact, entry)) = self.fact(name) else {
                        return Err(format!("there is no fact `{name}`"));
                    };
                    let wanted = match (entry.kind, leaf) {
                        (FactKind::Word, Leaf::Is(word)) => {
                            let value = entry.values.iter().position(|value| value == word);
                            match value.and_then(|value| u16::try_from(value).ok()) {
                                Some(value) => Wanted::Is(value),
                                None => return Ok(Question::Never),
                            }
                        }
                        (FactKind::Flag, Leaf::Yes) => Wanted::Yes,
                        (FactKind::Day, Leaf::Number(comparison, day)) => {
                            Wanted::Day(*comparison, *day)
                        }
                        _ => return refuse(),
                    };
                    Question::Fact { fact, wanted }
                }
                (Some((group, field)), Leaf::Has(word)) => {
                    if !crate::cedar::PARTY_GROUPS.contains(&group) {
                        return refuse();
                    }
                    let group = Roles::group(group);
                    let seat = |field| {
                        self.place(word, |token| Question::Seat {
                            group,
                            field,
                            token,
                        })
                    };
                    match field {
                        "located" => seat(Field::Located),
                        "hq" => seat(Field::Headquarters),
                        "parent" => seat(Field::Parent),
                        "home" => seat(Field::Home),
                        "listed" => self
                            .lists
                            .id(word)
                            .map_or(Question::Never, |list| Question::Listed { group, list }),
                        "class" => self
                            .party_classes
                            .id(word)
                            .map_or(Question::Never, |class| Question::PartyClass {
                                group,
                                class,
                            }),
                        _ => return refuse(),
                    }
                }
                _ => return refuse(),
            },
        })
    }

    fn place(&self, word: &str, question: impl Fn(u16) -> Question) -> Question {
        self.tokens.id(word).map_or(Question::Never, question)
    }

    fn word(&self, word: &str, question: impl Fn(u16) -> Question) -> Question {
        self.words.id(word).map_or(Question::Never, question)
    }
}
