//! What is known in a case: the facts that it writes, and the defaults of those that it does not.

use std::collections::BTreeMap;

use causeway_domain::yaml::{Content, Node};
use causeway_domain::{Country, Fact};
use serde_json::Value;

use super::read::{BY, Reader, WRITTEN, default, entries, text};
use crate::definitions::decimal;
use crate::{Act, FactValue, Role};

impl Reader<'_> {
    pub(super) fn facts(&mut self, node: &Node, act: &mut Act) {
        let mut facts: BTreeMap<String, Fact<FactValue>> = CASE_DEFAULTS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), default(FactValue::from(*value))))
            .collect();
        // True when the provider is in or headquartered in the US.
        let us = |fact: &Fact<Country>| fact.known().is_some_and(|country| country.code() == "US");
        let provider = act
            .parties
            .iter()
            .filter(|party| party.role == Role::Provider)
            .any(|party| {
                us(&party.located)
                    || act
                        .register
                        .get(&party.id)
                        .is_some_and(|known| us(&known.headquarters))
            });
        facts.insert(
            "provider_us_person".to_owned(),
            default(FactValue::Flag(provider)),
        );
        for name in UNKNOWN_BY_DEFAULT {
            facts.insert(name.to_owned(), Fact::unknown("not written in the case"));
        }
        for (key, value) in node.get("facts").map(entries).unwrap_or_default() {
            let fact = match (&value.content, text(value)) {
                (_, Some(word)) if word == "unknown" => Fact::unknown(WRITTEN),
                (Content::Map(classes), _) => {
                    let counts: BTreeMap<String, Fact<u64>> = classes
                        .iter()
                        .map(|(class, count)| {
                            (
                                class.text.clone(),
                                self.persons(&format!("{}.{}", key.text, class.text), count),
                            )
                        })
                        .collect();
                    if counts.values().all(Fact::is_known) {
                        let known = counts
                            .iter()
                            .filter_map(|(class, count)| Some((class.clone(), *count.known()?)))
                            .collect();
                        Fact::stated(FactValue::Persons(known), BY)
                    } else {
                        Fact::unknown(WRITTEN)
                    }
                }
                (Content::Scalar(number @ Value::Number(_)), _) => match decimal(number) {
                    Some(number) => Fact::stated(FactValue::Number(number), BY),
                    None => Fact::unknown("not a number"),
                },
                (_, Some(word)) => Fact::stated(FactValue::from(yes_or_no(&key.text, &word)), BY),
                (_, None) => {
                    self.odd(format!("facts.{}", key.text));
                    Fact::unknown("neither a word nor a number")
                }
            };
            facts.insert(key.text.clone(), fact);
        }
        act.facts = facts;
    }
}

/// `is_informed: no` is a word of the vocabulary, and `true` and `false` mean the same.
fn yes_or_no<'a>(name: &str, word: &'a str) -> &'a str {
    match (name, word) {
        ("is_informed", "true") => "yes",
        ("is_informed", "false") => "no",
        _ => word,
    }
}

/// Facts that a case file need not write (the facts table of the case format).
const CASE_DEFAULTS: [(&str, &str); 21] = [
    ("end_use", "civil"),
    ("red_flags", "none"),
    ("kyc", "complete"),
    ("is_informed", "no"),
    ("export_planned", "false"),
    ("chips_licence", "shown"),
    ("supplier_authorisation", "absent"),
    ("jan2026_certifications", "absent"),
    ("restricted_activity", "none"),
    ("relation", "vendor"),
    ("data_compliance_programme", "in_place"),
    ("designated", "false"),
    ("prior_12_months", "none"),
    ("scc", "none"),
    ("encrypted", "false"),
    ("deidentified", "false"),
    ("collected_abroad", "false"),
    ("genai_filing", "absent"),
    ("foundry_presumption", "none"),
    ("site_fp64_pflops", "0"),
    ("site_fp32_pflops", "0"),
];

/// Facts that are unknown in a case file that does not write them.
const UNKNOWN_BY_DEFAULT: [&str; 9] = [
    "china_share_of_us_shipments",
    "cisa_security_requirements",
    "onward_clause",
    "dpf",
    "tia",
    "domestic_added",
    "chips_received",
    "memory_bandwidth_density",
    "site_volume_cubic_feet",
];
