//! What a solver is asked: whether one side denies whatever the other denies, act by act and outcome by outcome.
//!
//! An outcome is reached when a policy of that effect or a stricter one is satisfied; `needs_review` also where no permit
//! is. So "B is at least as strict as A" is three implications for each kind of act, over every possible context, which is
//! more than every possible act. A policy that stands on both sides needs no proof; only the others are asked about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Side;
use super::expression::{and, asked, attribute, contains, forbid_when, not, policy, rewrite};
use super::meaning::{Meaning, Meanings, Which};
use crate::packs::Rule;
use crate::vocabulary::FactKind;
use crate::{ActKind, Effect, Outcome};

/// The outcomes above `allow`, mildest first.
const LEVELS: [Outcome; 3] = [
    Outcome::NeedsReview,
    Outcome::LicenseRequired,
    Outcome::Prohibited,
];

/// A claim: whatever `mild` denies, `strict` denies. Both are lists of Cedar policies in their JSON form over [`Question::schema`].
#[derive(Debug, Clone)]
pub struct Question {
    /// The kind of act.
    pub kind: ActKind,
    /// The outcome that `mild` reaches by a policy of [`Question::rules`].
    pub outcome: Outcome,
    /// The Cedar schema.
    pub schema: String,
    /// The policies of the side that is to be at least as strict.
    pub strict: Vec<Value>,
    /// Those of the other, without what both have.
    pub mild: Vec<Value>,
    /// The rules of the other side that are not, as they are, on the strict side.
    pub rules: Vec<String>,
}

/// A policy of a side, in the words of a proof.
pub(super) struct Worded<'s> {
    pub(super) rule: &'s Rule,
    pub(super) effect: Effect,
    pub(super) permit: bool,
    pub(super) conditions: Value,
    /// Equal for policies that are satisfied by the same acts.
    pub(super) key: String,
    /// What each renamed word is.
    pub(super) words: BTreeMap<(String, String), Meaning>,
}

/// The policies in force on a side, in the words of a proof.
pub(super) fn worded<'s>(side: &'s Side, which: Which, meanings: &Meanings<'_>) -> Vec<Worded<'s>> {
    side.in_force()
        .map(|(rule, effect)| {
            let conditions = rewrite(
                &rule.conditions,
                &|path, word| meanings.renamed(which, path, word),
                &|path| (path == "posture").then(|| side.settings.posture.word().to_owned()),
            );
            let words = asked(&rule.conditions)
                .into_iter()
                .flat_map(|(path, asked)| {
                    asked
                        .words()
                        .into_iter()
                        .map(move |word| (path.clone(), word))
                })
                .map(|(path, word)| {
                    let meaning = meanings.meaning(which, &path, &word);
                    let name = meanings.renamed(which, &path, &word).unwrap_or(word);
                    ((path, name), meaning)
                })
                .collect();
            Worded {
                rule,
                effect,
                permit: rule.effect.is_none(),
                key: conditions.to_string(),
                conditions,
                words,
            }
        })
        .collect()
}

/// What must be shown for `strict` to be at least as strict as `mild`, and how many policies stand on both sides. Nothing to
/// ask: shown by identity.
pub(super) fn questions(
    strict: (&Side, &[Worded<'_>]),
    mild: (&Side, &[Worded<'_>]),
) -> Result<(Vec<Question>, usize), String> {
    let mut vocabulary = strict.0.packs.vocabulary.clone();
    for (name, spec) in &mild.0.packs.vocabulary.facts {
        match vocabulary.facts.get(name) {
            Some(known) if known.kind != spec.kind => {
                return Err(format!("the fact `{name}` is of another kind on each side"));
            }
            Some(_) => {}
            None => {
                vocabulary.facts.insert(name.clone(), spec.clone());
            }
        }
    }
    let schema = crate::cedar::schema_text(&vocabulary);
    let facts = facts(strict.0, mild.0);
    let mut all = Vec::new();
    let mut identical = BTreeSet::new();
    for kind in ActKind::ALL {
        for outcome in LEVELS {
            let strict = Slice::of(strict.1, *kind, outcome);
            let mild = Slice::of(mild.1, *kind, outcome);
            let (same, other): (Vec<&Worded<'_>>, Vec<&Worded<'_>>) = mild
                .forbids
                .iter()
                .partition(|one| stands(&strict.forbids, one));
            identical.extend(same.iter().map(|one| (&one.rule.info.id, &one.key)));
            let permits_follow = strict.permits.iter().all(|one| stands(&mild.permits, one));
            if other.is_empty() && permits_follow {
                continue;
            }
            // Where the permits are the same, what both deny for lack of one needs no proof either.
            let asked: Vec<&Worded<'_>> = if permits_follow {
                other
            } else {
                mild.permits.iter().chain(&mild.forbids).copied().collect()
            };
            let mut words: BTreeMap<&(String, String), &Meaning> = BTreeMap::new();
            for one in &asked {
                words.extend(one.words.iter());
            }
            let of_mild: BTreeSet<&(String, String)> = words.keys().copied().collect();
            for one in strict.permits.iter().chain(&strict.forbids) {
                words.extend(one.words.iter());
            }
            let of_words = facts
                .iter()
                .filter(|(name, _)| words.keys().any(|(path, _)| path == name))
                .map(|(_, policy)| policy.clone());
            let everything = policy("permit", &json!([]));
            let strict = strict.permits.iter().chain(&strict.forbids);
            all.push(Question {
                kind: *kind,
                outcome,
                schema: schema.clone(),
                strict: strict
                    .map(|one| one.policy())
                    .chain((outcome != Outcome::NeedsReview).then(|| everything.clone()))
                    .chain(impossible(&words, &of_mild))
                    .chain(of_words)
                    .collect(),
                mild: asked
                    .iter()
                    .map(|one| one.policy())
                    .chain(permits_follow.then_some(everything))
                    .collect(),
                rules: asked
                    .iter()
                    .map(|one| one.rule.info.id.clone())
                    .collect::<BTreeSet<String>>()
                    .into_iter()
                    .collect(),
            });
        }
    }
    Ok((all, identical.len()))
}

/// The policies of a side that lead to an outcome or a stricter one, for a kind of act.
struct Slice<'w, 's> {
    permits: Vec<&'w Worded<'s>>,
    forbids: Vec<&'w Worded<'s>>,
}

impl<'w, 's> Slice<'w, 's> {
    fn of(side: &'w [Worded<'s>], kind: ActKind, outcome: Outcome) -> Self {
        let of_kind = || side.iter().filter(|one| one.rule.kinds.contains(&kind));
        Self {
            permits: of_kind()
                .filter(|one| one.permit && outcome == Outcome::NeedsReview)
                .collect(),
            forbids: of_kind()
                .filter(|one| !one.permit && one.effect.outcome() >= outcome)
                .collect(),
        }
    }
}

fn stands(list: &[&Worded<'_>], one: &Worded<'_>) -> bool {
    list.iter().any(|known| known.key == one.key)
}

impl Worded<'_> {
    fn policy(&self) -> Value {
        policy(
            if self.permit { "permit" } else { "forbid" },
            &self.conditions,
        )
    }
}

/// Contexts that no act has are denied by the strict side too: a country outside a group that includes it, an item of two
/// classes that exclude each other. Only what is known of a word that the mild side asks for: the rest can't help a proof, and
/// there is much of it.
fn impossible(
    words: &BTreeMap<&(String, String), &Meaning>,
    of_mild: &BTreeSet<&(String, String)>,
) -> Vec<Value> {
    let mut all = Vec::new();
    let list: Vec<(&(String, String), &Meaning)> = words
        .iter()
        .map(|(key, meaning)| (*key, *meaning))
        .collect();
    for (index, (key, meaning)) in list.iter().enumerate() {
        let (path, word) = key;
        if **meaning == Meaning::Never {
            all.push(forbid_when(contains(path, word)));
        }
        for (other_key, other_meaning) in list.iter().skip(index + 1) {
            let (other_path, other) = other_key;
            if path != other_path || !of_mild.contains(key) && !of_mild.contains(other_key) {
                continue;
            }
            let with = |one: &str, no: &str| {
                forbid_when(and(contains(path, one), not(contains(path, no))))
            };
            if Meanings::implies(meaning, other_meaning) {
                all.push(with(word, other));
            }
            if Meanings::implies(other_meaning, meaning) {
                all.push(with(other, word));
            }
            if Meanings::excludes(path, meaning, other_meaning) {
                all.push(forbid_when(and(
                    contains(path, word),
                    contains(path, other),
                )));
            }
        }
        // Whoever takes part in a role takes part.
        if let Some((group, field)) = path.split_once('.')
            && !matches!(group, "any" | "item" | "facts")
            && words.contains_key(&&(format!("any.{field}"), word.clone()))
        {
            let any = format!("any.{field}");
            all.push(forbid_when(and(
                contains(path, word),
                not(contains(&any, word)),
            )));
        }
    }
    all
}

/// A fact is one of its values.
fn facts(strict: &Side, mild: &Side) -> Vec<(String, Value)> {
    let own = &strict.packs.vocabulary.facts;
    own.iter()
        .filter(|(_, spec)| spec.kind == FactKind::Word)
        .map(|(name, spec)| {
            let mut values: BTreeSet<&String> = spec.values.iter().collect();
            if let Some(other) = mild.packs.vocabulary.facts.get(name) {
                values.extend(&other.values);
            }
            let path = format!("facts.{name}");
            let one_of = json!({"contains": {"left": {"Set": values.iter().map(|value| json!({"Value": value})).collect::<Vec<_>>()}, "right": attribute(&path)}});
            (path, forbid_when(not(one_of)))
        })
        .collect()
}
