//! What the checks take from the rule packs that were loaded: thresholds of training compute, and the countries of group
//! D:5.

use std::collections::BTreeSet;

use causeway_domain::{Country, Date, Fact};
use causeway_law::Packs;
use causeway_parties::kyc::records::Trigger;

/// Thresholds of training compute in the definitions of the rule packs. None is written in this program.
#[must_use]
pub fn triggers(packs: &Packs) -> Vec<Trigger> {
    packs
        .item_thresholds("train_ops")
        .into_iter()
        .filter_map(|threshold| {
            let inclusive = match threshold.comparison {
                ">=" => true,
                ">" => false,
                // What lies below a line is not reached from below.
                _ => return None,
            };
            let jurisdiction = threshold.file.split('/').next().unwrap_or_default();
            Some(Trigger {
                rule: format!("{jurisdiction}: {}", threshold.class),
                operations: threshold.value,
                inclusive,
                from: threshold.from,
                to: threshold.to,
            })
        })
        .collect()
}

/// Countries of group D:5 on a day, and Macau. A country of which the packs are not sure counts as one: it gives a question.
pub(super) fn embargoed(packs: &Packs, day: Date) -> Fact<BTreeSet<Country>> {
    let mut group = packs.countries_of("D:5", day);
    if group.is_empty() {
        return Fact::unknown("the rule packs have no country group D:5");
    }
    group.extend("MO".parse::<Country>());
    Fact::stated(
        group,
        format!(
            "the rule packs {}, country group D:5",
            packs.digest().short()
        ),
    )
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    fn said(packs: &Packs) -> Vec<String> {
        triggers(packs)
            .iter()
            .map(|one| {
                let sign = if one.inclusive { "from" } else { "over" };
                let number = causeway_parties::kyc::scientific(one.operations);
                format!("{} {sign} {number}", one.rule)
            })
            .collect()
    }

    #[test]
    fn thresholds_are_those_of_the_packs() {
        let packs = Packs::builtin().unwrap();
        let found = said(&packs);
        for one in [
            "eu: EU systemic-risk model over 1e25",
            "us: 4E091 weights from 1e26",
        ] {
            assert!(found.iter().any(|found| found == one), "{found:?}");
        }
    }

    /// Of any jurisdiction, in any file of definitions that packs are loaded from.
    #[test]
    fn a_folder_of_ones_own_adds_a_threshold() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir(path.join("sg")).unwrap();
        fs_err::write(
            path.join("sg/definitions-compute.yaml"),
            "items: [{class: large model, from: 2026-01-01, is: {any: [{measure: train_ops, ge: 5e24}, {measure: train_ops, lt: 1}]}}]\n",
        )
        .unwrap();
        let packs = crate::packs(Some(path)).unwrap();
        let own: Vec<Trigger> = triggers(&packs)
            .into_iter()
            .filter(|one| one.rule.starts_with("sg"))
            .collect();
        assert_eq!(own.len(), 1, "{own:?}");
        assert_eq!(own[0].rule, "sg: large model");
        assert!(own[0].inclusive);
        assert_eq!(own[0].from, Some("2026-01-01".parse().unwrap()));
        assert!(said(&packs).len() > 2, "the built-in ones stay");
    }

    #[test]
    fn the_group_is_that_of_the_day() {
        let packs = Packs::builtin().unwrap();
        let on = |day: &str| {
            embargoed(&packs, day.parse().unwrap())
                .known()
                .cloned()
                .unwrap()
        };
        let has = |day: &str, code: &str| on(day).contains(&code.parse().unwrap());
        assert!(has("2026-11-24", "CN") && has("2026-11-24", "MO") && has("2026-11-24", "HK"));
        assert!(!has("2026-11-24", "SG"));
        assert!(!has("2020-12-22", "HK"));
        // Dropped by the State Department on 2025-11-07, in the table of the export rules on 2026-02-03.
        assert!(has("2025-06-01", "KH"));
        assert!(!has("2026-11-24", "KH"));
    }
}
