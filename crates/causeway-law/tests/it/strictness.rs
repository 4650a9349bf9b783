//! A stricter pack never loosens a verdict: a rule more, an exception less, a threshold lower.

use std::sync::LazyLock;

use causeway_law::{Decision, Outcome, PackFile, Packs, Settings, decide};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::acts::{PACKS, acts, hide};

fn text(path: &str) -> String {
    let rules = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    std::fs::read_to_string(rules.join(path)).unwrap()
}

fn with(path: &str, text: String) -> Packs {
    Packs::from_files(vec![PackFile {
        path: path.to_owned(),
        text,
    }])
    .unwrap()
}

/// Takes every exception of every rule of a file away.
fn without_exceptions(text: &str) -> String {
    let text: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut parts = text.split("\nunless {");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| {
        kept + part.split_once('}').map_or("", |(_, rest)| rest)
    })
}

/// What was made stricter, and the packs.
static STRICTER: LazyLock<Vec<(&str, Packs)>> = LazyLock::new(|| {
    let rule = |id: &str, outcome: &str, body: &str| {
        format!(
            "@id(\"{id}\") @title(\"x\") @status(\"in_force\") @verified(\"ours\") @outcome(\"{outcome}\")\nforbid (principal, action, resource)\n{body};\n"
        )
    };
    let added = rule(
        "own-1",
        "prohibited",
        r#"when { context.to.containsAny(["SG", "D:1"]) && context.any.class.contains("US person") } unless { context.authorisations.contains("NAC") }"#,
    ) + &rule(
        "own-2",
        "license_required",
        r#"when { !context.any.parent.containsAny(["A:5", "US"]) && context.facts.end_use != "civil" }"#,
    ) + &rule(
        "own-3",
        "needs_review",
        r#"when { context.recipient.listed.containsAny(["meu", "tw_shtc"]) || context.facts.red_flags == "open" }"#,
    );
    let chips = without_exceptions(&text("us/chips.cedar"));
    let parties = without_exceptions(&text("us/parties.cedar"));
    let data = without_exceptions(&text("us/data.cedar"));
    assert!(chips.len() < text("us/chips.cedar").len());
    let definitions = text("us/definitions.yaml");
    let line = "- {measure: tpp, ge: 4800}";
    // The limbs that stand alone; the lower tier's ceiling stays where it is.
    let lower = definitions.replacen(line, "- {measure: tpp, ge: 900}", 2);
    assert_ne!(lower, definitions);
    let fewer = definitions
        .replace("us_human_genomic: 100", "us_human_genomic: 10")
        .replace("us_personal_health: 10000", "us_personal_health: 100");
    assert_ne!(fewer, definitions);
    vec![
        ("three rules more", with("us/own.cedar", added)),
        ("chips without exceptions", with("us/chips.cedar", chips)),
        (
            "parties without exceptions",
            with("us/parties.cedar", parties),
        ),
        ("data without exceptions", with("us/data.cedar", data)),
        (
            "a lower threshold of chips",
            with("us/definitions.yaml", lower),
        ),
        ("lower lines of persons", with("us/definitions.yaml", fewer)),
    ]
});

fn ids<'d>(decision: &'d Decision<'_>) -> Vec<&'d str> {
    decision.deciding.iter().map(|ruling| ruling.rule).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn a_stricter_pack_never_loosens(act in acts(), which in any::<Index>()) {
        let settings = Settings::default();
        for act in [&act, &hide(&act, which)] {
            let now = decide(&PACKS, &settings, act);
            for (what, packs) in STRICTER.iter() {
                let stricter = decide(packs, &settings, act);
                prop_assert!(
                    stricter.outcome >= now.outcome,
                    "{}: {} by {:?} became {} by {:?}", what, now.outcome, ids(&now), stricter.outcome, ids(&stricter)
                );
                if stricter.outcome == Outcome::Allow {
                    for obligation in &now.obligations {
                        prop_assert!(stricter.obligations.contains(obligation), "{what}: {obligation} is gone");
                    }
                }
            }
        }
    }
}
