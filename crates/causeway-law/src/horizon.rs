//! How old the packs are. An allow rests on rules that nobody has looked up since the day up to which their pack was checked:
//! past it the allow obliges to look again, and past the age that an organisation takes it is a review.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Date, PackId};

use crate::packs::{PackVersion, Rule};
use crate::{
    Act, ActKind, ActVerdict, Decision, Effect, Outcome, Packs, RuleHit, Ruling, Settings, Verified,
};

/// The obligation of an allow that is given for a day past a pack's horizon.
pub(crate) const RECHECK: &str = "recheck_packs";
/// The rule of this program about packs that are too old.
const PACK_AGE: &str = "base-pack-age";

impl PackVersion {
    /// Days from the horizon to a day after it; none for a day that is not after it, or where the pack does not age.
    #[must_use]
    pub fn age(&self, day: Date) -> Option<u32> {
        let days = (day - self.horizon?).get_days();
        u32::try_from(days).ok().filter(|days| *days > 0)
    }
}

/// Who speaks of which acts: by kind, each pack with each jurisdiction that has a rule for such acts in it.
pub(crate) type Speaking = BTreeMap<ActKind, BTreeSet<(PackId, String)>>;

/// Who speaks of which acts; worked out once, when packs are loaded.
pub(crate) fn speaking(rules: &[Rule]) -> Speaking {
    let mut all = Speaking::new();
    for rule in rules.iter().filter(|rule| rule.effect.is_some()) {
        let mut speaks = |kind: ActKind| {
            let one = (rule.info.pack.clone(), rule.info.jurisdiction.clone());
            all.entry(kind).or_default().insert(one);
        };
        for kind in &rule.kinds {
            speaks(*kind);
            // A sale may be judged as the export that is planned.
            if *kind == ActKind::Export {
                speaks(ActKind::DomesticSale);
            }
        }
    }
    all
}

/// The jurisdictions whose rules speak of such an act, in the packs that are on.
fn on<'a>(packs: &'a Packs, settings: &Settings, kind: ActKind) -> BTreeSet<&'a str> {
    packs
        .speaking
        .get(&kind)
        .into_iter()
        .flatten()
        .filter(|(pack, _)| settings.packs.contains(pack))
        .map(|(_, jurisdiction)| jurisdiction.as_str())
        .collect()
}

/// `us, eu checked up to 2026-07-31, 116 days before this act`.
fn words(aged: &[(&PackVersion, u32)]) -> String {
    let mut by_age: BTreeMap<(u32, Option<Date>), Vec<String>> = BTreeMap::new();
    for (pack, days) in aged {
        let name = if pack.version.is_empty() {
            pack.jurisdiction.clone()
        } else {
            format!("{} {}", pack.jurisdiction, pack.version)
        };
        by_age.entry((*days, pack.horizon)).or_default().push(name);
    }
    let groups: Vec<String> = by_age
        .into_iter()
        .rev()
        .map(|((days, horizon), names)| {
            let horizon = horizon.map(|day| day.to_string()).unwrap_or_default();
            format!(
                "{}: checked up to {horizon}, {days} day{} before this act",
                names.join(", "),
                if days == 1 { "" } else { "s" }
            )
        })
        .collect();
    groups.join("; ")
}

/// Adds to an allow what it obliges to past the horizon of the packs that it rests on, or makes a review of it where they
/// are older than the organisation takes. Any other outcome stays as it is.
pub(crate) fn apply(
    packs: &Packs,
    settings: &Settings,
    act: &Act,
    mut verdict: ActVerdict,
) -> ActVerdict {
    if verdict.outcome != Outcome::Allow {
        return verdict;
    }
    let aged: Vec<(&PackVersion, u32)> = on(packs, settings, act.kind)
        .into_iter()
        .filter_map(|jurisdiction| packs.versions.get(jurisdiction))
        .filter_map(|pack| Some((pack, pack.age(packs.day(&pack.jurisdiction, act.date))?)))
        .collect();
    if aged.is_empty() {
        return verdict;
    }
    let limit = settings.max_pack_age_days;
    let too_old: Vec<(&PackVersion, u32)> = aged
        .iter()
        .copied()
        .filter(|(_, days)| limit.is_some_and(|limit| *days > limit))
        .collect();
    let hit = |outcome: Effect, says: String| RuleHit {
        id: PACK_AGE.to_owned(),
        title: "what nobody has looked up lately".to_owned(),
        citation: Vec::new(),
        outcome,
        review: None,
        says,
        verified: Verified::Ours.to_string(),
        certain: true,
    };
    match limit {
        Some(limit) if !too_old.is_empty() => {
            let says = format!(
                "{}; the organisation takes at most {limit}: check the packs against sources, or replace them",
                words(&too_old)
            );
            verdict.outcome = Outcome::NeedsReview;
            verdict.obligations.clear();
            verdict.deciding.push(hit(Effect::NeedsReview, says));
        }
        _ => {
            let says = format!(
                "{}: check that nothing has changed since, and record it",
                words(&aged)
            );
            verdict.obligations.push(RECHECK.to_owned());
            verdict.context.push(hit(Effect::Obligation, says));
        }
    }
    verdict
}

/// The same for a decision without words.
pub(crate) fn shorten(packs: &Packs, settings: &Settings, act: &Act, decision: &mut Decision<'_>) {
    if decision.outcome != Outcome::Allow {
        return;
    }
    let age = |jurisdiction: &str| {
        let pack = packs.versions.get(jurisdiction)?;
        pack.age(packs.day(jurisdiction, act.date))
    };
    let oldest = on(packs, settings, act.kind)
        .into_iter()
        .filter_map(age)
        .max();
    match (oldest, settings.max_pack_age_days) {
        (None, _) => {}
        (Some(days), Some(limit)) if days > limit => {
            decision.outcome = Outcome::NeedsReview;
            decision.obligations.clear();
            decision.deciding.push(Ruling {
                rule: PACK_AGE,
                effect: Effect::NeedsReview,
                certain: true,
            });
        }
        (Some(_), _) => decision.obligations.push(RECHECK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PackFile, cases, judge};

    fn ask(packs: &Packs, day: &str, limit: Option<u32>) -> ActVerdict {
        let text = format!(
            "[{{id: A, date: '{day}', act: export, from: US, to: SG, item: {{other: server}}, parties: [{{role: end_user, in: SG, hq: SG}}]}}]"
        );
        let case = cases::parse(&text).unwrap().remove(0);
        let settings = Settings {
            max_pack_age_days: limit,
            ..case.settings
        };
        judge(packs, &settings, &case.act.unwrap())
    }

    #[test]
    fn an_allow_past_the_horizon_says_how_old_the_packs_are() {
        let packs = Packs::builtin().unwrap();
        assert!(ask(&packs, "2026-07-31", Some(0)).obligations.is_empty());
        let first = ask(&packs, "2026-08-01", None);
        assert_eq!(first.obligations, [RECHECK]);
        let says = &first.context.last().unwrap().says;
        assert!(says.contains("us 2026.11."), "{says}");
        assert!(
            says.contains("checked up to 2026-07-31, 1 day before this act"),
            "{says}"
        );
        assert!(!says.contains("base"), "{says}");
        let late = ask(&packs, "2026-11-24", None);
        assert!(late.context.last().unwrap().says.contains("116 days"));
    }

    #[test]
    fn past_the_age_that_the_organisation_takes_it_is_a_review() {
        let packs = Packs::builtin().unwrap();
        let taken = ask(&packs, "2026-11-24", Some(116));
        assert_eq!(taken.outcome, Outcome::Allow);
        let refused = ask(&packs, "2026-11-24", Some(115));
        assert_eq!(refused.outcome, Outcome::NeedsReview);
        assert!(refused.obligations.is_empty());
        assert_eq!(refused.deciding[0].id, "base-pack-age");
        assert!(refused.deciding[0].says.contains("at most 115"));
    }

    #[test]
    fn only_packs_that_speak_of_the_act_and_are_on_count() {
        // Singapore alone is checked up to a later day, and a pack of its own without rules never counts.
        let files = [
            (
                "sg/jurisdiction.yaml",
                "name: Singapore\nversion: 9\nzone: Asia/Singapore\nverified_horizon: 2026-08-10\n",
            ),
            (
                "zz/jurisdiction.yaml",
                "name: Nowhere\nversion: 1\nzone: UTC\nverified_horizon: 2001-01-01\n",
            ),
        ];
        let files = files.map(|(path, text)| PackFile {
            path: path.to_owned(),
            text: text.to_owned(),
        });
        let packs = Packs::from_files(files.into()).unwrap();
        let says = ask(&packs, "2026-08-11", None).context.pop().unwrap().says;
        assert!(
            says.contains("sg 9: checked up to 2026-08-10, 1 day before"),
            "{says}"
        );
        assert!(says.contains("11 days before this act; sg 9"), "{says}");
        assert!(!says.contains("zz"), "{says}");
    }
}
