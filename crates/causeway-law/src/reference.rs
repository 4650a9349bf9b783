//! Cedar's own answers, to hold ours against.
//!
//! Acts are judged by formulas that are read from the policies when packs are loaded. Here the same act is put to Cedar's
//! authorizer, with every attribute of the schema given: for tests that both agree, and to measure one beside the other.

use std::collections::{BTreeMap, BTreeSet};

use causeway_parties::Certainty;
use cedar_policy::{Entities, PolicySet, Request};

use crate::atoms::Answers;
use crate::cedar::{Attribute, Kind, Slice};
use crate::formula::Leaf;
use crate::scene::{Reading, Scene, Stated};
use crate::{Act, LawError, Packs, Settings};

/// Every policy of all packs as one set, whatever act, day and pack it is of.
///
/// # Errors
/// [`LawError::Packs`]: Cedar does not take them together; never for packs that were read.
pub fn policies(packs: &Packs) -> Result<PolicySet, LawError> {
    packs.compiled.every()
}

/// An act as Cedar takes it: the policies that apply to it, and a request.
#[derive(Debug)]
pub struct Question<'p> {
    packs: &'p Packs,
    slice: Slice,
    request: Request,
    /// By policy: satisfied, by our own formulas.
    ours: BTreeSet<usize>,
}

impl<'p> Question<'p> {
    /// Puts an act of which no policy turns on an unknown fact. What is unknown all the same is given as no: whatever is
    /// given, the answers are the same.
    ///
    /// # Errors
    /// [`LawError::Packs`]: a policy turns on a fact that is unknown, by the policy's rule; or Cedar does not take the
    /// request.
    pub fn new(packs: &'p Packs, settings: &Settings, act: &Act) -> Result<Self, LawError> {
        let era = packs.law.era(packs, act.date);
        let reading = Reading {
            kind: act.kind,
            to: &act.to,
            not_to: None,
        };
        let scene = Scene::new(packs, &era, settings, act, reading);
        let applies: BTreeSet<usize> = era
            .slice(act.kind)
            .iter()
            .map(|index| usize::from(*index))
            .filter(|index| {
                packs.rules.get(*index).is_some_and(|rule| {
                    settings.packs.contains(&rule.info.pack)
                        && rule
                            .posture
                            .is_none_or(|posture| posture == settings.posture)
                })
            })
            .collect();
        let fail = |message: String| LawError::packs(message, "state every fact first");
        let slice = packs
            .compiled
            .slice(act.kind, |index| applies.contains(&index))?;
        let answers = Answers::new(&scene);
        let given: BTreeMap<&str, Attribute> = packs
            .compiled
            .attributes()
            .map(|(path, kind)| (path, attribute(&scene, &answers, path, kind)))
            .collect();
        let request = packs.compiled.request(act.kind, &given).map_err(fail)?;
        let mut ours = BTreeSet::new();
        for index in applies {
            let Some((policy, rule)) = packs.law.policies.get(index).zip(packs.rules.get(index))
            else {
                continue;
            };
            match answers.holds(&policy.formula) {
                Certainty::Yes => {
                    ours.insert(index);
                }
                Certainty::No => {}
                Certainty::Open => {
                    let id = &rule.info.id;
                    return Err(fail(format!("`{id}` turns on an unknown fact")));
                }
            }
        }
        Ok(Self {
            packs,
            slice,
            request,
            ours,
        })
    }

    /// The request.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// The rules that apply. Rules are `forbid`s; what the packs know at all is permitted by a set of its own.
    #[must_use]
    pub const fn forbids(&self) -> &PolicySet {
        &self.slice.forbids
    }

    /// The permits that apply.
    #[must_use]
    pub const fn permits(&self) -> &PolicySet {
        &self.slice.permits
    }

    /// The actions that the request needs beside it.
    #[must_use]
    pub const fn entities(&self) -> &'p Entities {
        self.packs.compiled.entities()
    }

    /// Policies on which Cedar says another thing than our formulas, or errs. Empty: both agree on every one.
    #[must_use]
    pub fn disagreements(&self) -> Vec<String> {
        let theirs = self.packs.compiled.all(&self.slice, &self.request);
        let name = |index: usize| {
            self.packs
                .rules
                .get(index)
                .map_or("?", |rule| rule.info.id.as_str())
        };
        let differ = theirs
            .policies
            .symmetric_difference(&self.ours)
            .map(|index| {
                let says = |set: &BTreeSet<usize>| if set.contains(index) { "yes" } else { "no" };
                format!(
                    "policy {index} of `{}`: Cedar says {}, Causeway {}",
                    name(*index),
                    says(&theirs.policies),
                    says(&self.ours)
                )
            });
        let errors = theirs
            .errors
            .iter()
            .map(|(index, error)| format!("policy {index} of `{}`: {error}", name(*index)));
        differ.chain(errors).collect()
    }
}

/// The value of an attribute: sets hold what some policy asks for.
fn attribute(scene: &Scene<'_>, answers: &Answers<'_, '_>, path: &str, kind: Kind) -> Attribute {
    let asked = scene.law.asked.get(path).map_or(&[][..], Vec::as_slice);
    let yes = |question: u16| answers.of(question) == Certainty::Yes;
    let words = || {
        asked.iter().filter_map(|(leaf, question)| match leaf {
            Leaf::Has(word) | Leaf::Is(word) if yes(*question) => Some(word.clone()),
            _ => None,
        })
    };
    match kind {
        Kind::Set => Attribute::Set(words().collect()),
        Kind::Word => Attribute::Word(words().next().unwrap_or_default()),
        Kind::Flag => Attribute::Flag(
            asked
                .iter()
                .any(|(leaf, question)| *leaf == Leaf::Yes && yes(*question)),
        ),
        Kind::Long => {
            let name = path.strip_prefix("facts.").unwrap_or(path);
            let index = scene.law.facts.iter().position(|fact| fact.name == name);
            let stated = index
                .and_then(|index| u16::try_from(index).ok())
                .map(|index| scene.stated(index));
            match stated {
                Some(Stated::Day(day)) => Attribute::Long(day),
                _ => Attribute::Long(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ActKind;
    use crate::cedar::{Mention, Source};
    use crate::formula::{Formula, Written};

    /// A value for each attribute, from what the policies compare it with and a little beside it.
    fn contexts() -> impl Strategy<Value = (Vec<u64>, Vec<u8>)> {
        (
            proptest::collection::vec(any::<u64>(), 128),
            proptest::collection::vec(any::<u8>(), 128),
        )
    }

    fn value(kind: Kind, mention: &Mention, bits: u64, pick: u8) -> Attribute {
        let pick = usize::from(pick);
        match kind {
            Kind::Set => Attribute::Set(
                mention
                    .words
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| bits >> (index % 64) & 1 == 1)
                    .map(|(_, word)| word.clone())
                    .collect(),
            ),
            Kind::Word => {
                let words: Vec<&String> = mention.words.iter().collect();
                let word = words.get(pick % (words.len() + 1));
                Attribute::Word(word.map_or_else(|| "another".to_owned(), |word| (*word).clone()))
            }
            Kind::Flag => Attribute::Flag(bits & 1 == 1),
            Kind::Long => {
                let numbers: Vec<i64> = mention.numbers.iter().copied().collect();
                let number = numbers.get(pick / 3 % numbers.len().max(1)).copied();
                Attribute::Long(number.unwrap_or(0) + i64::try_from(pick % 3).unwrap() - 1)
            }
        }
    }

    fn holds(formula: &Formula<Written>, given: &BTreeMap<&str, Attribute>) -> bool {
        match formula {
            Formula::Constant(value) => *value,
            Formula::Not(inner) => !holds(inner, given),
            Formula::All(parts) => parts.iter().all(|part| holds(part, given)),
            Formula::Any(parts) => parts.iter().any(|part| holds(part, given)),
            Formula::Ask((path, leaf)) => match (&given[path.as_str()], leaf) {
                (Attribute::Set(held), Leaf::Has(word)) => held.contains(word),
                (Attribute::Word(held), Leaf::Is(word)) => held == word,
                (Attribute::Flag(flag), Leaf::Yes) => *flag,
                (Attribute::Long(held), Leaf::Number(comparison, number)) => {
                    comparison.holds(*held, *number)
                }
                (held, leaf) => panic!("{path}: {leaf:?} of {held:?}"),
            },
        }
    }

    /// Every policy of every built-in pack, and some in every form that the language of rules has.
    fn sources() -> Vec<Source> {
        let forms = r#"
            @id("f1") forbid (principal, action, resource) when { if context.item.public then context.to.containsAll(["CN", "HK"]) else !context.from.contains("US") };
            @id("f2") forbid (principal, action, resource) when { 20231117 <= context.facts.chips_received && context.facts.chips_received != 20250101 } unless { context.facts.end_use != "civil" };
            @id("f3") forbid (principal, action, resource) when { context.item.public == true || context.item.gpai != true || context.facts.chips_received == 20231117 };
            @id("f4") forbid (principal, action, resource) when { ["CN", "SG"].containsAny(context.to) && "civil" == context.facts.end_use } when { !(context.item.gpai && false) };
            @id("f5") forbid (principal, action, resource) when { 20231117 > context.facts.chips_received || (20240101 < context.facts.chips_received && context.facts.chips_received >= 20240601) };
            @id("f6") forbid (principal, action, resource) unless { ["civil", "wmd"].contains(context.facts.end_use) };
        "#;
        crate::builtin::FILES
            .iter()
            .filter(|(path, _)| path.ends_with(".cedar"))
            .copied()
            .chain([("us/forms.cedar", forms)])
            .flat_map(|(path, text)| crate::cedar::read(path, text).unwrap())
            .collect()
    }

    fn compiled() -> &'static (crate::cedar::Compiled, Vec<Source>) {
        static ALL: std::sync::OnceLock<(crate::cedar::Compiled, Vec<Source>)> =
            std::sync::OnceLock::new();
        ALL.get_or_init(|| {
            let packs = Packs::builtin().unwrap();
            let sources = sources();
            let compiled = crate::cedar::Compiled::new(&packs.vocabulary, &sources).unwrap();
            (compiled, sources)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

        /// Whatever the context is, possible or not: Cedar and the formula agree on every policy, and none errs.
        #[test]
        fn formulas_say_what_cedar_says((bits, picks) in contexts(), kind in proptest::sample::select(ActKind::ALL)) {
            let (compiled, sources) = compiled();
            let mut mentions: BTreeMap<&str, Mention> = BTreeMap::new();
            for (path, mention) in sources.iter().flat_map(|source| &source.mentions) {
                let all = mentions.entry(path).or_default();
                all.words.extend(mention.words.iter().cloned());
                all.numbers.extend(mention.numbers.iter().copied());
            }
            let none = Mention::default();
            let given: BTreeMap<&str, Attribute> = compiled
                .attributes()
                .enumerate()
                .map(|(index, (path, kind))| {
                    let mention = mentions.get(path).unwrap_or(&none);
                    (path, value(kind, mention, bits[index % bits.len()].rotate_left(u32::try_from(index).unwrap()), picks[index % picks.len()]))
                })
                .collect();
            let slice = compiled.slice(kind, |_| true).unwrap();
            let theirs = compiled.all(&slice, &compiled.request(kind, &given).unwrap());
            prop_assert!(theirs.errors.is_empty(), "{:?}", theirs.errors);
            for (index, source) in sources.iter().enumerate().filter(|(_, source)| source.kinds.contains(&kind)) {
                prop_assert_eq!(holds(&source.formula, &given), theirs.policies.contains(&index), "{:?}", source.annotations.get("id"));
            }
        }
    }

    #[test]
    fn forms_that_are_not_known_are_refused_by_name() {
        let refused = |condition: &str| {
            let text =
                format!(r#"@id("x") forbid (principal, action, resource) when {{ {condition} }};"#);
            crate::cedar::read("us/x.cedar", &text)
                .unwrap_err()
                .to_string()
        };
        for (condition, word) in [
            (r#"context.item.entry like "a*""#, "like"),
            ("context has to", "has"),
            ("context.to.isEmpty()", "isEmpty"),
            (r#"["CN"].containsAll(context.to)"#, "containsAll"),
            (r#"context.to == ["CN"]"#, "literal of another kind"),
            (r#"decimal("1.2").lessThan(decimal("1.3"))"#, "lessThan"),
        ] {
            let error = refused(condition);
            assert!(
                error.contains("`x`") && error.contains(word),
                "{condition}: {error}"
            );
        }
        let head = r#"@id("x") forbid (principal == Party::"who", action, resource);"#;
        let error = crate::cedar::read("us/x.cedar", head)
            .unwrap_err()
            .to_string();
        assert!(error.contains("`principal`"), "{error}");
    }
}
