//! `causeway parties owners`: tree, verdicts, picture, record, cases.

use crate::home::Home;

const PARTIES: &str = "organisation: acme
parties:
  acme:
    name: Acme Research Pte. Ltd.
    headquarters: SG
    listed: none
    owners:
      - {party: harbour, share: {value: 40 %, by: ACRA, on: 2026-10-02}, claims: [{value: 45 %, by: annual report}]}
      - {party: hualing, share: 30 %, to: 2026-12-31}
      - {party: founders, count: {held: 1, of: 4}}
    owners_complete: true
  harbour:
    name: Harbour Fund LP
    headquarters: US
    incorporated: KY
    listed: none
    owners: [{party: public, share: 80 %}, {party: hualing, share: 20 %}]
    owners_complete: true
  hualing:
    name: 华岭 Holding <A&B>
    headquarters: CN
    listed: entity_list
    owners: [{party: state, share: 51 %}, {party: acme, share: 4 %}]
    owners_complete: true
  state: {name: A state investor, kind: state, headquarters: CN, listed: none}
  founders: {name: The founders, kind: person, headquarters: SG, listed: none}
  public: {name: Holders of the fund, kind: dispersed}
home: {country: SG}
";

fn home() -> Home {
    let home = Home::new();
    home.write("causeway.yaml", PARTIES);
    home
}

#[test]
fn owners_are_a_tree_and_verdicts_have_their_arithmetic() {
    let home = home();
    let owners = home.causeway(&["parties", "owners", "--as-of", "2026-11-24"]);
    assert_eq!(owners.code, Some(4), "{owners}");
    let trimmed: String = owners
        .stdout
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    insta::assert_snapshot!(trimmed);
}

#[test]
fn a_day_after_the_sale_is_another_answer() {
    let home = home();
    let run = |day: &str| {
        home.causeway(&["parties", "owners", "acme", "--as-of", day, "--json"])
            .json()
    };
    let because = |day: &str| run(day)["tests"][1]["because"].as_str().unwrap().to_owned();
    assert!(because("2026-12-31").starts_with("hualing (counts) 30 %"));
    assert!(!because("2027-01-01").contains("hualing"));
}

#[test]
fn a_party_that_is_clear_exits_with_0_and_one_that_is_not_there_is_named() {
    let home = home();
    let clear = home.causeway(&["parties", "owners", "founders"]);
    assert_eq!(clear.code, Some(0), "{clear}");
    let missing = home.causeway(&["parties", "owners", "hualin"]);
    assert_eq!(missing.code, Some(2), "{missing}");
    assert!(
        missing.stderr.contains("did you mean `hualing`?"),
        "{missing}"
    );
}

#[test]
fn the_picture_says_in_words_what_its_colours_say() {
    let home = home();
    let run = home.causeway(&["parties", "owners", "--svg", "acme.svg"]);
    assert_eq!(run.code, Some(4), "{run}");
    let picture = std::fs::read_to_string(home.path("acme.svg")).unwrap();
    for words in [
        "Holding &lt;A&amp;B&gt;",
        ">caught</text>",
        ">review</text>",
        ">clear</text>",
        ">40 % or 45 %</text>",
        ">1 of 4</text>",
        "prefers-color-scheme:dark",
    ] {
        assert!(picture.contains(words), "{words}");
    }
}

#[test]
fn a_record_is_redone_and_a_changed_one_is_found() {
    let home = home();
    let record = home.causeway(&["parties", "owners", "--json"]).stdout;
    home.write("record.json", &record);
    let held = home.causeway(&["parties", "owners", "--recheck", "record.json"]);
    assert_eq!(held.code, Some(0), "{held}");
    home.write(
        "record.json",
        &record.replacen("\"share\": \"30 %\"", "\"share\": \"3 %\"", 1),
    );
    let changed = home.causeway(&["parties", "owners", "--recheck", "record.json"]);
    assert_eq!(changed.code, Some(1), "{changed}");
    assert!(changed.stderr.contains("does not"), "{changed}");
    home.write("record.json", "{}");
    let none = home.causeway(&["parties", "owners", "--recheck", "record.json"]);
    assert_eq!(none.code, Some(2), "{none}");
}

#[test]
fn cases_pass_print_what_scorers_read_and_fail_with_reasons() {
    let home = home();
    let cases = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../causeway-parties/tests/data/ownership-cases.json"
    );
    let passed = home.causeway(&["parties", "owners", "--cases", cases]);
    assert_eq!(passed.code, Some(0), "{passed}");
    assert!(passed.stdout.ends_with("24 passed, 0 failed\n"), "{passed}");
    let score = home
        .causeway(&["parties", "owners", "--cases", cases, "--json"])
        .json();
    assert_eq!(score.as_object().unwrap().len(), 24);
    assert_eq!(score["v17"]["verdicts"]["ofac"]["B"], "caught");
    assert_eq!(score["v17"]["effective"]["X>B"], 0.375);
    assert_eq!(score["v12"]["bis_inherits"]["A"][1], "Y");
    let text = std::fs::read_to_string(cases).unwrap();
    home.write(
        "wrong.json",
        &text.replacen("\"B\": \"caught\"", "\"B\": \"clear\"", 1),
    );
    let failed = home.causeway(&["parties", "owners", "--cases", "wrong.json"]);
    assert_eq!(failed.code, Some(1), "{failed}");
    assert!(
        failed.stdout.contains(
            "ofac B: expected clear, got caught: A (owned) 50 %; 50 % or more is caught (round 2)"
        ),
        "{failed}"
    );
    home.write("bad.json", "{\"format\": \"other\",\n \"casess\": []}");
    let bad = home.causeway(&["parties", "owners", "--cases", "bad.json"]);
    assert_eq!(bad.code, Some(2), "{bad}");
    assert!(bad.stderr.contains("did you mean `cases`?"), "{bad}");
}
