//! The packs against the law facts that they are built from (`rules/facts`): neither moves without the other.

use std::collections::{BTreeMap, BTreeSet};

use causeway_law::{ActKind, Effect, Packs, RuleDetail, Status, cases};
use rust_decimal::Decimal;
use serde_json::Value;

fn facts(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../rules/facts")
        .join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Rules of the packs that the facts do not have.
const OURS: &[&str] = &["base-halves", "base-parties", "us-wmd-end-use"];

/// Where a rule of the packs is another than the facts' word for it, and why. One that is not needed fails too.
const OTHERWISE: &[(&str, &str, &str)] = &[
    (
        "us-jan2026-review",
        "outcome",
        "changes the review, never the licence need (its note)",
    ),
    (
        "us-jan2026-review",
        "acts",
        "not for re-exports (its scope)",
    ),
    (
        "us-train-guidance-2025",
        "outcome",
        "guidance adds no licence: without a US person it is needs_review (note of us-744-6-support)",
    ),
    (
        "sg-sgca",
        "outcome",
        "3A090 as such is not in Singapore's list (its note): told, decides nothing",
    ),
    (
        "eu-dualuse",
        "outcome",
        "Annex I does not carry 3A090; whether the new entry does: needs_review (its note)",
    ),
    (
        "us-dsp-covered-person",
        "outcome",
        "who receives bulk data must be named before anything can be computed",
    ),
];

fn word<'a>(rule: &'a Value, key: &str) -> &'a str {
    rule.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_alphanumeric() && !".%§&".contains(letter))
        .map(|word| word.trim_matches('.').to_owned())
        // `same`: as the rule before, which the pack writes out.
        .filter(|word| !word.is_empty() && word != "same")
        .collect()
}

/// Whether what the policies of a rule do fits the facts' word for its outcome.
fn fits(outcome: &str, rule: &RuleDetail) -> bool {
    let effects: BTreeSet<Effect> = rule.parts.iter().map(|part| part.outcome).collect();
    let has = |effect| effects.contains(&effect);
    let nothing_decides = effects.iter().all(|effect| *effect < Effect::NeedsReview);
    match outcome {
        "prohibited" => has(Effect::Prohibited),
        "license_required" => has(Effect::LicenseRequired),
        // The letters: a licence for the addressee, a review where nobody knows whether there was one.
        "needs_review" => has(Effect::NeedsReview) || has(Effect::LicenseRequired),
        "flag" => matches!(
            rule.info.status,
            Status::OnBooksNotEnforced | Status::Suspended
        ),
        "obligation" => nothing_decides || has(Effect::Obligation),
        "allow_with_obligations" => {
            nothing_decides || has(Effect::Obligation) || has(Effect::Prohibited)
        }
        "allow" | "data" | "satisfies" | "subject_to_ear" => nothing_decides,
        "hypothetical" => rule.info.pack.as_str() != "default",
        // A word that is new here fits nothing.
        _ => false,
    }
}

/// The facts' names of measures in the words of the case format. `None`: no number, but an attribute of policies.
fn measure(name: &str) -> Option<&str> {
    Some(match name {
        "human_genomic" => "us_human_genomic",
        "human_omic_other" => "us_human_omic",
        "biometric" => "us_biometric",
        "precise_geolocation" => "us_precise_geolocation",
        "personal_health" => "us_personal_health",
        "personal_financial" => "us_personal_financial",
        "covered_personal_identifiers" => "us_covered_identifiers",
        "records" => "us_government_related",
        "persons_since_jan1" => "cn_ordinary",
        "sensitive_persons_since_jan1" => "cn_sensitive",
        "fp64" => "site_fp64_pflops",
        "fp32" => "site_fp32_pflops",
        "volume" => "site_volume_cubic_feet",
        "important_data" | "ciio_personal_info" | "combined" => return None,
        same => same,
    })
}

fn sign(op: &str) -> &str {
    match op {
        "ge" => ">=",
        "gt" => ">",
        "le" => "<=",
        "lt" => "<",
        "eq" => "=",
        other => other,
    }
}

fn number(value: &Value) -> Decimal {
    let text = value.to_string();
    text.parse()
        .or_else(|_| Decimal::from_scientific(&text.replace("e+", "e")))
        .unwrap()
        .normalize()
}

/// Every threshold of a rule, those inside `any_of` too.
fn thresholds(rule: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    for entry in rule["thresholds"].as_array().unwrap() {
        match entry.get("any_of").and_then(Value::as_array) {
            Some(groups) => all.extend(
                groups
                    .iter()
                    .flat_map(|group| group.as_array().unwrap().clone()),
            ),
            None => all.push(entry.clone()),
        }
    }
    all
}

#[test]
fn every_rule_of_the_facts_is_in_the_packs_as_the_facts_say() {
    let packs = Packs::builtin().unwrap();
    let facts = facts("rules.json");
    let rules = facts.as_array().unwrap();
    assert_eq!(rules.len(), 68);
    let mut differs: Vec<String> = Vec::new();
    let mut otherwise: BTreeSet<(&str, &str)> =
        OTHERWISE.iter().map(|(id, what, _)| (*id, *what)).collect();
    for rule in rules {
        let id = word(rule, "id");
        let Some(detail) = packs.detail(id) else {
            differs.push(format!("{id} is missing"));
            continue;
        };
        let info = &detail.info;
        let mut unlike = |what: &'static str, is: bool, says: String| {
            if !is {
                otherwise.remove(&(id, what));
            }
            if !is
                && !OTHERWISE
                    .iter()
                    .any(|(other, known, _)| (*other, *known) == (id, what))
            {
                differs.push(format!("{id}, {what}: {says}"));
            }
        };
        let same =
            |fact: &str, pack: &str| (fact == pack, format!("`{pack}`, the facts say `{fact}`"));
        let day =
            |day: Option<causeway_domain::Date>| day.map(|day| day.to_string()).unwrap_or_default();
        for (what, fact, pack) in [
            (
                "status",
                word(rule, "status"),
                info.status.word().to_owned(),
            ),
            ("from", word(rule, "effective_from"), day(info.from)),
            ("to", word(rule, "effective_to"), day(info.to)),
            (
                "compliance_from",
                word(rule, "compliance_from"),
                day(info.compliance_from),
            ),
            ("kind", word(rule, "kind"), info.kind.clone()),
            ("controls", word(rule, "controls"), info.controls.clone()),
            ("actor_must", word(rule, "actor_must"), info.must.clone()),
            ("note", word(rule, "note"), info.note.clone()),
            (
                "jurisdiction",
                &word(rule, "jurisdiction").to_lowercase(),
                info.jurisdiction.clone(),
            ),
            (
                "verified",
                match word(rule, "verified") {
                    "from memory, unverified" => "memory",
                    seen => seen,
                },
                info.verified.to_string(),
            ),
        ] {
            let (is, says) = same(fact, &pack);
            unlike(what, is, says);
        }
        let cited: Vec<&str> = rule["citation"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let missing: Vec<String> = words(&cited.join(" "))
            .difference(&words(&info.citation.join(" ")))
            .cloned()
            .collect();
        unlike(
            "citation",
            missing.is_empty(),
            format!("lacks {}", missing.join(" ")),
        );
        let exceptions: Vec<&str> = rule["exceptions"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        unlike(
            "exceptions",
            exceptions.join("; ") == info.exceptions.join("; "),
            info.exceptions.join("; "),
        );
        unlike(
            "outcome",
            fits(word(rule, "outcome_when_met"), &detail),
            format!(
                "{:?}, the facts say `{}`",
                detail
                    .parts
                    .iter()
                    .map(|part| part.outcome.word())
                    .collect::<Vec<_>>(),
                word(rule, "outcome_when_met")
            ),
        );
        // Acts: every one of the facts; `*` is all.
        let covered: BTreeSet<ActKind> = detail
            .parts
            .iter()
            .flat_map(|part| part.acts.iter().copied())
            .collect();
        let named: Vec<&str> = rule["acts"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let asked: BTreeSet<ActKind> = if named == ["*"] {
            ActKind::ALL.iter().copied().collect()
        } else {
            named.iter().map(|act| act.parse().unwrap()).collect()
        };
        let missing: Vec<&str> = asked.difference(&covered).map(|act| act.word()).collect();
        unlike(
            "acts",
            missing.is_empty(),
            format!("lacks {}", missing.join(", ")),
        );
        let obligations: BTreeSet<&str> = rule
            .get("obligations")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let given: BTreeSet<&str> = detail.obligations.iter().map(String::as_str).collect();
        unlike("obligations", obligations == given, format!("{given:?}"));
        if let Some(fact) = rule.get("authorisation").and_then(Value::as_str) {
            let known: BTreeSet<&str> = detail
                .authorisations
                .iter()
                .map(|held| held.name.as_str())
                .chain(info.authorisation.as_deref())
                .collect();
            unlike(
                "authorisation",
                fact.split(" or ").all(|name| known.contains(name)),
                format!("{known:?}"),
            );
        }
        // Numbers: where they decide, in a definition; where they don't, told.
        let told = word(rule, "thresholds_mode") == "info" || id == "us-nac";
        for threshold in thresholds(rule) {
            let (name, op, value) = (
                word(&threshold, "measure"),
                sign(word(&threshold, "op")),
                &threshold["value"],
            );
            if told {
                let unit = word(&threshold, "unit");
                let text = format!("{name} {op} {} {unit}", number(value));
                unlike(
                    "thresholds",
                    info.figures.contains(&text),
                    format!("`{text}` is not told"),
                );
            } else if let Some(measure) = measure(name) {
                let found = detail.thresholds.iter().any(|one| {
                    (one.measure.as_str(), one.comparison, one.value.normalize())
                        == (measure, op, number(value))
                });
                unlike(
                    "thresholds",
                    found,
                    format!("{measure} {op} {value} is compared nowhere"),
                );
            }
        }
    }
    let known: BTreeSet<&str> = rules
        .iter()
        .map(|rule| word(rule, "id"))
        .chain(OURS.iter().copied())
        .collect();
    for rule in packs
        .rules()
        .filter(|rule| !known.contains(rule.id.as_str()))
    {
        differs.push(format!(
            "{} is neither in the facts nor among ours",
            rule.id
        ));
    }
    differs.extend(
        otherwise
            .iter()
            .map(|(id, what)| format!("{id}, {what}: no longer otherwise")),
    );
    assert!(differs.is_empty(), "{}", differs.join("\n"));
}

#[test]
fn vocabulary_and_groups_are_those_of_the_facts() {
    let rules = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    // Groups: every member and every dated row; ours may add groups, and read an alias from its day on.
    let facts_of = facts("country_groups.json");
    let ours: Value = serde_json::from_str(
        &std::fs::read_to_string(rules.join("us/country_groups.json")).unwrap(),
    )
    .unwrap();
    for (group, members) in facts_of["groups"].as_object().unwrap() {
        assert_eq!(&ours["groups"][group], members, "{group}");
    }
    assert_eq!(ours["dated"], facts_of["dated"]);
    // Words: a case that uses each value of each fact names nothing that is unknown.
    let vocabulary = facts("vocabulary.json");
    let packs = Packs::builtin().unwrap();
    let mut asked = 0;
    for fact in vocabulary["facts"].as_array().unwrap() {
        for name in word(fact, "name").split(", ") {
            for value in word(fact, "values").split(", ") {
                let value = match value {
                    "date" => "'2025-01-01'",
                    "0 to 1" => "0.5",
                    other if other.starts_with("persons per class") => "{us_biometric: 5}",
                    other if other.contains(' ') || other.starts_with("same") => continue,
                    "yes" => "'yes'",
                    "no" => "'no'",
                    other => other,
                };
                let text = format!(
                    "[{{id: A, date: '2026-11-24', act: rent_iaas, to: SG, item: {{chip: l4}}, parties: [{{role: provider, in: SG, hq: SG}}, {{role: customer, in: SG, hq: SG}}], facts: {{{name}: {value}}}}}]"
                );
                let case = cases::parse(&text).unwrap().remove(0);
                let verdict = cases::verdict(&packs, &case).unwrap();
                assert!(
                    verdict.open_facts.iter().all(|open| open.fact != name
                        || !open.why.contains("not a value") && !open.why.contains("no such")),
                    "{name}: {value}: {:?}",
                    verdict.open_facts
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 70, "{asked}");
    // Authorisations: each satisfies every rule that the facts name for it.
    let matches = |pattern: &str, id: &str| match pattern.split_once('*') {
        Some((start, _)) => id.starts_with(start),
        None => pattern == id,
    };
    let looked_for: BTreeMap<String, BTreeSet<String>> = packs
        .rules()
        .filter_map(|rule| packs.detail(&rule.id))
        .map(|rule| {
            (
                rule.info.id.clone(),
                rule.authorisations
                    .iter()
                    .map(|held| held.name.clone())
                    .collect(),
            )
        })
        .collect();
    for entry in vocabulary["authorisations"].as_array().unwrap() {
        let says = word(entry, "satisfies").replace(['(', ')'], " ");
        let patterns: Vec<&str> = says
            .split([' ', ',', ';'])
            .filter(|word| {
                word.contains('-') && word.starts_with(|letter: char| letter.is_ascii_lowercase())
            })
            .collect();
        assert!(!patterns.is_empty(), "{says}");
        for name in entry["names"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
        {
            for pattern in patterns.iter().filter(|pattern| {
                !says.contains(&format!("limits of {pattern}"))
                    && !says.contains(&format!("never {pattern}"))
            }) {
                let rules: Vec<&String> = looked_for
                    .keys()
                    .filter(|id| matches(pattern, id))
                    .collect();
                assert!(!rules.is_empty(), "{pattern}");
                // A rule that asks for nothing has nothing to satisfy: the flag of a suspension, an exception.
                let lacking: Vec<&&String> = rules
                    .iter()
                    .filter(|id| !looked_for[**id].contains(name))
                    .collect();
                assert!(lacking.is_empty(), "{name} does not satisfy {lacking:?}");
            }
        }
    }
}

#[test]
fn every_rule_of_the_facts_has_cases_in_which_it_speaks_and_in_which_it_does_not() {
    let packs = Packs::builtin().unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/cases");
    let covers: BTreeMap<String, BTreeSet<ActKind>> = packs
        .rules()
        .filter_map(|rule| packs.detail(&rule.id))
        .map(|rule| {
            (
                rule.info.id.clone(),
                rule.parts
                    .iter()
                    .flat_map(|part| part.acts.iter().copied())
                    .collect(),
            )
        })
        .collect();
    let mut spoke: BTreeMap<String, usize> = BTreeMap::new();
    let mut silent: BTreeMap<String, usize> = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for case in cases::parse(&text).unwrap() {
            let Some(kind) = case.act.as_ref().map(|act| act.kind) else {
                continue;
            };
            let named = cases::run(&packs, &case).rules;
            for (id, covers) in &covers {
                if named.contains(id) {
                    *spoke.entry(id.clone()).or_default() += 1;
                } else if covers.contains(&kind) {
                    *silent.entry(id.clone()).or_default() += 1;
                }
            }
        }
    }
    let lacking: Vec<String> = packs
        .rules()
        .filter(|rule| !spoke.contains_key(&rule.id) || !silent.contains_key(&rule.id))
        .map(|rule| {
            format!(
                "{}: {} / {}",
                rule.id,
                spoke.get(&rule.id).unwrap_or(&0),
                silent.get(&rule.id).unwrap_or(&0)
            )
        })
        .collect();
    assert!(
        lacking.is_empty(),
        "speaks / is silent\n{}",
        lacking.join("\n")
    );
}
