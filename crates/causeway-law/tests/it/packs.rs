//! Packs: what is built in, what a user's folder does, what is refused, how fast a judgement is.

use std::collections::BTreeSet;

use causeway_law::{PackFile, Packs, Settings, cases, judge};

fn with(path: &str, text: &str) -> Result<Packs, String> {
    Packs::from_files(vec![PackFile {
        path: path.to_owned(),
        text: text.to_owned(),
    }])
    .map_err(|error| error.to_string())
}

const RULE: &str = r#"@id("own-1") @title("own rule") @status("in_force") @verified("ours") @outcome("prohibited")
forbid (principal, action == Action::"export", resource) when { context.to.contains("SG") };"#;

#[test]
fn a_folder_adds_and_replaces() {
    let builtin = Packs::builtin().unwrap();
    assert!(builtin.rules().count() > 50);
    let ids: Vec<&str> = builtin.rules().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    assert_eq!(builtin.horizon().to_string(), "2026-07-31");
    assert_eq!(Packs::builtin().unwrap().digest(), builtin.digest());
    let own = with("us/own.cedar", RULE).unwrap();
    assert_ne!(own.digest(), builtin.digest());
    assert!(own.rules().any(|rule| rule.id == "own-1"));
    let case = &cases::parse("[{id: A, date: '2026-11-24', act: export, from: US, to: SG, item: {chip: l20}, parties: [{role: end_user, in: SG, hq: SG}]}]").unwrap()[0];
    assert_eq!(cases::run(&builtin, case).outcome.word(), "allow");
    assert_eq!(cases::run(&own, case).outcome.word(), "prohibited");
    let without = with("sg/rules.cedar", "").unwrap();
    assert!(!without.rules().any(|rule| rule.id == "sg-sgca"));
}

#[test]
fn slips_in_packs_are_refused_with_the_place() {
    let refused = |text: &str| with("us/own.cedar", text).unwrap_err();
    assert!(refused("forbid (").contains("us/own.cedar"));
    assert!(refused(&RULE.replace("@title(\"own rule\")", "")).contains("needs `@title`"));
    assert!(
        refused(&RULE.replace("prohibited", "forbidden")).contains("`@outcome(\"forbidden\")`")
    );
    assert!(refused(&RULE.replace("@status", "@state")).contains("`@state`"));
    assert!(
        refused(&RULE.replace("context.to.", "context.tu.")).contains("us/own.cedar"),
        "an attribute that the schema lacks"
    );
    assert!(refused(&RULE.replace("\"SG\"", "\"D:7\"")).contains("`D:7`, which nothing can give"));
    assert!(
        refused(&RULE.replace(
            "context.to.contains(\"SG\")",
            "context.item.class.contains(\"3A090.z\")"
        ))
        .contains("3A090.z")
    );
    assert!(
        refused(&RULE.replace("@id", "@from(\"2026-02-01\") @to(\"2026-01-01\") @id"))
            .contains("ends before it begins")
    );
    assert!(
        with(
            "us/definitions-own.yaml",
            "items: [{class: x, is: {class: y}}]"
        )
        .unwrap_err()
        .contains("no item class `y`")
    );
    assert!(
        with("us/mystery.yaml", "a: 1")
            .unwrap_err()
            .contains("mystery")
    );
    assert!(
        with("us/jurisdiction.yaml", "name: US\nzone: Mars/Olympus")
            .unwrap_err()
            .contains("Mars/Olympus")
    );
}

#[test]
fn every_rule_file_is_built_in() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    // Replacing every built-in file by the folder's own gives the same digest only if both are the same set.
    let mut files = Vec::new();
    for jurisdiction in std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && !path.ends_with("cases"))
    {
        for path in std::fs::read_dir(&jurisdiction)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            let name = path
                .strip_prefix(&folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            files.push(PackFile {
                path: name,
                text: std::fs::read_to_string(&path).unwrap(),
            });
        }
    }
    assert!(files.len() > 20);
    assert_eq!(
        Packs::from_files(files).unwrap().digest(),
        Packs::builtin().unwrap().digest()
    );
}

#[test]
fn explanations_name_rule_citation_and_open_facts() {
    let packs = Packs::builtin().unwrap();
    let text = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/cases/visible.yaml"),
    )
    .unwrap();
    let all = cases::parse(&text).unwrap();
    let explain = |id: &str| {
        causeway_law::explain(
            &cases::verdict(&packs, all.iter().find(|case| case.id == id).unwrap()).unwrap(),
        )
    };
    let unknown_parent = explain("V22");
    assert!(unknown_parent.starts_with("export of 8 x H100 SXM5 80GB from US to MY on 2026-11-24\n├─ needs_review: a person must look"), "{unknown_parent}");
    assert!(unknown_parent.contains("us-acs-hq: parties headquartered in D:5 or Macau, license_required (turns on an open fact)"), "{unknown_parent}");
    assert!(
        unknown_parent.contains("15 CFR 744.23(a)(3)"),
        "{unknown_parent}"
    );
    assert!(unknown_parent.contains("open: end_user.parent (the ultimate parent of `end_user 2` is unknown: written `unknown` in the case)"), "{unknown_parent}");
    assert!(explain("V41").contains("dsp_audit"));
}

#[test]
fn a_judgement_is_quick() {
    let started = std::time::Instant::now();
    let packs = Packs::builtin().unwrap();
    let loaded = started.elapsed();
    let text = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/cases/visible.yaml"),
    )
    .unwrap();
    let all = cases::parse(&text).unwrap();
    let started = std::time::Instant::now();
    for case in &all {
        let _verdict = judge(&packs, &case.settings, case.act.as_ref().unwrap());
    }
    let each = started.elapsed() / u32::try_from(all.len()).unwrap();
    println!("packs loaded in {loaded:?}, {each:?} a judgement");
    // Far above what it takes, even unoptimised on a busy machine: a guard against a product that grows.
    assert!(each.as_millis() < 500, "{each:?}");
    let _ = Settings::default();
}
