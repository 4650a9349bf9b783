//! Importing screening lists: what is printed, what is kept, and that a bad file changes nothing.

use crate::home::Home;

fn sample(name: &str) -> String {
    format!(
        "{}/../causeway-parties/tests/data/lists/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

const NOW: [&str; 2] = ["--timestamp", "2026-11-24T12:00:00Z"];

fn parties(home: &Home, words: &[&str]) -> crate::home::Run {
    home.causeway(&[&NOW[..], &["parties"], words].concat())
}

#[test]
fn an_import_reports_what_came_in_and_what_is_in_doubt() {
    let home = Home::new();
    let file = sample("csl-real-sample.csv");
    let run = parties(&home, &["import", "csl", &file, "--date", "2026-11-24"]);
    assert_eq!(run.code, Some(0), "{run}");
    insta::assert_snapshot!(run.stdout, @r"
    list            csl (csl)
    rows in         7
    parties out     7
    edges           0
    listings        7 (1 entity_list, 1 isn, 1 meu, 3 ssi, 1 uvl)
    additions       0
    in doubt        2 (1 reach, 1 requirement)
    date            2026-11-24T00:00:00Z (stated at import)
    age             12 h
    sha256          34594184881e6c0a05d09546e5b831714b0576b1ec10ad86d2c36230776f170d  csl-real-sample.csv
    stored          .causeway/lists/csl.jsonl
    ");
    assert!(
        run.stderr
            .contains("csl-real-sample.csv:2: the entry covers more than its name"),
        "{run}"
    );
    let lists = parties(&home, &["lists", "--json"]).json();
    let list = &lists["lists"][0];
    assert_eq!(list["list"], "csl");
    assert_eq!(list["freshness"], "fresh");
    assert_eq!(list["age_seconds"], 12 * 3600);
    assert_eq!(list["counts"]["rows"], 7);
    assert_eq!(list["hash"], list["files"][0]["sha256"]);
    // A day later it is too old for a launch.
    let later = home.causeway(&["--timestamp", "2026-11-25T12:00:00Z", "parties", "lists"]);
    assert!(later.stdout.contains("36 h, old"), "{later}");
}

#[test]
fn several_files_are_one_list_and_another_import_replaces_it() {
    let home = Home::new();
    let files = ["sdn", "alt", "add"].map(|part| sample(&format!("ofac-{part}-real-sample.csv")));
    let [sdn, alt, add] = &files;
    let run = parties(&home, &["import", "ofac", sdn, alt, add, "--json"]);
    assert_eq!(run.code, Some(0), "{run}");
    let list = &run.json()["list"];
    assert_eq!(list["counts"]["parties"], 13);
    assert_eq!(list["counts"]["listings"]["sdn"], 13);
    assert_eq!(
        list["freshness"], "unknown",
        "OFAC's files do not say their date"
    );
    let stored = home.path(".causeway/lists/sdn.jsonl");
    let text = std::fs::read_to_string(&stored).unwrap();
    assert_eq!(text.lines().count(), 1 + 13 + 9 + 18);
    let again = parties(&home, &["import", "ofac", sdn, "--date", "2026-11-24"]);
    assert_eq!(again.code, Some(0), "{again}");
    let text = std::fs::read_to_string(&stored).unwrap();
    assert_eq!(text.lines().count(), 1 + 13);
    let gleif = ["lei2", "rr", "repex"].map(|part| sample(&format!("gleif-{part}-synthetic.csv")));
    let [lei, rr, repex] = &gleif;
    let run = parties(&home, &["import", "gleif", rr, lei, repex]);
    assert!(
        run.stdout.contains("2026-06-01T00:00:00Z (newest record)"),
        "{run}"
    );
    let lists = parties(&home, &["lists"]);
    assert!(lists.stdout.contains("2 lists"), "{lists}");
    let left: Vec<String> = std::fs::read_dir(home.path(".causeway/lists"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_bad_file_says_where_and_changes_nothing() {
    let home = Home::new();
    let good = sample("ftm-synthetic.jsonl");
    let run = parties(&home, &["import", "ftm", &good, "--list", "mine"]);
    assert_eq!(run.code, Some(0), "{run}");
    let stored = home.path(".causeway/lists/mine.jsonl");
    let before = std::fs::read(&stored).unwrap();
    let text = std::fs::read_to_string(&good).unwrap();
    home.write("cut.jsonl", &text[..text.len() - 40]);
    home.write("csl.csv", "source,name\nEntity List (EL),\"open\n");
    for (words, says) in [
        (
            vec!["import", "ftm", "cut.jsonl", "--list", "mine"],
            "cut.jsonl is cut off at line 11",
        ),
        (
            vec!["import", "csl", "csl.csv", "--list", "mine"],
            "csl.csv is cut off at line 2",
        ),
        (
            vec!["import", "ofac", &good, "--list", "mine"],
            "it looks like `ftm`",
        ),
        (
            vec!["import", "csl", "cut.jsonl", "--list", "mine"],
            "it looks like `ftm`",
        ),
        (
            vec!["import", "ftm", "absent.jsonl", "--list", "mine"],
            "absent.jsonl",
        ),
        (
            vec!["import", "ftm", &good, "--list", "../mine"],
            "can't name a list",
        ),
        (
            vec![
                "import",
                "ftm",
                &good,
                "--list",
                "mine",
                "--date",
                "2026-11-25",
            ],
            "can't be of",
        ),
        (
            vec!["import", "ftm", &good, "--list", "mine", "--date", "soon"],
            "no day",
        ),
    ] {
        let run = parties(&home, &words);
        assert_eq!(run.code, Some(2), "{words:?}: {run}");
        let words_of_it = run.stderr.split_whitespace().filter(|word| *word != "│");
        let flat = words_of_it.collect::<Vec<_>>().join(" ");
        assert!(flat.contains(says), "{words:?}: {run}");
        assert_eq!(std::fs::read(&stored).unwrap(), before, "{words:?}");
    }
    let left = std::fs::read_dir(home.path(".causeway/lists"))
        .unwrap()
        .count();
    assert_eq!(left, 1, "nothing half-written stays behind");
}
