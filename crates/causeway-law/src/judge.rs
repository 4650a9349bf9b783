//! One act against the packs.
//!
//! 1. Slice: the policies that speak of this kind of act, on this day, in the packs that are on.
//! 2. Find which unknown facts each policy looks at, and try it at every value that it tells apart ([`Atoms`]). Policies that
//!    look at known facts only are evaluated once, together.
//! 3. Multiply the tables ([`Product`]): in each world the strictest policy gives the outcome. One outcome in all worlds is
//!    the outcome; what at least a licence asks for in all of them stays asked for; else a person must look.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Fact};

use crate::atoms::{Atoms, Solved};
use crate::candidates::label;
use crate::cedar::Mention;
use crate::packs::{Rule, Status};
use crate::scene::{Scene, Slot};
use crate::slips::{about, slips};
use crate::table::{LIMIT, Product, Table};
use crate::{
    Act, ActKind, ActVerdict, Effect, FactValue, OpenFact, Outcome, Packs, Posture, Review,
    RuleHit, Settings,
};

/// Judges one act. Pure: the same packs, settings and act give the same verdict.
#[must_use]
pub fn judge(packs: &Packs, settings: &Settings, act: &Act) -> ActVerdict {
    crate::horizon::apply(packs, settings, act, judged(packs, settings, act))
}

fn judged(packs: &Packs, settings: &Settings, act: &Act) -> ActVerdict {
    if act.kind != ActKind::DomesticSale {
        return judge_as(packs, settings, act, act.kind, act.to.clone(), None);
    }
    // A sale that is meant for export is judged as that export; where it is meant for nobody says unless `to` is abroad.
    let sale = || {
        judge_as(
            packs,
            settings,
            act,
            ActKind::DomesticSale,
            act.to.clone(),
            None,
        )
    };
    let export = || {
        let home = act.from.or_else(|| act.to.known().copied());
        let abroad = match (&act.to, home) {
            (Fact::Known(to, _), Some(home)) if *to == home => {
                Fact::unknown("the country of the planned export is not stated")
            }
            (to, _) => to.clone(),
        };
        judge_as(packs, settings, act, ActKind::Export, abroad, home)
    };
    match act.facts.get("export_planned") {
        Some(Fact::Known(FactValue::Flag(false), _)) => sale(),
        Some(Fact::Known(FactValue::Flag(true), _)) => ActVerdict {
            kind: act.kind,
            ..export()
        },
        other => {
            let why = match other {
                Some(Fact::Unknown(why)) => why.clone(),
                Some(Fact::Known(value, _)) => format!("`{value}` is not a value of it"),
                None => "not stated".to_owned(),
            };
            either(
                "export_planned",
                &why,
                [("false", sale()), ("true", export())],
                act.kind,
            )
        }
    }
}

/// The verdict when it is unknown which of two applies.
fn either(
    fact: &str,
    why: &str,
    [one, other]: [(&str, ActVerdict); 2],
    kind: ActKind,
) -> ActVerdict {
    let outcome = combine(
        one.1.outcome.min(other.1.outcome),
        one.1.outcome.max(other.1.outcome),
    );
    let gives = [&one, &other]
        .map(|(value, verdict)| ((*value).to_owned(), verdict.outcome))
        .to_vec();
    let differ = one.1.outcome != other.1.outcome;
    let (mut strict, mild) = if one.1.outcome >= other.1.outcome {
        (one.1, other.1)
    } else {
        (other.1, one.1)
    };
    for hit in &mut strict.deciding {
        hit.certain &= mild.deciding.iter().any(|same| same.id == hit.id);
    }
    let known: BTreeSet<String> = strict
        .deciding
        .iter()
        .chain(&strict.context)
        .map(|hit| hit.id.clone())
        .collect();
    if outcome == mild.outcome && differ {
        // The milder need is certain; the stricter possibility stands beside it.
        let mut verdict = mild;
        verdict.context.extend(strict.deciding);
        verdict.open_facts.insert(
            0,
            OpenFact {
                fact: fact.to_owned(),
                why: why.to_owned(),
                gives,
            },
        );
        return ActVerdict { kind, ..verdict };
    }
    strict.context.extend(
        mild.deciding
            .into_iter()
            .chain(mild.context)
            .filter(|hit| !known.contains(&hit.id)),
    );
    strict.obligations.extend(
        mild.obligations
            .iter()
            .filter(|name| !strict.obligations.contains(name))
            .cloned()
            .collect::<Vec<_>>(),
    );
    if outcome != Outcome::Allow {
        strict.obligations.clear();
    }
    if differ {
        strict.open_facts.insert(
            0,
            OpenFact {
                fact: fact.to_owned(),
                why: why.to_owned(),
                gives,
            },
        );
    }
    let review = strict
        .review
        .filter(|_| outcome == Outcome::LicenseRequired);
    ActVerdict {
        kind,
        outcome,
        review,
        ..strict
    }
}

/// One outcome is the outcome; a licence that is needed at the mildest is needed; else a person must look.
fn combine(mildest: Outcome, strictest: Outcome) -> Outcome {
    if mildest == strictest {
        mildest
    } else {
        mildest.max(Outcome::NeedsReview)
    }
}

/// What a policy does under these settings, on this act's day; `None`: nothing.
fn effect_of(packs: &Packs, settings: &Settings, act: &Act, rule: &Rule) -> Option<Effect> {
    let day = packs.day(&rule.info.jurisdiction, act.date);
    let on = settings.packs.contains(&rule.info.pack)
        && rule.info.from.is_none_or(|from| from <= day)
        && rule.info.to.is_none_or(|to| day <= to)
        && rule.compliance_from.is_none_or(|from| from <= day)
        && rule
            .posture
            .is_none_or(|posture| posture == settings.posture);
    let effect = rule.effect.unwrap_or(Effect::Context);
    on.then(|| match rule.info.status {
        Status::OnBooksNotEnforced
            if settings.posture == Posture::Enforced && rule.posture.is_none() =>
        {
            effect.min(Effect::Flag)
        }
        Status::ScheduledUnconfirmed
            if !settings.pack_confirms.contains(&rule.info.id) && effect > Effect::NeedsReview =>
        {
            Effect::NeedsReview
        }
        _ => effect,
    })
}

/// A policy that is in play: what it does, and for which values of the unknowns.
struct Played<'a> {
    rule: &'a Rule,
    order: usize,
    effect: Effect,
    permit: bool,
    table: Option<Table>,
    /// The unknowns that are too many to try.
    looks_at: BTreeSet<Slot>,
    always: bool,
    sometimes: bool,
}

#[expect(
    clippy::too_many_lines,
    reason = "the steps of the module's first page, one after another"
)]
fn judge_as(
    packs: &Packs,
    settings: &Settings,
    act: &Act,
    kind: ActKind,
    to: Fact<Country>,
    not_to: Option<Country>,
) -> ActVerdict {
    let scene = Scene::new(packs, settings, act, kind, to, not_to);
    let slips = slips(packs, settings, act);
    let mut errors: Vec<String> = Vec::new();

    // 1. Slice, and what the slice looks at.
    let mut mentions: BTreeMap<&str, Mention> = BTreeMap::new();
    let mut sliced: Vec<(usize, &Rule, Effect)> = Vec::new();
    for (index, rule) in packs.rules.iter().enumerate() {
        if !rule.kinds.contains(&kind) {
            continue;
        }
        if let Some(effect) = effect_of(packs, settings, act, rule) {
            sliced.push((index, rule, effect));
            for (path, mention) in &rule.mentions {
                let all = mentions.entry(path).or_default();
                all.words.extend(mention.words.iter().cloned());
                all.numbers.extend(mention.numbers.iter().copied());
            }
        }
    }

    // 2. Atoms: what the slice asks, one by one, for every value of the unknowns that they look at.
    let atoms = Atoms::new(&scene, &mentions);
    let known = match packs.compiled.request(kind, &atoms.at_base(&mentions)) {
        Ok(request) => packs.compiled.all(kind, &request),
        Err(error) => {
            errors.push(error);
            crate::cedar::Satisfied::default()
        }
    };
    let mut played: Vec<Played<'_>> = Vec::new();
    for (order, rule, effect) in sliced {
        let permit = rule.effect.is_none();
        let mut one = Played {
            rule,
            order,
            effect,
            permit,
            table: None,
            looks_at: BTreeSet::new(),
            always: false,
            sometimes: !permit,
        };
        match atoms.solve(order, &rule.mentions, &known) {
            Err(error) => errors.push(error),
            Ok(Solved::Fixed(satisfied)) => {
                one.always = satisfied;
                one.sometimes = satisfied;
            }
            Ok(Solved::Table(table)) => {
                one.always = table.always();
                one.sometimes = table.sometimes();
                one.table = Some(table);
            }
            Ok(Solved::TooMany(slots)) => one.looks_at = slots,
        }
        played.push(one);
    }

    // 3. Worlds. Policies past the limit count as possible, and the least is a review.
    let decides = |one: &Played<'_>| {
        one.permit || one.effect.outcome() > Outcome::Allow || one.effect == Effect::Obligation
    };
    let over_limit: Vec<&Played<'_>> = played
        .iter()
        .filter(|one| decides(one) && one.table.is_none() && one.sometimes != one.always)
        .collect();
    let open: Vec<&Played<'_>> = played
        .iter()
        .filter(|one| decides(one) && one.table.is_some() && one.sometimes != one.always)
        .collect();
    let fixed: Outcome = played
        .iter()
        .filter(|one| !one.permit && one.always)
        .map(|one| one.effect.outcome())
        .max()
        .unwrap_or(Outcome::Allow);
    let permitted = played.iter().any(|one| one.permit && one.always);
    let tables: Vec<&Table> = open.iter().filter_map(|one| one.table.as_ref()).collect();
    let product = Product::of(&tables);
    let mut worlds: Vec<(Vec<usize>, Outcome)> = Vec::new();
    let bounded = product.size().is_some() && over_limit.is_empty();
    if product.size().is_some() {
        for (digits, satisfied) in product.worlds(&tables) {
            let mut outcome = fixed;
            let mut permit = permitted;
            for (one, satisfied) in open.iter().zip(satisfied) {
                match (satisfied == 1, one.permit) {
                    (true, true) => permit = true,
                    (true, false) => outcome = outcome.max(one.effect.outcome()),
                    (false, _) => {}
                }
            }
            worlds.push((
                digits,
                if permit {
                    outcome
                } else {
                    outcome.max(Outcome::NeedsReview)
                },
            ));
        }
    }
    let mildest = worlds
        .iter()
        .map(|(_, outcome)| *outcome)
        .min()
        .unwrap_or(fixed);
    let strictest = worlds
        .iter()
        .map(|(_, outcome)| *outcome)
        .max()
        .unwrap_or(Outcome::Prohibited);
    let mut outcome = combine(mildest, strictest);
    // What an allow obliges to is part of the answer: it may not turn on what nobody knows.
    let obligations_turn = open.iter().any(|one| one.effect == Effect::Obligation);
    if !bounded
        || !slips.is_empty()
        || !errors.is_empty()
        || (outcome == Outcome::Allow && obligations_turn)
    {
        outcome = outcome.max(Outcome::NeedsReview);
    }

    // What to say.
    let mut open_facts = slips;
    open_facts.extend(errors.into_iter().map(|why| OpenFact {
        fact: "internal error".to_owned(),
        why,
        gives: Vec::new(),
    }));
    let mut turning: BTreeSet<&Slot> = BTreeSet::new();
    if bounded && outcome != Outcome::Allow {
        // Facts on which only obligations turn are of interest only where nothing else is open.
        let weighty: BTreeSet<&Slot> = open
            .iter()
            .filter(|one| one.effect != Effect::Obligation)
            .filter_map(|one| one.table.as_ref())
            .flat_map(Table::turns_on)
            .collect();
        for (position, (slot, groups)) in product.axes.iter().enumerate() {
            if !weighty.is_empty() && !weighty.contains(slot) {
                continue;
            }
            turning.insert(slot);
            let (name, why) = scene.describe(slot);
            let gives = groups
                .iter()
                .enumerate()
                .filter_map(|(digit, group)| {
                    let outcomes = || {
                        worlds
                            .iter()
                            .filter(|(digits, _)| digits.get(position) == Some(&digit))
                            .map(|(_, outcome)| *outcome)
                    };
                    let labels: Vec<String> = group
                        .iter()
                        .filter_map(|candidate| atoms.candidates.get(*slot)?.get(*candidate))
                        .flat_map(|candidate| candidate.labels.clone())
                        .collect();
                    Some((
                        label(&labels),
                        combine(outcomes().min()?, outcomes().max()?),
                    ))
                })
                .collect();
            open_facts.push(OpenFact {
                fact: name,
                why,
                gives,
            });
        }
    } else if !bounded {
        let all: BTreeSet<&Slot> = over_limit
            .iter()
            .flat_map(|one| &one.looks_at)
            .chain(tables.iter().flat_map(|table| table.turns_on()))
            .collect();
        for slot in all {
            turning.insert(slot);
            let (name, why) = scene.describe(slot);
            open_facts.push(OpenFact { fact: name, why: format!("{why}; more than {LIMIT} combinations: state this fact to be told what turns on it"), gives: Vec::new() });
        }
    }
    let turned = outcome == Outcome::NeedsReview
        && (mildest != strictest || strictest == Outcome::Allow)
        || !bounded;
    let decisive = |one: &Played<'_>| {
        let level = one.effect.outcome();
        let turns = one
            .table
            .as_ref()
            .is_some_and(|table| table.turns_on().any(|slot| turning.contains(slot)))
            || (one.table.is_none() && !one.always);
        match outcome {
            Outcome::Allow => false,
            _ if turned => level == Outcome::NeedsReview || (turns && !one.always),
            _ => level == outcome,
        }
    };
    let (deciding, context): (Vec<&Played<'_>>, Vec<&Played<'_>>) = played
        .iter()
        .filter(|one| one.sometimes && !one.permit)
        .partition(|one| decisive(one));
    let softened: Vec<(&String, Review)> = context
        .iter()
        .chain(&deciding)
        .filter(|one| one.effect == Effect::ReviewPolicy && one.always)
        .filter_map(|one| one.rule.review.map(|review| (&one.rule.reviews, review)))
        .flat_map(|(rules, review)| rules.iter().map(move |rule| (rule, review)))
        .collect();
    let review_of = |one: &Played<'_>| {
        let softer = softened
            .iter()
            .find(|(rule, _)| **rule == one.rule.info.id)
            .map(|(_, review)| *review);
        softer
            .or(one.rule.review)
            .filter(|_| one.effect == Effect::LicenseRequired)
    };
    let hits = |list: &[&Played<'_>]| {
        let mut list: Vec<&Played<'_>> = list.to_vec();
        list.sort_by_key(|one| (std::cmp::Reverse(one.effect), !one.always, one.order));
        let mut hits: Vec<RuleHit> = Vec::new();
        for one in list {
            match hits.iter_mut().find(|hit| hit.id == one.rule.info.id) {
                Some(hit) => hit.certain |= one.always && one.effect == hit.outcome,
                None => hits.push(RuleHit {
                    id: one.rule.info.id.clone(),
                    title: one.rule.info.title.clone(),
                    citation: one.rule.info.citation.clone(),
                    outcome: one.effect,
                    review: review_of(one),
                    says: one.rule.info.says.clone(),
                    verified: one.rule.info.verified.to_string(),
                    certain: one.always,
                }),
            }
        }
        hits
    };
    let mut obligations: Vec<String> = Vec::new();
    for name in context
        .iter()
        .filter(|one| one.effect == Effect::Obligation)
        .flat_map(|one| &one.rule.obligations)
    {
        if outcome == Outcome::Allow && !obligations.contains(name) {
            obligations.push(name.clone());
        }
    }
    let review = deciding
        .iter()
        .filter_map(|one| review_of(one))
        .max()
        .filter(|_| outcome == Outcome::LicenseRequired);
    let mut deciding = hits(&deciding);
    if deciding.is_empty() && outcome == Outcome::NeedsReview {
        deciding.push(default_deny(act));
    }
    let decided: BTreeSet<String> = deciding.iter().map(|hit| hit.id.clone()).collect();
    let context = hits(&context)
        .into_iter()
        .filter(|hit| !decided.contains(&hit.id))
        .collect();
    ActVerdict {
        kind: act.kind,
        about: about(packs, act),
        outcome,
        deciding,
        context,
        review,
        obligations,
        open_facts,
        as_of: act.date.day(),
        packs: packs.digest(),
    }
}

/// Nothing permits what the packs don't know.
fn default_deny(act: &Act) -> RuleHit {
    RuleHit {
        id: "base-default-deny".to_owned(),
        title: "what the packs do not know is not allowed".to_owned(),
        citation: Vec::new(),
        outcome: Effect::NeedsReview,
        review: None,
        says: format!(
            "no pack that is on knows `{}` of such an item, or a word in it is unknown",
            act.kind
        ),
        verified: crate::Verified::Ours.to_string(),
        certain: true,
    }
}
