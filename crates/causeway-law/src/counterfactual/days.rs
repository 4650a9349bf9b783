//! The days on which the law reads otherwise than the day before.

use std::collections::BTreeSet;

use causeway_domain::Date;

use crate::{ActKind, Packs};

impl Packs {
    /// Every day on which a policy for such acts, a definition, a group or an authorisation begins or has ended: between two
    /// of them the law reads the same.
    #[must_use]
    pub fn turning_days(&self, kinds: &BTreeSet<ActKind>) -> BTreeSet<Date> {
        let mut days = self.groups.days();
        let ended = |to: Option<Date>| to.and_then(|to| to.tomorrow().ok());
        for rule in self
            .rules
            .iter()
            .filter(|rule| !rule.kinds.is_disjoint(kinds))
        {
            days.extend(rule.info.from);
            days.extend(ended(rule.info.to));
            days.extend(rule.compliance_from);
        }
        for definition in self
            .definitions
            .items
            .values()
            .chain(self.definitions.parties.values())
            .flatten()
        {
            days.extend(definition.from);
            days.extend(ended(definition.to));
        }
        for authorisation in self.vocabulary.authorisations.values() {
            let (from, to) = authorisation.days();
            days.extend(from);
            days.extend(ended(to));
        }
        days
    }
}

/// The days nearest to `day` on which the answer can be another one, later ones first: the first day of each later reading
/// of the law and the last day of each earlier one, at most `most` of each and none before `not_before`.
pub(super) fn other_days(
    packs: &Packs,
    kinds: &BTreeSet<ActKind>,
    day: Date,
    not_before: Option<Date>,
    most: usize,
) -> Vec<Date> {
    let turning = packs.turning_days(kinds);
    let later = turning
        .iter()
        .copied()
        .filter(|turn| *turn > day)
        .take(most);
    let earlier = turning
        .iter()
        .rev()
        .filter(|turn| **turn <= day)
        .filter_map(|turn| turn.yesterday().ok())
        .filter(|before| not_before.is_none_or(|first| *before >= first))
        .take(most);
    later
        .chain(earlier)
        .filter(|other| not_before.is_none_or(|first| *other >= first))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_days_on_both_sides() {
        let packs = Packs::builtin().unwrap();
        let kinds = BTreeSet::from([ActKind::Export]);
        let day: Date = "2023-11-17".parse().unwrap();
        let days = other_days(&packs, &kinds, day, None, 3);
        assert!(
            days.contains(&"2023-11-16".parse().unwrap()),
            "the last day of the rule of 2022: {days:?}"
        );
        assert!(days.iter().any(|other| *other > day));
        assert!(days.len() <= 6);
        let from_today = other_days(&packs, &kinds, day, Some(day), 3);
        assert!(from_today.iter().all(|other| *other > day));
    }
}
