//! Rules that did not speak, and the condition that failed. Worked out only where somebody asks.

mod conditions;
mod questions;

use std::collections::BTreeSet;

use causeway_parties::Certainty;

use crate::atoms::Answers;
use crate::formula::Formula;
use crate::law::Question;
use crate::packs::Rule;
use crate::scene::{Reading, Scene};
use crate::{Act, Packs, PassedOver, Settings};

/// Every rule for such acts that is not among those that spoke, in the order of the packs.
pub(crate) fn over(
    packs: &Packs,
    settings: &Settings,
    act: &Act,
    reading: Reading<'_>,
    spoke: &BTreeSet<&str>,
) -> Vec<PassedOver> {
    let era = packs.law.era(packs, act.date);
    let scene = Scene::new(packs, &era, settings, act, reading);
    let answers = Answers::new(&scene);
    let telling = Telling {
        scene: &scene,
        answers: &answers,
    };
    let mut all: Vec<PassedOver> = Vec::new();
    for (index, rule) in packs.rules.iter().enumerate() {
        let id = rule.info.id.as_str();
        if rule.effect.is_none() || !rule.kinds.contains(&reading.kind) || spoke.contains(id) {
            continue;
        }
        let why = off(packs, settings, act, rule).unwrap_or_else(|| {
            packs
                .law
                .policies
                .get(index)
                .map_or_else(String::new, |policy| {
                    telling.no(&policy.formula).unwrap_or_else(|| {
                        "it does not hold, whatever the open facts are".to_owned()
                    })
                })
        });
        match all.iter_mut().find(|passed| passed.id == id) {
            Some(passed) if passed.why.split("; ").any(|known| known == why) => {}
            Some(passed) => {
                passed.why.push_str("; ");
                passed.why.push_str(&why);
            }
            None => all.push(PassedOver {
                id: id.to_owned(),
                title: rule.info.title.clone(),
                why,
            }),
        }
    }
    all
}

/// Why a policy does not apply at all: its pack, its days, its posture.
fn off(packs: &Packs, settings: &Settings, act: &Act, rule: &Rule) -> Option<String> {
    let info = &rule.info;
    if !settings.packs.contains(&info.pack) {
        return Some(format!("pack {} is off", info.pack));
    }
    let day = packs.day(&info.jurisdiction, act.date);
    if let Some(from) = info.from.filter(|from| day < *from) {
        return Some(format!("not before {from}"));
    }
    if let Some(to) = info.to.filter(|to| *to < day) {
        return Some(format!("not after {to}"));
    }
    if let Some(from) = rule.compliance_from.filter(|from| day < *from) {
        return Some(format!("asks for nothing before {from}"));
    }
    rule.posture
        .filter(|posture| *posture != settings.posture)
        .map(|posture| format!("posture {} only", posture.word()))
}

/// Puts reasons into words.
struct Telling<'s, 'a> {
    scene: &'s Scene<'a>,
    answers: &'s Answers<'s, 'a>,
}

impl Telling<'_, '_> {
    fn question(&self, id: u16) -> Question {
        self.scene.law.question(id)
    }

    /// Why a formula does not hold; `None` where that is not certain.
    fn no(&self, formula: &Formula<u16>) -> Option<String> {
        if self.answers.holds(formula) != Certainty::No {
            return None;
        }
        match formula {
            Formula::Constant(_) => Some("it never applies".to_owned()),
            Formula::Ask(question) => Some(self.answered_no(&[self.question(*question)])),
            Formula::Not(inner) => self.yes(inner),
            Formula::All(parts) => parts.iter().find_map(|part| self.no(part)),
            Formula::Any(parts) => Some(self.none_of(parts)),
        }
    }

    /// Why a formula holds; `None` where that is not certain.
    fn yes(&self, formula: &Formula<u16>) -> Option<String> {
        if self.answers.holds(formula) != Certainty::Yes {
            return None;
        }
        match formula {
            Formula::Constant(_) => Some("it always holds".to_owned()),
            Formula::Ask(question) => Some(self.answered_yes(self.question(*question))),
            Formula::Not(inner) => self.no(inner),
            Formula::All(parts) => {
                let parts: Vec<String> = parts.iter().filter_map(|part| self.yes(part)).collect();
                Some(parts.join(" and "))
            }
            Formula::Any(parts) => parts.iter().find_map(|part| self.yes(part)),
        }
    }

    /// Why none of several holds: questions about one thing are told together.
    fn none_of(&self, parts: &[Formula<u16>]) -> String {
        let mut told: Vec<String> = Vec::new();
        let mut together: Vec<Question> = Vec::new();
        for part in parts {
            let question = match part {
                Formula::Ask(question) => Some(self.question(*question)),
                _ => None,
            };
            if let (Some(question), Some(first)) = (question, together.first())
                && first.same_subject(question)
            {
                together.push(question);
                continue;
            }
            if !together.is_empty() {
                told.push(self.answered_no(&together));
            }
            together = question.into_iter().collect();
            if question.is_none() {
                told.extend(self.no(part));
            }
        }
        if !together.is_empty() {
            told.push(self.answered_no(&together));
        }
        told.join(", and ")
    }
}
