//! The rule packs, as `causeway rules` shows and checks them.

use crate::home::Home;

/// A text without what changes with every edit of a pack: hashes, versions and lines.
fn still(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line: Vec<String> = line
            .split(' ')
            .map(|word| {
                let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric());
                if bare.len() == 12 && bare.chars().all(|letter| letter.is_ascii_hexdigit()) {
                    return word.replace(bare, "HASH");
                }
                let numbers: Vec<&str> = bare.split('.').collect();
                if numbers.len() == 3 && numbers.iter().all(|part| part.parse::<u16>().is_ok()) {
                    return word.replace(bare, "VERSION");
                }
                match word
                    .split_once(".cedar:")
                    .map(|(file, rest)| (file, ".cedar", rest))
                    .or_else(|| {
                        word.split_once(".yaml:")
                            .map(|(file, rest)| (file, ".yaml", rest))
                    }) {
                    Some((file, ending, rest)) => {
                        let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
                        format!("{file}{ending}:N{rest}")
                    }
                    None => word.to_owned(),
                }
            })
            .collect();
        out.push_str(line.join(" ").trim_end());
        out.push('\n');
    }
    out
}

#[test]
fn a_rule_is_shown_with_numbers_dates_and_what_satisfies_it() {
    let home = Home::new();
    let show = home.causeway(&[
        "rules",
        "show",
        "us-diffusion-chips",
        "--as-of",
        "2025-02-01",
    ]);
    assert_eq!(show.code, Some(0), "{show}");
    insta::assert_snapshot!("a_rule_in_full", still(&show.stdout));
    let show = home.causeway(&[
        "rules",
        "show",
        "us-acs-3a090b",
        "--as-of",
        "2026-11-24",
        "--json",
    ]);
    let json = show.json();
    assert_eq!(json["standing"], "applies");
    assert_eq!(json["verified"], "part seen, part from memory");
    assert_eq!(json["version"]["jurisdiction"], "us");
    let numbers: Vec<&str> = json["thresholds"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["class"] == "3A090.b" && one["measure"] == "tpp")
        .map(|one| one["value"].as_str().unwrap())
        .collect();
    assert_eq!(numbers, ["4800", "1600", "2400"]);
    let near = home.causeway(&["rules", "show", "us-acs-hp"]);
    assert_eq!(near.code, Some(2));
    assert!(near.stderr.contains("did you mean `us-acs-hq`?"), "{near}");
}

#[test]
fn a_list_is_of_a_day_and_a_jurisdiction_and_names_each_packs_version() {
    let home = Home::new();
    let list = home.causeway(&[
        "rules",
        "list",
        "--jurisdiction",
        "MY",
        "--as-of",
        "2026-11-24",
    ]);
    assert_eq!(list.code, Some(0), "{list}");
    insta::assert_snapshot!("the_rules_of_a_jurisdiction", still(&list.stdout));
    let ids = |words: &[&str]| {
        let json = home.causeway(words).json();
        let ids: Vec<String> = json["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["id"].as_str().unwrap().to_owned())
            .collect();
        ids
    };
    let early = ids(&["rules", "list", "--as-of", "2023-11-16", "--json"]);
    let late = ids(&["rules", "list", "--as-of", "2023-11-17", "--json"]);
    assert!(early.contains(&"us-acs-2022".to_owned()) && !early.contains(&"us-acs-hq".to_owned()));
    assert!(!late.contains(&"us-acs-2022".to_owned()) && late.contains(&"us-acs-hq".to_owned()));
    let nowhere = home.causeway(&["rules", "list", "--jurisdiction", "uz"]);
    assert_eq!(nowhere.code, Some(2));
    assert!(
        nowhere.stderr.contains("there is no jurisdiction `uz`"),
        "{nowhere}"
    );
}

#[test]
fn a_check_points_at_every_slip() {
    let home = Home::new();
    home.write(
        "own/us/own.cedar",
        "@id(\"own-1\") @title(\"t\") @status(\"in_force\") @verified(\"ours\") @outcome(\"prohibit\")\nforbid (principal, action, resource)\nwhen { context.to.contains(\"D:7\") };\n",
    );
    home.write(
        "own/us/definitions-own.yaml",
        "items:\n- {class: idle, is: {measure: tpq, ge: 1}}\n",
    );
    let check = home.causeway(&["rules", "check", "own"]);
    assert_eq!(check.code, Some(2), "{check}");
    insta::assert_snapshot!("a_check_of_packs", check.stderr);
    let json = home.causeway(&["rules", "check", "own", "--json"]);
    assert_eq!(json.code, Some(2), "{json}");
    let problems = json.json()["problems"].as_array().unwrap().clone();
    assert_eq!(problems.len(), 4);
    assert_eq!(problems[0]["file"], "own/us/definitions-own.yaml");
    // The same folder is refused, with the same places, where it would be judged by.
    let list = home.causeway(&["rules", "list", "--rules", "own"]);
    assert_eq!(list.code, Some(2), "{list}");
    assert!(list.stderr.contains("own/us/own.cedar:3:"), "{list}");
    home.write("own/us/own.cedar", "");
    home.write("own/us/definitions-own.yaml", "items: []\n");
    let clean = home.causeway(&["rules", "check", "own"]);
    assert_eq!(clean.code, Some(0), "{clean}");
    assert_eq!(clean.stdout, "own: nothing is wrong\n");
}

#[test]
fn an_allow_past_the_age_that_the_organisation_takes_is_a_review() {
    let home = Home::new();
    let plan = home.causeway(&["explain", "task.yaml", "--as-of", "2026-11-24"]);
    assert_eq!(plan.code, Some(0), "{plan}");
    assert!(plan.stdout.contains("recheck_packs"), "{plan}");
    assert!(plan.stdout.contains("116 days before this act"), "{plan}");
    let text = std::fs::read_to_string(home.path("causeway.yaml")).unwrap();
    home.write(
        "causeway.yaml",
        &format!("{text}\nlaw: {{max_pack_age_days: 90}}\n"),
    );
    let plan = home.causeway(&["explain", "task.yaml", "--as-of", "2026-11-24"]);
    assert_eq!(plan.code, Some(4), "{plan}");
    assert!(
        plan.stdout.contains("the organisation takes at most 90"),
        "{plan}"
    );
    let plan = home.causeway(&["explain", "task.yaml", "--as-of", "2026-10-29"]);
    assert_eq!(plan.code, Some(0), "{plan}");
}
