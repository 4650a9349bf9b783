//! One act against the packs.
//!
//! 1. Slice: the policies that speak of this kind of act, on this day, in the packs that are on.
//! 2. Work each out as far as what is certain tells. Those that are open are tried at every value that they tell apart
//!    ([`Atoms`]).
//! 3. Multiply the tables ([`Product`]): in each world the strictest policy gives the outcome. One outcome in all worlds is
//!    the outcome; what at least a licence asks for in all of them stays asked for; else a person must look.
//!
//! [`decide`] stops there: numbers and borrowed names. [`judge`] puts the same decision into words.

mod play;

use std::borrow::Cow;
use std::collections::BTreeSet;

use causeway_domain::{Country, Fact};

use self::play::{Play, Played, play};
use crate::Verified;
use crate::candidates::{Candidate, label};
use crate::horizon;
use crate::law::Epoch;
use crate::passed;
use crate::scene::{Reading, Scene, Slot};
use crate::slips::{about, slips};
use crate::table::{LIMIT, Product, Table};
use crate::{
    Act, ActKind, ActVerdict, Decision, Effect, FactValue, Given, OpenFact, Outcome, Packs, Review,
    RuleHit, Ruling, Settings,
};

/// Judges one act. Pure: the same packs, settings and act give the same verdict.
#[must_use]
pub fn judge(packs: &Packs, settings: &Settings, act: &Act) -> ActVerdict {
    let weighed = weigh(packs, settings, act, true);
    let authorisations_used = authorisations_used(packs, settings, act, weighed.outcome);
    let verdict = weighed.in_words(packs, act, authorisations_used);
    horizon::apply(packs, settings, act, verdict)
}

/// Judges one act, and says of every rule for such acts that did not speak which of its conditions failed.
#[must_use]
pub fn judge_in_full(packs: &Packs, settings: &Settings, act: &Act) -> ActVerdict {
    judge(packs, settings, act).in_full(packs, settings, act)
}

impl ActVerdict {
    /// With every rule for such acts that did not speak, and why not. The packs, settings and act are those that it was
    /// judged by.
    #[must_use]
    pub fn in_full(mut self, packs: &Packs, settings: &Settings, act: &Act) -> Self {
        let spoke: BTreeSet<&str> = self
            .deciding
            .iter()
            .chain(&self.context)
            .map(|hit| hit.id.as_str())
            .collect();
        let read = |reading: Reading<'_>| passed::over(packs, settings, act, reading, &spoke);
        let passed = match (act.kind, planned(act)) {
            (ActKind::DomesticSale, Planned::Yes) => as_export(act, read),
            (ActKind::DomesticSale, Planned::Unclear(_)) => {
                let mut all = read(plainly(act));
                for more in as_export(act, read) {
                    if all.iter().all(|known| known.id != more.id) {
                        all.push(more);
                    }
                }
                all
            }
            _ => read(plainly(act)),
        };
        self.passed = passed;
        self
    }
}

/// Judges one act in short: what [`judge`] says without its words. For those who judge many acts.
#[must_use]
pub fn decide<'p>(packs: &'p Packs, settings: &Settings, act: &Act) -> Decision<'p> {
    let weighed = weigh(packs, settings, act, false);
    let ruling = |hit: &Hit| Ruling {
        rule: rule_id(packs, hit),
        effect: hit.effect,
        certain: hit.certain,
    };
    let mut decision = Decision {
        outcome: weighed.outcome,
        deciding: weighed.deciding.iter().map(ruling).collect(),
        review: weighed.review,
        obligations: weighed.obligations,
    };
    horizon::shorten(packs, settings, act, &mut decision);
    decision
}

/// The authorisations without which the outcome would be stricter. Where either of two would do, the one that comes first
/// in the alphabet is left out.
fn authorisations_used(
    packs: &Packs,
    settings: &Settings,
    act: &Act,
    outcome: Outcome,
) -> Vec<String> {
    if act.authorisations.is_empty() {
        return Vec::new();
    }
    let mut less = act.clone();
    for name in &act.authorisations {
        less.authorisations.remove(name);
        if weigh(packs, settings, &less, false).outcome > outcome {
            less.authorisations.insert(name.clone());
        }
    }
    less.authorisations.into_iter().collect()
}

/// A rule that speaks, by number.
#[derive(Debug, Clone)]
struct Hit {
    /// Index of the policy; none: nothing permits what the packs don't know.
    policy: Option<usize>,
    rule: u16,
    effect: Effect,
    review: Option<Review>,
    certain: bool,
}

/// The number of a rule that is none of the packs'.
const OWN_RULE: u16 = u16::MAX;
const DEFAULT_DENY: &str = "base-default-deny";

fn rule_id<'p>(packs: &'p Packs, hit: &Hit) -> &'p str {
    hit.policy
        .and_then(|policy| packs.rules.get(policy))
        .map_or(DEFAULT_DENY, |rule| rule.info.id.as_str())
}

/// A decision before it is put into words.
struct Weighed<'p> {
    outcome: Outcome,
    deciding: Vec<Hit>,
    context: Vec<Hit>,
    review: Option<Review>,
    obligations: Vec<&'p str>,
    /// Put together only where words are wanted.
    open_facts: Vec<OpenFact>,
}

impl Weighed<'_> {
    fn in_words(self, packs: &Packs, act: &Act, authorisations_used: Vec<String>) -> ActVerdict {
        let deciding: Vec<RuleHit> = self
            .deciding
            .iter()
            .map(|hit| in_words(packs, act, hit))
            .collect();
        let context: Vec<RuleHit> = self
            .context
            .iter()
            .map(|hit| in_words(packs, act, hit))
            .collect();
        let mut from_memory: Vec<String> = Vec::new();
        let beside = context
            .iter()
            .filter(|hit| matches!(hit.outcome, Effect::Obligation | Effect::ReviewPolicy));
        for hit in deciding.iter().chain(beside) {
            if hit.verified.contains("memory") && !from_memory.contains(&hit.id) {
                from_memory.push(hit.id.clone());
            }
        }
        ActVerdict {
            kind: act.kind,
            about: about(packs, act),
            outcome: self.outcome,
            deciding,
            context,
            review: self.review,
            obligations: self.obligations.into_iter().map(str::to_owned).collect(),
            open_facts: self.open_facts,
            authorisations_used,
            from_memory,
            passed: Vec::new(),
            as_of: act.date.day(),
            packs: packs.digest(),
        }
    }
}

fn in_words(packs: &Packs, act: &Act, hit: &Hit) -> RuleHit {
    match hit.policy.and_then(|policy| packs.rules.get(policy)) {
        Some(rule) => RuleHit {
            id: rule.info.id.clone(),
            title: rule.info.title.clone(),
            citation: rule.info.citation.clone(),
            outcome: hit.effect,
            review: hit.review,
            says: rule.info.says.clone(),
            verified: rule.info.verified.to_string(),
            certain: hit.certain,
        },
        None => RuleHit {
            id: DEFAULT_DENY.to_owned(),
            title: "what the packs do not know is not allowed".to_owned(),
            citation: Vec::new(),
            outcome: Effect::NeedsReview,
            review: None,
            says: format!(
                "no pack that is on knows `{}` of such an item, or a word in it is unknown",
                act.kind
            ),
            verified: Verified::Ours.to_string(),
            certain: true,
        },
    }
}

/// Whether a sale is meant for export, where the act is one.
enum Planned {
    No,
    Yes,
    /// Nobody says; the reason.
    Unclear(String),
}

fn planned(act: &Act) -> Planned {
    match act.facts.get("export_planned") {
        Some(Fact::Known(FactValue::Flag(false), _)) => Planned::No,
        Some(Fact::Known(FactValue::Flag(true), _)) => Planned::Yes,
        Some(Fact::Unknown(why)) => Planned::Unclear(why.clone()),
        Some(Fact::Known(value, _)) => Planned::Unclear(format!("`{value}` is not a value of it")),
        None => Planned::Unclear("not stated".to_owned()),
    }
}

fn plainly(act: &Act) -> Reading<'_> {
    Reading {
        kind: act.kind,
        to: &act.to,
        not_to: None,
    }
}

/// A sale read as the export that is planned: where it is meant for nobody says unless `to` is abroad.
fn as_export<T>(act: &Act, read: impl FnOnce(Reading<'_>) -> T) -> T {
    let home = act.from.or_else(|| act.to.known().copied());
    let abroad: Cow<'_, Fact<Country>> = match (&act.to, home) {
        (Fact::Known(to, _), Some(home)) if *to == home => Cow::Owned(Fact::unknown(
            "the country of the planned export is not stated",
        )),
        (to, _) => Cow::Borrowed(to),
    };
    read(Reading {
        kind: ActKind::Export,
        to: &abroad,
        not_to: home,
    })
}

fn weigh<'p>(packs: &'p Packs, settings: &Settings, act: &Act, words: bool) -> Weighed<'p> {
    let era = packs.law.era(packs, act.date);
    let read = |reading: Reading<'_>| weigh_as(packs, &era, settings, act, reading, words);
    if act.kind != ActKind::DomesticSale {
        return read(plainly(act));
    }
    match planned(act) {
        Planned::No => read(plainly(act)),
        Planned::Yes => as_export(act, read),
        Planned::Unclear(why) => either(
            "export_planned",
            &why,
            [
                ("false", read(plainly(act))),
                ("true", as_export(act, read)),
            ],
            words,
        ),
    }
}

/// The decision when it is unknown which of two applies.
fn either<'p>(
    fact: &str,
    why: &str,
    [one, other]: [(&str, Weighed<'p>); 2],
    words: bool,
) -> Weighed<'p> {
    let outcome = combine(
        one.1.outcome.min(other.1.outcome),
        one.1.outcome.max(other.1.outcome),
    );
    let gives = [&one, &other]
        .map(|(value, weighed)| Given {
            value: (*value).to_owned(),
            outcome: weighed.outcome,
            at_best: weighed.outcome,
        })
        .to_vec();
    let differ = one.1.outcome != other.1.outcome;
    let open = (words && differ).then(|| OpenFact {
        fact: fact.to_owned(),
        why: why.to_owned(),
        gives,
    });
    let (mut strict, mild) = if one.1.outcome >= other.1.outcome {
        (one.1, other.1)
    } else {
        (other.1, one.1)
    };
    for hit in &mut strict.deciding {
        hit.certain &= mild.deciding.iter().any(|same| same.rule == hit.rule);
    }
    if outcome == mild.outcome && differ {
        // The milder need is certain; the stricter possibility stands beside it.
        let mut weighed = mild;
        let known: BTreeSet<u16> = rules_of(&weighed);
        weighed.context.extend(
            strict
                .deciding
                .into_iter()
                .filter(|hit| !known.contains(&hit.rule)),
        );
        weighed.open_facts.splice(0..0, open);
        return weighed;
    }
    let known = rules_of(&strict);
    strict.context.extend(
        mild.deciding
            .into_iter()
            .chain(mild.context)
            .filter(|hit| !known.contains(&hit.rule)),
    );
    for name in mild.obligations {
        if !strict.obligations.contains(&name) {
            strict.obligations.push(name);
        }
    }
    if outcome != Outcome::Allow {
        strict.obligations.clear();
    }
    strict.open_facts.splice(0..0, open);
    strict.review = strict
        .review
        .filter(|_| outcome == Outcome::LicenseRequired);
    strict.outcome = outcome;
    strict
}

fn rules_of(weighed: &Weighed<'_>) -> BTreeSet<u16> {
    weighed
        .deciding
        .iter()
        .chain(&weighed.context)
        .map(|hit| hit.rule)
        .collect()
}

/// One outcome is the outcome; a licence that is needed at the mildest is needed; else a person must look.
fn combine(mildest: Outcome, strictest: Outcome) -> Outcome {
    if mildest == strictest {
        mildest
    } else {
        mildest.max(Outcome::NeedsReview)
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "the steps of the module's first page, one after another"
)]
fn weigh_as<'p>(
    packs: &'p Packs,
    epoch: &Epoch,
    settings: &Settings,
    act: &Act,
    reading: Reading<'_>,
    words: bool,
) -> Weighed<'p> {
    let scene = Scene::new(packs, epoch, settings, act, reading);
    let slips = slips(packs, settings, act, scene.facts_fit());
    let Play { all, candidates } = play(packs, settings, &scene, reading.kind);

    // Worlds. Policies past the limit count as possible, and the least is a review.
    let over_limit: Vec<&Played<'_>> = all
        .iter()
        .filter(|one| one.decides() && one.is_open() && one.table.is_none())
        .collect();
    let (open, tables): (Vec<&Played<'_>>, Vec<&Table>) = all
        .iter()
        .filter(|one| one.decides() && one.is_open())
        .filter_map(|one| Some((one, one.table.as_ref()?)))
        .unzip();
    let fixed: Outcome = all
        .iter()
        .filter(|one| !one.permit && one.always)
        .map(|one| one.effect.outcome())
        .max()
        .unwrap_or(Outcome::Allow);
    let permitted = all.iter().any(|one| one.permit && one.always);
    let product = Product::of(&tables);
    // By axis and group: the mildest and the strictest outcome of the worlds in which that unknown is in that group.
    let mut spans: Vec<Vec<Option<(Outcome, Outcome)>>> = product
        .axes
        .iter()
        .map(|(_, groups)| vec![None; groups.len()])
        .collect();
    let mut span: Option<(Outcome, Outcome)> = None;
    let widen = |span: &mut Option<(Outcome, Outcome)>, outcome: Outcome| {
        *span = Some(span.map_or((outcome, outcome), |(mild, strict)| {
            (mild.min(outcome), strict.max(outcome))
        }));
    };
    let bounded = product.size().is_some() && over_limit.is_empty();
    if product.size().is_some() {
        product.worlds(&tables, |digits, satisfied| {
            let mut outcome = fixed;
            let mut permit = permitted;
            for (one, satisfied) in open.iter().zip(satisfied) {
                match (satisfied, one.permit) {
                    (true, true) => permit = true,
                    (true, false) => outcome = outcome.max(one.effect.outcome()),
                    (false, _) => {}
                }
            }
            if !permit {
                outcome = outcome.max(Outcome::NeedsReview);
            }
            widen(&mut span, outcome);
            for (axis, digit) in spans.iter_mut().zip(digits) {
                if let Some(group) = axis.get_mut(*digit) {
                    widen(group, outcome);
                }
            }
        });
    }
    let (mildest, strictest) = span.unwrap_or((fixed, Outcome::Prohibited));
    let mut outcome = combine(mildest, strictest);
    // What an allow obliges to is part of the answer: it may not turn on what nobody knows.
    let obligations_turn = open.iter().any(|one| one.effect == Effect::Obligation);
    if !bounded || !slips.is_empty() || (outcome == Outcome::Allow && obligations_turn) {
        outcome = outcome.max(Outcome::NeedsReview);
    }

    // What it turns on.
    let mut open_facts = slips;
    let mut turning: BTreeSet<Slot> = BTreeSet::new();
    if bounded && outcome != Outcome::Allow {
        // Facts on which only obligations turn are of interest only where nothing else is open.
        let weighty: BTreeSet<Slot> = open
            .iter()
            .filter(|one| one.effect != Effect::Obligation)
            .filter_map(|one| one.table.as_ref())
            .flat_map(Table::turns_on)
            .collect();
        for ((slot, groups), spans) in product.axes.iter().zip(&spans) {
            if !weighty.is_empty() && !weighty.contains(slot) {
                continue;
            }
            turning.insert(*slot);
            if !words {
                continue;
            }
            let (name, why) = scene.describe(*slot);
            let list = candidates.get(slot).map_or(&[][..], Vec::as_slice);
            let gives = groups
                .iter()
                .zip(spans)
                .filter_map(|(group, span)| {
                    let (mild, strict) = (*span)?;
                    let group: Vec<&Candidate> =
                        group.iter().filter_map(|one| list.get(*one)).collect();
                    Some(Given {
                        value: label(&scene, &group),
                        outcome: combine(mild, strict),
                        at_best: mild,
                    })
                })
                .collect();
            open_facts.push(OpenFact {
                fact: name,
                why,
                gives,
            });
        }
    } else if !bounded {
        turning = over_limit
            .iter()
            .flat_map(|one| one.looks_at.iter().copied())
            .chain(tables.iter().flat_map(|table| table.turns_on()))
            .collect();
        for slot in turning.iter().filter(|_| words) {
            let (name, why) = scene.describe(*slot);
            open_facts.push(OpenFact {
                fact: name,
                why: format!(
                    "{why}; more than {LIMIT} combinations: state this fact to be told what turns on it"
                ),
                gives: Vec::new(),
            });
        }
    }

    // Who decides.
    let turned = outcome == Outcome::NeedsReview
        && (mildest != strictest || strictest == Outcome::Allow)
        || !bounded;
    let decisive = |one: &Played<'_>| {
        let level = one.effect.outcome();
        let turns = match &one.table {
            Some(table) => table.turns_on().any(|slot| turning.contains(&slot)),
            None => !one.always,
        };
        match outcome {
            Outcome::Allow => false,
            _ if turned => level == Outcome::NeedsReview || (turns && !one.always),
            _ => level == outcome,
        }
    };
    let (deciding, context): (Vec<&Played<'p>>, Vec<&Played<'p>>) = all
        .iter()
        .filter(|one| one.sometimes && !one.permit)
        .partition(|one| decisive(one));
    let softened: Vec<(u16, Review)> = context
        .iter()
        .chain(&deciding)
        .filter(|one| one.effect == Effect::ReviewPolicy && one.always)
        .filter_map(|one| one.policy.review.map(|review| (one, review)))
        .flat_map(|(one, review)| one.policy.reviews.iter().map(move |rule| (*rule, review)))
        .collect();
    let review_of = |one: &Played<'_>| {
        let softer = softened
            .iter()
            .find(|(rule, _)| *rule == one.policy.rule)
            .map(|(_, review)| *review);
        softer
            .or(one.policy.review)
            .filter(|_| one.effect == Effect::LicenseRequired)
    };
    let hits = |mut list: Vec<&Played<'_>>| {
        list.sort_by_key(|one| (std::cmp::Reverse(one.effect), !one.always, one.index));
        let mut hits: Vec<Hit> = Vec::with_capacity(list.len());
        for one in list {
            match hits.iter_mut().find(|hit| hit.rule == one.policy.rule) {
                Some(hit) => hit.certain |= one.always && one.effect == hit.effect,
                None => hits.push(Hit {
                    policy: Some(one.index),
                    rule: one.policy.rule,
                    effect: one.effect,
                    review: review_of(one),
                    certain: one.always,
                }),
            }
        }
        hits
    };
    let mut obligations: Vec<&str> = Vec::new();
    if outcome == Outcome::Allow {
        for name in context
            .iter()
            .filter(|one| one.effect == Effect::Obligation)
            .filter_map(|one| packs.rules.get(one.index))
            .flat_map(|rule| &rule.obligations)
        {
            if !obligations.contains(&name.as_str()) {
                obligations.push(name);
            }
        }
    }
    let review = deciding
        .iter()
        .filter_map(|one| review_of(one))
        .max()
        .filter(|_| outcome == Outcome::LicenseRequired);
    let mut deciding = hits(deciding);
    if deciding.is_empty() && outcome == Outcome::NeedsReview {
        deciding.push(Hit {
            policy: None,
            rule: OWN_RULE,
            effect: Effect::NeedsReview,
            review: None,
            certain: true,
        });
    }
    let mut context = hits(context);
    context.retain(|hit| deciding.iter().all(|decided| decided.rule != hit.rule));
    Weighed {
        outcome,
        deciding,
        context,
        review,
        obligations,
        open_facts,
    }
}
